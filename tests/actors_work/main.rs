//! How the work of a leader comes to an end: asked, lost, cut short, or left behind.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

mod failing;
mod hanging;
mod stopping;

use std::{future::pending, slice, sync::Arc, time::Duration};

use elector_bully::Bully;
use elector_core::{
    Configuration, ElectionAlgorithm, Guarantee, Moment, NodeId, Quorum, Timing,
    actor::{
        self, BoxError, Cluster, ClusterSetup, Elector, Grace, LeadError, Leadership,
        LeadershipLost,
    },
};
use elector_raft::Raft;
use tokio::{
    sync::{
        Semaphore,
        mpsc::{self, UnboundedReceiver, UnboundedSender},
    },
    task::JoinHandle,
    time::timeout,
};

const SOON: Duration = Duration::from_secs(30);

/// Longer than any test waits.
const FOREVER: Duration = Duration::MAX;

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(SOON, what).await.expect("it happens in time")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Began,
    Asked,
    Lost,
    Ended,
}
use What::{Asked, Began, Ended, Lost};

type Report = (NodeId, What);

/// Reports the end of the work, by whatever it ends.
struct Working(NodeId, UnboundedSender<Report>);

impl Working {
    fn begin(node: NodeId, reports: &UnboundedSender<Report>) -> Self {
        reports.send((node, Began)).unwrap();
        Self(node, reports.clone())
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let _ = self.1.send((self.0, Ended));
    }
}

/// Patient: no machine is so busy that it elects on its own.
fn patient() -> Timing {
    Timing {
        heartbeat: Duration::from_millis(50),
        lease: Duration::from_millis(800),
        election_min: Duration::from_millis(1000),
        election_max: Duration::from_millis(1500),
        round_trip: Duration::from_millis(500),
    }
}

async fn cluster(nodes: u64) -> Cluster<Raft> {
    let mut setup = ClusterSetup::<Raft>::new(nodes);
    *setup.config.timing_mut() = patient();
    Cluster::start_with(setup).await.unwrap()
}

/// The same work on these nodes; it reports.
fn work<G, F, Fut>(
    electors: &[Elector<G>],
    grace: Grace,
    what: F,
) -> (
    UnboundedReceiver<Report>,
    Vec<JoinHandle<Result<(), LeadError>>>,
)
where
    G: Guarantee,
    F: Fn(Leadership<G>, UnboundedSender<Report>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    let (reports, received) = mpsc::unbounded_channel();
    let mut leading = Vec::new();
    for elector in electors {
        let (elector, reports, what) = (elector.clone(), reports.clone(), what.clone());
        leading.push(tokio::spawn(async move {
            let node = elector.node_id();
            let work = |me| {
                let working = Working::begin(node, &reports);
                let working_on = what(me, reports.clone());
                async move {
                    let _working = working;
                    working_on.await
                }
            };
            elector.lead_with(grace, work).await
        }));
    }
    (received, leading)
}

fn all<A: ElectionAlgorithm>(cluster: &Cluster<A>) -> Vec<Elector<A::Guarantee>> {
    cluster.running().cloned().collect()
}

async fn alone() -> Elector<Quorum> {
    let builder = Elector::builder("work")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1]);
    builder.start().await.unwrap()
}

// Work that was asked to end must be able to finish what it is at as the leader, its lease
// prolonged, and only then may the heir that was asked for take over.
#[tokio::test(flavor = "multi_thread")]
async fn work_finishes_while_the_node_leads_on() {
    let cluster = cluster(3).await;
    let grace = Grace {
        to_finish: FOREVER,
        ..Grace::default()
    };
    let (mut reports, _leading) = work(&all(&cluster), grace, |me, _| async move {
        me.ending().await;
        if !me.is_ending() {
            return Err("asked, and not to be seen".into());
        }
        let mut known = me.deadline().ok_or("a lease")?;
        for _ in 0..3 {
            known = me.prolonged(known).await?;
        }
        me.token()?;
        let left = me.lease_remaining().ok_or("it leads on")?;
        (left > Duration::ZERO).then_some(()).ok_or("no lease")?;
        Ok(())
    });
    let (leader, _) = soon(reports.recv()).await.unwrap();
    let elector = cluster.node(leader).unwrap();
    let epoch = elector.status().epoch;
    let heir = *cluster
        .nodes()
        .iter()
        .find(|&&node| node != leader)
        .unwrap();
    soon(elector.transfer_to(heir)).await.unwrap();
    assert_eq!(soon(reports.recv()).await, Some((leader, Ended)));
    assert_eq!(soon(reports.recv()).await, Some((heir, Began)));
    assert!(cluster.node(heir).unwrap().status().epoch > epoch);
    soon(cluster.shutdown()).await;
}

// Work that does not end though it was asked must not keep the leadership for ever.
#[tokio::test]
async fn work_that_does_not_finish_is_dropped() {
    let elector = alone().await;
    let grace = Grace {
        to_finish: Duration::from_millis(50),
        ..Grace::default()
    };
    let mut reports = work(slice::from_ref(&elector), grace, |me, reports| async move {
        me.ending().await;
        // Not over yet: this one is asked, and still leads.
        me.token()?;
        reports.send((NodeId(1), Asked))?;
        pending().await
    })
    .0;
    assert_eq!(soon(reports.recv()).await, Some((NodeId(1), Began)));
    soon(elector.step_down()).await.unwrap();
    assert_eq!(reports.try_recv(), Ok((NodeId(1), Asked)));
    assert_eq!(reports.try_recv(), Ok((NodeId(1), Ended)));
}

