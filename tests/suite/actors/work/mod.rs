//! Tests how the work of a leader ends: on request, after a loss of the leadership, at a time
//! limit, or because it hangs or fails.

mod failing;
mod hanging;
mod stopping;

use std::{future::pending, slice, sync::Arc, time::Duration};

use elector_bully::Bully;
use elector_core::{
    ElectionAlgorithm, Guarantee, Moment, NodeId, Quorum,
    actor::{self, BoxError, Cluster, Elector, Grace, LeadError, Leadership, LeadershipLost},
};
use elector_raft::Raft;
use tokio::{
    sync::{
        Semaphore,
        mpsc::{self, UnboundedReceiver, UnboundedSender},
    },
    task::JoinHandle,
};

use super::{single_node, single_node_builder, three_nodes};
use crate::support::{TIMEOUT, cluster_with, in_time, patient_timing};

/// A grace (the time that work has to end) that is longer than any test.
const UNLIMITED: Duration = Duration::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Began,
    Asked,
    Lost,
    Ended,
}
use Phase::{Asked, Began, Ended, Lost};

type Report = (NodeId, Phase);

/// Reports the end of the work of a node when this value is dropped, so for every reason of the
/// end.
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

async fn cluster(nodes: u64) -> Cluster<Raft> {
    let setup = cluster_with(nodes, patient_timing());
    Cluster::start_with(setup).await.unwrap()
}

