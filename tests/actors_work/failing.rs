//! Work that fails: it is tried again, and a node whose work goes on failing does not stay leader.

use std::{
    env, process, slice,
    sync::atomic::{AtomicU32, Ordering},
};

use elector_core::actor::{AfterRetries, FailurePolicy, WorkStatus};

use crate::*;

/// Without pauses that a test would wait for.
fn quick(retries: u32) -> FailurePolicy {
    FailurePolicy {
        retries,
        first_pause: Duration::from_millis(1),
        ..FailurePolicy::default()
    }
}

async fn until_work(elector: &Elector<Quorum>, is: impl Fn(&WorkStatus) -> bool) -> WorkStatus {
    let mut status = elector.subscribe();
    let found = soon(status.wait_for(|status| is(&status.work))).await;
    found.unwrap().work.clone()
}

// A failure that passes must cost a restart of the work, and neither the leadership nor the node.
// What the failed try still writes must lose against the next one.
#[tokio::test]
async fn work_that_failed_is_tried_again_under_a_higher_token() {
    let elector = alone().await;
    let tries = AtomicU32::new(0);
    let (tell, mut told) = mpsc::unbounded_channel();
    let working = elector.lead_with(quick(3), |me| {
        let number = tries.fetch_add(1, Ordering::Relaxed);
        let tell = tell.clone();
        async move {
            tell.send((me.epoch(), me.token()?))?;
            match number {
                0 => Err("the database is not up yet".into()),
                1 => panic!("a bug"),
                _ => pending().await,
            }
        }
    });
    let watching = async {
        let first = told.recv().await.unwrap();
        let second = told.recv().await.unwrap();
        let third = told.recv().await.unwrap();
        assert_eq!((first.0, second.0), (second.0, third.0));
        assert!(first.1 < second.1 && second.1 < third.1);
        let work = elector.status().work;
        assert_eq!((work.failures, work.is_withdrawn), (2, false));
        assert!(work.failure.unwrap().contains("a bug"));
        elector.step_down().await.unwrap();
        until_work(&elector, |work| work.failure.is_none()).await;
    };
    tokio::select! {
        led = working => panic!("it goes on: {led:?}"),
        () = async { soon(watching).await } => {}
    }
}

// Three nodes of which two cannot do the work: the third one must do it, in the end, also if the
// others are elected before it, or asked to lead.
#[tokio::test(flavor = "multi_thread")]
async fn the_node_that_can_do_the_work_leads_in_the_end() {
    for able in [1, 2, 3] {
        leads_in_the_end(NodeId(able)).await;
    }
}

async fn leads_in_the_end(able: NodeId) {
    let cluster = cluster(3).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut failing = Vec::new();
    for elector in all(&cluster) {
        let tell = tell.clone();
        failing.push(tokio::spawn(async move {
            let node = elector.node_id();
            let work = |me: Leadership<Quorum>| {
                let tell = tell.clone();
                async move {
                    if node != able {
                        return Err("no route to the database".into());
                    }
                    tell.send(node)?;
                    me.lost().await;
                    Ok(())
                }
            };
            (node, elector.lead_with(quick(2), work).await)
        }));
    }
    assert_eq!(soon(told.recv()).await, Some(able));
    let others = cluster
        .nodes()
        .to_vec()
        .into_iter()
        .filter(|&node| node != able);
    for other in others.clone() {
        soon(async { while cluster.leader().await != able {} }).await;
        let transferred = cluster.node(able).unwrap().transfer_to(other).await;
        transferred.unwrap();
        assert_eq!(
            soon(told.recv()).await,
            Some(able),
            "after {other} was asked"
        );
        let work = until_work(cluster.node(other).unwrap(), |work| work.is_withdrawn).await;
        assert_eq!(work.failures, 3, "{other}");
    }
    soon(cluster.shutdown()).await;
    for failing in failing {
        let (node, led) = soon(failing).await.unwrap();
        assert_eq!(led.is_ok(), node == able, "{node}: {led:?}");
    }
}

// If no node can do the work, they must not pass leadership on to each other without a pause.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_have_all_withdrawn_do_not_elect_without_end() {
    let cluster = cluster(3).await;
    let mut failing = Vec::new();
    for elector in all(&cluster) {
        failing.push(tokio::spawn(async move {
            let work = |_| async { Err("no database".into()) };
            elector.lead_with(quick(0), work).await
        }));
    }
    for failing in failing {
        assert!(soon(failing).await.unwrap().is_err());
    }
    let electors = all(&cluster);
    let newest = || {
        electors
            .iter()
            .map(|elector| elector.status().epoch.0)
            .max()
    };
    let before = newest().unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let elections = newest().unwrap() - before;
    // Each of them pauses for 0, 100, 200, 400 and 800 ms.
    assert!(elections < 20, "{elections} elections");
    assert!(
        electors
            .iter()
            .all(|elector| !elector.status().holds_leadership())
    );
    soon(cluster.shutdown()).await;
}

// An operator who has mended the cause must get the node back without a restart.
#[tokio::test]
async fn a_node_that_has_withdrawn_takes_leadership_when_it_is_told_to_lead_again() {
    let elector = alone().await;
    let led = elector.lead_with(quick(1), |_| async { Err("failed".into()) });
    assert!(soon(led).await.is_err());
    let work = elector.status().work;
    assert_eq!((work.failures, work.is_withdrawn), (2, true));
    assert!(!elector.status().holds_leadership());
    let mut reports = work_of(&elector);
    assert_eq!(soon(reports.recv()).await, Some((NodeId(1), Began)));
    assert!(!elector.status().work.is_withdrawn);
}

fn work_of(elector: &Elector<Quorum>) -> UnboundedReceiver<Report> {
    work(slice::from_ref(elector), Grace::default(), |_, _| pending()).0
}

/// Set for the process that is to end.
const ENDS: &str = "ELECTOR_TEST_ENDS";

// A service manager starts a process again only if it ends, and with a code that says failure.
#[tokio::test]
async fn the_process_ends_if_that_is_the_policy() {
    if env::var_os(ENDS).is_some() {
        let policy = FailurePolicy {
            then: AfterRetries::ExitProcess,
            ..quick(1)
        };
        let led = alone().await;
        let led = led.lead_with(policy, |_| async { Err("failed".into()) });
        let _ = led.await;
        process::exit(77);
    }
    let test = "failing::the_process_ends_if_that_is_the_policy";
    let mut child = tokio::process::Command::new(env::current_exe().unwrap());
    let child = child.args(["--exact", test]).env(ENDS, "1");
    let output = soon(child.output()).await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