// Work that fails while it is asked to end still led, so its error must not be swallowed.
#[tokio::test]
async fn work_that_fails_while_it_finishes_has_failed() {
    let elector = alone().await;
    let grace = Grace {
        to_finish: FOREVER,
        ..Grace::default()
    };
    let mut reports = work(slice::from_ref(&elector), grace, |me, _| async move {
        me.ending().await;
        Err("the last write failed".into())
    })
    .0;
    soon(reports.recv()).await.unwrap();
    soon(elector.step_down()).await.unwrap();
    let mut status = elector.subscribe();
    let failed = status.wait_for(|status| status.work.failures == 1);
    let failure = soon(failed).await.unwrap().work.failure.clone().unwrap();
    assert!(failure.contains("the last write"), "{failure}");
}

// Work that has to wait for a child process must not be dropped before, when leadership is lost; it
// must see that it may do nothing else, and nobody may work beside it on the same node.
#[tokio::test(flavor = "multi_thread")]
async fn work_cleans_up_after_a_loss() {
    let mut cluster = cluster(3).await;
    let grace = Grace {
        to_clean_up: FOREVER,
        ..Grace::default()
    };
    let child = Arc::new(Semaphore::new(0));
    let waits = Arc::clone(&child);
    let (mut reports, _leading) = work(&all(&cluster), grace, move |me, reports| {
        let child = Arc::clone(&waits);
        async move {
            me.lost().await;
            let token = me.token();
            assert_eq!(token, Err(LeadershipLost));
            reports.send((NodeId(0), Lost))?;
            child.acquire().await?.forget();
            Ok(())
        }
    });
    let (first, _) = soon(reports.recv()).await.unwrap();
    cluster.isolate(first);
    assert_eq!(soon(reports.recv()).await, Some((NodeId(0), Lost)));
    let (second, began) = soon(reports.recv()).await.unwrap();
    assert!(began == Began && second != first, "{began:?} {second}");
    // Back to the first one, which is still cleaning up.
    cluster.heal();
    let elector = cluster.node(first).unwrap().clone();
    let mut status = elector.subscribe();
    soon(status.wait_for(|status| status.leader == Some(second)))
        .await
        .unwrap();
    child.add_permits(1);
    let handing = cluster.node(second).unwrap().clone();
    let handing = tokio::spawn(async move { handing.transfer_to(first).await });
    // The second one was told, and cleans up as well: which one of the two got the permit is open.
    let mut ended = Vec::new();
    loop {
        match soon(reports.recv()).await.unwrap() {
            (node, Ended) => ended.push(node),
            (node, Began) if node == first => break assert!(ended.contains(&first)),
            (_, Lost) => child.add_permits(1),
            _ => {}
        }
    }
    soon(handing).await.unwrap().unwrap();
    // A crash leaves no time to clean up.
    assert!(soon(cluster.kill(first)).await);
    child.add_permits(9);
    soon(cluster.shutdown()).await;
}

// Whoever stands guard over the leader (a process that kills it at the deadline) must hear of every
// prolongation, and of none where there is no lease.
#[tokio::test]
async fn the_deadline_is_known_and_moves_on() {
    let cluster = cluster(3).await;
    let leader = soon(cluster.leader()).await;
    let elector = cluster.node(leader).unwrap();
    let me = soon(elector.campaign()).await.unwrap();
    let mut known = Moment::ZERO;
    for _ in 0..5 {
        let deadline = soon(me.prolonged(known)).await.unwrap();
        assert!(deadline > known);
        known = deadline;
    }
    assert!(me.deadline() >= Some(known));
    let before = actor::now();
    assert_eq!(me.check(), Ok(()));
    assert!(me.deadline().unwrap() > before, "it held after that");
    cluster.isolate(leader);
    while let Ok(deadline) = soon(me.prolonged(known)).await {
        known = deadline;
    }
    assert_eq!(me.deadline(), Some(known), "what is over stays");
    assert_eq!(me.lease_remaining(), None);
    soon(cluster.shutdown()).await;

    let elector = Elector::builder("work")
        .algorithm::<Bully>()
        .node_id(1)
        .peers([1]);
    let elector = elector.start().await.unwrap();
    let me = soon(elector.campaign()).await.unwrap();
    assert_eq!((me.deadline(), me.lease_remaining()), (None, None));
    soon(elector.shutdown()).await.unwrap();
    assert_eq!(soon(me.prolonged(Moment::ZERO)).await, Err(LeadershipLost));
}

// A guard in hand is told of the wish and of the end in one: nobody promised it time.
#[tokio::test]
async fn a_guard_in_hand_has_no_grace() {
    let elector = alone().await;
    let me: Leadership<Quorum> = soon(elector.campaign()).await.unwrap();
    assert!(!me.is_ending());
    let stepping = tokio::spawn({
        let elector = elector.clone();
        async move { elector.step_down().await }
    });
    soon(me.ending()).await;
    assert_eq!(me.check(), Err(LeadershipLost));
    drop(me);
    soon(stepping).await.unwrap().unwrap();
}