/// Starts the same work on these nodes. Returns the reports, and the calls of `lead`.
fn work<G, F, Fut>(
    electors: &[Elector<G>],
    grace: Grace,
    work_of: F,
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
        let (elector, reports, work_of) = (elector.clone(), reports.clone(), work_of.clone());
        leading.push(tokio::spawn(async move {
            let node = elector.node_id();
            let work = |me| {
                let working = Working::begin(node, &reports);
                let working_on = work_of(me, reports.clone());
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

// Work that is asked to end can finish its current piece as the leader, while the node prolongs its
// lease. Only after that may the requested successor take over.
#[tokio::test(flavor = "multi_thread")]
async fn work_finishes_while_the_node_still_leads() {
    let cluster = cluster(3).await;
    let grace = Grace {
        to_finish: UNLIMITED,
        ..Grace::default()
    };
    let (mut reports, _leading) = work(&all(&cluster), grace, |me, _| async move {
        me.ending().await;
        if !me.is_ending() {
            return Err("the request to end is not visible".into());
        }
        let mut known = me.deadline().ok_or("a lease")?;
        for _ in 0..3 {
            known = me.prolonged(known).await?;
        }
        me.token()?;
        let left = me.lease_remaining().ok_or("it still leads")?;
        (left > Duration::ZERO).then_some(()).ok_or("no lease")?;
        Ok(())
    });
    let (leader, _) = in_time(reports.recv()).await.unwrap();
    let elector = cluster.node(leader).unwrap();
    let epoch = elector.status().epoch;
    let successor = *cluster
        .nodes()
        .iter()
        .find(|&&node| node != leader)
        .unwrap();
    in_time(elector.transfer_to(successor)).await.unwrap();
    assert_eq!(in_time(reports.recv()).await, Some((leader, Ended)));
    assert_eq!(in_time(reports.recv()).await, Some((successor, Began)));
    assert!(cluster.node(successor).unwrap().status().epoch > epoch);
    in_time(cluster.shutdown()).await;
}

// Work that ignores the request to end must not keep the leadership forever.
#[tokio::test]
async fn work_that_does_not_finish_is_dropped() {
    let elector = single_node().await;
    let grace = Grace {
        to_finish: Duration::from_millis(50),
        ..Grace::default()
    };
    let mut reports = work(slice::from_ref(&elector), grace, |me, reports| async move {
        me.ending().await;
        // The work was asked to end, and its node still leads.
        me.token()?;
        reports.send((NodeId(1), Asked))?;
        pending().await
    })
    .0;
    assert_eq!(in_time(reports.recv()).await, Some((NodeId(1), Began)));
    in_time(elector.step_down()).await.unwrap();
    assert_eq!(reports.try_recv(), Ok((NodeId(1), Asked)));
    assert_eq!(reports.try_recv(), Ok((NodeId(1), Ended)));
}

// The node still leads while its work finishes after a request to end. So an error of this work
// must be reported.
#[tokio::test]
async fn work_that_fails_while_it_finishes_has_failed() {
    let elector = single_node().await;
    let grace = Grace {
        to_finish: UNLIMITED,
        ..Grace::default()
    };
    let mut reports = work(slice::from_ref(&elector), grace, |me, _| async move {
        me.ending().await;
        Err("the last write failed".into())
    })
    .0;
    in_time(reports.recv()).await.unwrap();
    in_time(elector.step_down()).await.unwrap();
    let mut status = elector.subscribe();
    let failed = status.wait_for(|status| status.work.failures == 1);
    let failure = in_time(failed).await.unwrap().work.failure.clone().unwrap();
    assert!(failure.contains("the last write"), "{failure}");
}

// Work may wait for a child process after the loss of the leadership, and must not be dropped
// before the child has ended. The work must see that the leadership is lost. No other work may run
// on the same node during this wait.
#[tokio::test(flavor = "multi_thread")]
async fn work_cleans_up_after_a_loss() {
    let mut cluster = cluster(3).await;
    let grace = Grace {
        to_clean_up: UNLIMITED,
        ..Grace::default()
    };
    let child_exits = Arc::new(Semaphore::new(0));
    let waits = Arc::clone(&child_exits);
    let (mut reports, _leading) = work(&all(&cluster), grace, move |me, reports| {
        let child_exits = Arc::clone(&waits);
        async move {
            me.lost().await;
            let token = me.token();
            assert_eq!(token, Err(LeadershipLost));
            reports.send((NodeId(0), Lost))?;
            child_exits.acquire().await?.forget();
            Ok(())
        }
    });
    let (first, _) = in_time(reports.recv()).await.unwrap();
    cluster.isolate(first);
    assert_eq!(in_time(reports.recv()).await, Some((NodeId(0), Lost)));
    let (second, began) = in_time(reports.recv()).await.unwrap();
    assert!(began == Began && second != first, "{began:?} {second}");
    // Transfer the leadership back to the first node, which is still cleaning up.
    cluster.heal();
    let elector = cluster.node(first).unwrap().clone();
    let mut status = elector.subscribe();
    in_time(status.wait_for(|status| status.leader == Some(second)))
        .await
        .unwrap();
    child_exits.add_permits(1);
    let handing = cluster.node(second).unwrap().clone();
    let handing = tokio::spawn(async move { handing.transfer_to(first).await });
    // The second node has lost its leadership by the transfer and cleans up, too. Both nodes wait
    // for a permit of `child_exits`, and it is not defined which of them gets it.
    let mut ended = Vec::new();
    loop {
        match in_time(reports.recv()).await.unwrap() {
            (node, Ended) => ended.push(node),
            (node, Began) if node == first => break assert!(ended.contains(&first)),
            (_, Lost) => child_exits.add_permits(1),
            _ => {}
        }
    }
    in_time(handing).await.unwrap().unwrap();
    // After a crash, the work has no time to clean up.
    assert!(in_time(cluster.kill(first)).await);
    child_exits.add_permits(9);
    in_time(cluster.shutdown()).await;
}

// A process that kills the leader's work at the deadline must get every prolongation. Without a
// lease there are no prolongations.
#[tokio::test]
async fn the_deadline_is_known_and_moves_on() {
    let cluster = cluster(3).await;
    let leader = in_time(cluster.leader()).await;
    let elector = cluster.node(leader).unwrap();
    let me = in_time(elector.campaign()).await.unwrap();
    let mut known = Moment::ZERO;
    for _ in 0..5 {
        let deadline = in_time(me.prolonged(known)).await.unwrap();
        assert!(deadline > known);
        known = deadline;
    }
    assert!(me.deadline() >= Some(known));
    let before = actor::now();
    assert_eq!(me.check(), Ok(()));
    assert!(
        me.deadline().unwrap() > before,
        "the lease held at that time"
    );
    cluster.isolate(leader);
    while let Ok(deadline) = in_time(me.prolonged(known)).await {
        known = deadline;
    }
    assert_eq!(
        me.deadline(),
        Some(known),
        "the deadline of an ended lease stays"
    );
    assert_eq!(me.lease_remaining(), None);
    in_time(cluster.shutdown()).await;

    let elector = single_node_builder::<Bully>();
    let elector = elector.start().await.unwrap();
    let me = in_time(elector.campaign()).await.unwrap();
    assert_eq!((me.deadline(), me.lease_remaining()), (None, None));
    in_time(elector.shutdown()).await.unwrap();
    assert_eq!(
        in_time(me.prolonged(Moment::ZERO)).await,
        Err(LeadershipLost)
    );
}

// A leadership in the caller's hand gets the request to end and the end at the same time, because
// it has no grace.
#[tokio::test]
async fn a_leadership_in_hand_has_no_grace() {
    let elector = single_node().await;
    let me: Leadership<Quorum> = in_time(elector.campaign()).await.unwrap();
    assert!(!me.is_ending());
    let stepping = tokio::spawn({
        let elector = elector.clone();
        async move { elector.step_down().await }
    });
    in_time(me.ending()).await;
    assert_eq!(me.check(), Err(LeadershipLost));
    drop(me);
    in_time(stepping).await.unwrap().unwrap();
}
