//! How the work of a leader comes to an end: asked, lost, cut short, or left behind.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use std::{
    future::pending,
    slice,
    sync::{Arc, Mutex, mpsc as blocking},
    time::Duration,
};

use async_trait::async_trait;
use elector_bully::Bully;
use elector_core::{
    ElectionAlgorithm, Membership, Moment, NodeId, Quorum, Role, Settings, Timing,
    actor::{
        self, BoxError, Cluster, ClusterSetup, Elector, EventKind, EventsError, Grace, LeadError,
        Leadership, LeadershipLost, MemoryNetwork, ShutdownError, Storage,
    },
};
use elector_raft::{Raft, RaftConfig, RaftDurable};
use tokio::{
    sync::{
        Notify, Semaphore,
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
fn work<A, F, Fut>(
    electors: &[Elector<A>],
    grace: Grace,
    what: F,
) -> (
    UnboundedReceiver<Report>,
    Vec<JoinHandle<Result<(), LeadError>>>,
)
where
    A: ElectionAlgorithm,
    F: Fn(Leadership<A::Guarantee>, UnboundedSender<Report>) -> Fut + Clone + Send + Sync + 'static,
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

fn all<A: ElectionAlgorithm>(cluster: &Cluster<A>) -> Vec<Elector<A>> {
    cluster.running().cloned().collect()
}

async fn alone() -> Elector<Raft> {
    let builder = Elector::<Raft>::builder("work").node_id(1).peers([1]);
    builder.start().await.unwrap()
}

// Work that was asked to end must be able to finish what it is at as the leader, its lease prolonged,
// and only then may the heir that was asked for take over.
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
    let (mut reports, leading) = work(slice::from_ref(&elector), grace, |me, _| async move {
        me.ending().await;
        Err("the last write failed".into())
    });
    soon(reports.recv()).await.unwrap();
    soon(elector.step_down()).await.unwrap();
    for leading in leading {
        let failed = soon(leading).await.unwrap().unwrap_err();
        assert!(failed.to_string().contains("the last write"), "{failed}");
    }
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

    let elector = Elector::<Bully>::builder("work").node_id(1).peers([1]);
    let elector = elector.start().await.unwrap();
    let me = soon(elector.campaign()).await.unwrap();
    assert_eq!((me.deadline(), me.lease_remaining()), (None, None));
    soon(elector.shutdown()).await.unwrap();
    assert_eq!(soon(me.prolonged(Moment::ZERO)).await, Err(LeadershipLost));
}

// A process that must end at a given time must be able to, whatever its work was promised, and be
// told what became of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_shutdown_has_a_limit() {
    let grace = Grace {
        to_finish: FOREVER,
        to_clean_up: FOREVER,
    };
    let elector = alone().await;
    let (mut reports, leading) = work(slice::from_ref(&elector), grace, |me, _| async move {
        me.ending().await;
        Ok(())
    });
    soon(reports.recv()).await.unwrap();
    soon(elector.shutdown_within(SOON)).await.unwrap();
    assert_eq!(reports.try_recv(), Ok((NodeId(1), Ended)));
    for leading in leading {
        soon(leading).await.unwrap().unwrap();
    }

    let elector = alone().await;
    let mut reports = work(slice::from_ref(&elector), grace, |_, _| pending()).0;
    soon(reports.recv()).await.unwrap();
    let limit = Duration::from_millis(20);
    let dropped = soon(elector.shutdown_within(limit)).await.unwrap_err();
    assert!(matches!(dropped, ShutdownError::WorkDropped(at) if at == limit));
    assert_eq!(reports.try_recv(), Ok((NodeId(1), Ended)));
    soon(elector.stopped()).await.unwrap();

    let elector = alone().await;
    let (release, blocks) = blocking::channel::<()>();
    let blocks = Arc::new(Mutex::new(blocks));
    let mut reports = work(slice::from_ref(&elector), grace, move |_, _| {
        let blocks = Arc::clone(&blocks);
        async move { Ok(blocks.lock().map_err(|_| "poisoned")?.recv()?) }
    })
    .0;
    soon(reports.recv()).await.unwrap();
    let left = soon(elector.shutdown_within(limit)).await.unwrap_err();
    assert!(matches!(left, ShutdownError::WorkAbandoned(_)), "{left}");
    soon(elector.stopped()).await.unwrap();
    assert!(!elector.status().holds_leadership());
    drop(release);
    assert_eq!(soon(reports.recv()).await, Some((NodeId(1), Ended)));
}

