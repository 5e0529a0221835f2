//! Tests failing work: it is tried again, and a node whose work fails repeatedly does not stay the
//! leader.

use std::{
    env, process, slice,
    sync::atomic::{AtomicU32, Ordering},
};

use elector_core::actor::{AfterRetries, FailurePolicy, WorkStatus};

use super::*;
use crate::actors::run_in_process;

/// Returns a policy for failed work that has this number of retries and no long pauses.
fn quick_retries(retries: u32) -> FailurePolicy {
    FailurePolicy {
        retries,
        first_pause: Duration::from_millis(1),
        ..FailurePolicy::default()
    }
}

async fn until_work(elector: &Elector<Quorum>, is: impl Fn(&WorkStatus) -> bool) -> WorkStatus {
    let mut status = elector.subscribe();
    let found = in_time(status.wait_for(|status| is(&status.work))).await;
    found.unwrap().work.clone()
}

// After a temporary failure, only the work restarts: the node and its leadership stay. The next try
// must have a higher token, so that a store can reject late writes of the failed try.
#[tokio::test]
async fn work_that_failed_is_tried_again_under_a_higher_token() {
    let elector = single_node().await;
    let tries = AtomicU32::new(0);
    let (reports, mut received) = mpsc::unbounded_channel();
    let working = elector.lead_with(quick_retries(3), |me| {
        let number = tries.fetch_add(1, Ordering::Relaxed);
        let reports = reports.clone();
        async move {
            reports.send((me.epoch(), me.token()?))?;
            match number {
                0 => Err::<(), BoxError>("the database is not up yet".into()),
                1 => panic!("a bug"),
                _ => pending().await,
            }
        }
    });
    let watching = async {
        let first = received.recv().await.unwrap();
        let second = received.recv().await.unwrap();
        let third = received.recv().await.unwrap();
        assert_eq!((first.0, second.0), (second.0, third.0));
        assert!(first.1 < second.1 && second.1 < third.1);
        let work = elector.status().work;
        assert_eq!((work.failures, work.is_withdrawn), (2, false));
        assert!(work.failure.unwrap().contains("a bug"));
        elector.step_down().await.unwrap();
        until_work(&elector, |work| work.failure.is_none()).await;
    };
    tokio::select! {
        led = working => panic!("the work must continue: {led:?}"),
        () = async { in_time(watching).await } => {}
    }
}

// Two of three nodes cannot do the work. In the end the third node must do it, even if the other
// nodes are elected first, or are asked to lead.
#[tokio::test(flavor = "multi_thread")]
async fn the_node_that_can_do_the_work_leads_in_the_end() {
    for able in [1, 2, 3] {
        leads_in_the_end(NodeId(able)).await;
    }
}

async fn leads_in_the_end(able: NodeId) {
    let cluster = cluster(3).await;
    let (reports, mut received) = mpsc::unbounded_channel();
    let mut failing = Vec::new();
    for elector in all(&cluster) {
        let reports = reports.clone();
        failing.push(tokio::spawn(async move {
            let node = elector.node_id();
            let work = async |me: Leadership<Quorum>| {
                if node != able {
                    return Err("no route to the database");
                }
                reports.send(node).unwrap();
                me.lost().await;
                Ok(())
            };
            (node, elector.lead_with(quick_retries(2), work).await)
        }));
    }
    assert_eq!(in_time(received.recv()).await, Some(able));
    let others = cluster
        .nodes()
        .to_vec()
        .into_iter()
        .filter(|&node| node != able);
    for other in others.clone() {
        in_time(async { while cluster.leader().await != able {} }).await;
        let transferred = cluster.node(able).unwrap().transfer_to(other).await;
        transferred.unwrap();
        assert_eq!(
            in_time(received.recv()).await,
            Some(able),
            "after {other} was asked"
        );
        let work = until_work(cluster.node(other).unwrap(), |work| work.is_withdrawn).await;
        assert_eq!(work.failures, 3, "{other}");
    }
    in_time(cluster.shutdown()).await;
    for failing in failing {
        let (node, led) = in_time(failing).await.unwrap();
        assert_eq!(led.is_ok(), node == able, "{node}: {led:?}");
    }
}

// If no node can do the work, the nodes must not pass the leadership to each other without a pause.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_have_all_withdrawn_elect_rarely() {
    let cluster = cluster(3).await;
    let mut failing = Vec::new();
    for elector in all(&cluster) {
        failing.push(tokio::spawn(async move {
            let work = async |_| Err::<(), _>("no database");
            elector.lead_with(quick_retries(0), work).await
        }));
    }
    for failing in failing {
        assert!(in_time(failing).await.unwrap().is_err());
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
    // A node that has withdrawn pauses for 0, 100, 200, 400 and 800 ms before its step-downs, so
    // each node leads only a few times within the second.
    assert!(elections < 20, "{elections} elections");
    assert!(
        electors
            .iter()
            .all(|elector| !elector.status().holds_leadership())
    );
    in_time(cluster.shutdown()).await;
}

// After an operator has removed the cause of the failures, the node must be able to lead again
// without a restart.
#[tokio::test]
async fn a_node_that_has_withdrawn_leads_after_another_call_of_lead() {
    let elector = single_node().await;
    let led = elector.lead_with(quick_retries(1), async |_| Err::<(), _>("failed"));
    assert!(in_time(led).await.is_err());
    let work = elector.status().work;
    assert_eq!((work.failures, work.is_withdrawn), (2, true));
    assert!(!elector.status().holds_leadership());
    let mut reports = work_of(&elector);
    assert_eq!(in_time(reports.recv()).await, Some((NodeId(1), Began)));
    assert!(!elector.status().work.is_withdrawn);
}

fn work_of(elector: &Elector<Quorum>) -> UnboundedReceiver<Report> {
    work(slice::from_ref(elector), Grace::default(), |_, _| pending()).0
}

/// The environment variable that is set in the process that the failure policy must end.
const EXIT_VARIABLE: &str = "ELECTOR_TEST_ENDS";

// A service manager restarts a process only if the process ends with an exit code for failure.
#[tokio::test]
async fn the_policy_can_end_the_process() {
    if env::var_os(EXIT_VARIABLE).is_some() {
        let policy = FailurePolicy {
            then: AfterRetries::ExitProcess,
            ..quick_retries(1)
        };
        let led = single_node().await;
        let led = led.lead_with(policy, async |_| Err::<(), _>("failed"));
        let _ = led.await;
        process::exit(77);
    }
    let test = "actors::work::failing::the_policy_can_end_the_process";
    let output = run_in_process(test, (EXIT_VARIABLE, "1")).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