/// A disk whose saves never end; it says when the first one begins.
struct Stuck(Arc<Notify>, Mutex<blocking::Receiver<()>>);

#[async_trait]
impl Storage<RaftDurable> for Stuck {
    async fn load(&mut self, _: &Membership) -> Result<Option<RaftDurable>, BoxError> {
        Ok(None)
    }

    async fn save(&mut self, _: &RaftDurable) -> Result<(), BoxError> {
        self.0.notify_one();
        Ok(self.1.lock().map_err(|_| "poisoned")?.recv()?)
    }
}

// A disk that hangs must not hang whoever has to end in time.
#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_stuck_disk() {
    let (release, stuck) = blocking::channel();
    let builder = Elector::<Raft>::builder("work").node_id(1).peers([1]);
    let saving = Arc::new(Notify::new());
    let builder = builder.storage(Stuck(Arc::clone(&saving), Mutex::new(stuck)));
    let elector = builder.start().await.unwrap();
    soon(saving.notified()).await;
    let hangs = soon(elector.shutdown_within(Duration::from_millis(20))).await;
    assert!(
        matches!(hangs, Err(ShutdownError::NotStopped(_))),
        "{hangs:?}"
    );
    drop(release);
    // The save fails, and the node hears of it at last.
    assert!(soon(elector.stopped()).await.is_err());
}

// A process that is told to end must leave a leader behind, and know that it does.
#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_names_the_next() {
    // A thread each, as in three processes.
    let network = MemoryNetwork::<Raft>::new([1, 2, 3].map(NodeId)).unwrap();
    let mut electors = Vec::new();
    for node in 1..=3 {
        let builder = Elector::builder("three").node_id(node).peers([1, 2, 3]);
        let mut config = RaftConfig::default();
        *config.timing_mut() = patient();
        let builder = builder.config(config).transport(network.transport());
        electors.push(builder.start().await.unwrap());
    }
    let (mut reports, leading) = work(&electors, Grace::default(), |_, _| pending());
    let (first, _) = soon(reports.recv()).await.unwrap();
    let place = |node: NodeId| {
        electors
            .iter()
            .position(|elector| elector.node_id() == node)
    };
    let leaving = &electors[place(first).unwrap()];
    let next = soon(leaving.leave(SOON)).await.unwrap();
    soon(leaving.stopped()).await.unwrap();
    assert_eq!(soon(reports.recv()).await, Some((first, Ended)));
    let (second, began) = soon(reports.recv()).await.unwrap();
    assert_eq!((began, next), (Began, Some(second)));

    let follower = electors
        .iter()
        .find(|elector| ![first, second].contains(&elector.node_id()));
    let follower = follower.unwrap();
    let mut status = follower.subscribe();
    soon(status.wait_for(|status| status.leader == Some(second)))
        .await
        .unwrap();
    assert_eq!(soon(follower.leave(SOON)).await.unwrap(), Some(second));

    // Nobody is left who could take over: the limit ends the wait.
    let last = &electors[place(second).unwrap()];
    let limit = Duration::from_millis(100);
    assert_eq!(soon(last.leave(limit)).await.unwrap(), None);
    for leading in leading {
        soon(leading).await.unwrap().unwrap();
    }
    assert_eq!(soon(alone().await.leave(SOON)).await.unwrap(), None);
}

// To stop a cluster node by node would elect the next leader again and again, and start its work.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_stops_as_one() {
    let cluster = cluster(5).await;
    // The first one leads, so that all others are there to be elected after it.
    let leader = soon(cluster.leader()).await;
    if leader != NodeId(1) {
        let elector = cluster.node(leader).unwrap();
        soon(elector.transfer_to(1)).await.unwrap();
    }
    let mut reports = work(&all(&cluster), Grace::default(), |_, _| pending()).0;
    let (leader, _) = soon(reports.recv()).await.unwrap();
    assert_eq!(leader, NodeId(1));
    let epoch = cluster.node(leader).unwrap().status().epoch;
    let mut events: Vec<_> = cluster.running().map(Elector::events).collect();
    soon(cluster.shutdown()).await;
    assert_eq!(reports.try_recv(), Ok((leader, Ended)));
    assert!(reports.try_recv().is_err(), "new work began");
    for events in &mut events {
        loop {
            match soon(events.next()).await {
                Ok(event) => {
                    let leads = |kind| matches!(kind, EventKind::Viewed(view) if view.role == Role::Leader && view.epoch > epoch);
                    assert!(!leads(event.kind), "{event:?}");
                }
                Err(EventsError::Ended) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
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
