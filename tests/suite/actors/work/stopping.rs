//! Tests the shutdown of a node or of a whole cluster during work.

use std::{
    future::pending,
    slice,
    sync::{Arc, Mutex, mpsc as blocking},
    time::Duration,
};

use async_trait::async_trait;
use elector_core::{
    Configuration, Membership, NodeId, Role,
    actor::{BoxError, EventKind, EventsError, Grace, ShutdownError, Storage},
};
use elector_raft::{Raft, RaftConfig, RaftDurable};
use tokio::sync::Notify;

use super::*;

// A process can limit the time of a shutdown, even if the grace of its work (the time that the work
// has to end) is longer. The result of the shutdown says what happened to the work.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_shutdown_has_a_limit() {
    let grace = Grace {
        to_finish: UNLIMITED,
        to_clean_up: UNLIMITED,
    };
    let elector = single_node().await;
    let (mut reports, leading) = work(slice::from_ref(&elector), grace, |me, _| async move {
        me.ending().await;
        Ok(())
    });
    in_time(reports.recv()).await.unwrap();
    in_time(elector.shutdown_within(TIMEOUT)).await.unwrap();
    assert_eq!(reports.try_recv(), Ok((NodeId(1), Ended)));
    for leading in leading {
        in_time(leading).await.unwrap().unwrap();
    }

    let elector = single_node().await;
    let mut reports = work(slice::from_ref(&elector), grace, |_, _| pending()).0;
    in_time(reports.recv()).await.unwrap();
    let limit = Duration::from_millis(20);
    let dropped = in_time(elector.shutdown_within(limit)).await.unwrap_err();
    assert!(matches!(dropped, ShutdownError::WorkDropped(at) if at == limit));
    assert_eq!(reports.try_recv(), Ok((NodeId(1), Ended)));
    in_time(elector.stopped()).await.unwrap();

    let elector = single_node().await;
    let (release, blocks) = blocking::channel::<()>();
    let blocks = Arc::new(Mutex::new(blocks));
    let mut reports = work(slice::from_ref(&elector), grace, move |_, _| {
        let blocks = Arc::clone(&blocks);
        async move { Ok(blocks.lock().map_err(|_| "poisoned")?.recv()?) }
    })
    .0;
    in_time(reports.recv()).await.unwrap();
    let left = in_time(elector.shutdown_within(limit)).await.unwrap_err();
    assert!(matches!(left, ShutdownError::WorkAbandoned(_)), "{left}");
    in_time(elector.stopped()).await.unwrap();
    assert!(!elector.status().holds_leadership());
    drop(release);
    assert_eq!(in_time(reports.recv()).await, Some((NodeId(1), Ended)));
}

/// A disk whose writes never end. It reports the start of each write.
struct StuckDisk(Arc<Notify>, Mutex<blocking::Receiver<()>>);

#[async_trait]
impl Storage<RaftDurable> for StuckDisk {
    async fn load(&mut self, _: &Membership) -> Result<Option<RaftDurable>, BoxError> {
        Ok(None)
    }

    async fn save(&mut self, _: &RaftDurable) -> Result<(), BoxError> {
        self.0.notify_one();
        Ok(self.1.lock().map_err(|_| "poisoned")?.recv()?)
    }
}

// A disk that hangs must not delay a shutdown with a limit.
#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_stuck_disk() {
    let (release, stuck) = blocking::channel();
    let builder = single_node_builder::<Raft>();
    let saving = Arc::new(Notify::new());
    let builder = builder.storage(StuckDisk(Arc::clone(&saving), Mutex::new(stuck)));
    let elector = builder.start().await.unwrap();
    in_time(saving.notified()).await;
    let hangs = in_time(elector.shutdown_within(Duration::from_millis(20))).await;
    assert!(
        matches!(hangs, Err(ShutdownError::NotStopped(_))),
        "{hangs:?}"
    );
    drop(release);
    // The drop of `release` makes the write fail, so the node stops with the error of its disk.
    assert!(in_time(elector.stopped()).await.is_err());
}

// The call of `leave` must wait until there is another leader, and return this leader.
#[tokio::test(flavor = "multi_thread")]
async fn leave_returns_the_next_leader() {
    let mut config = RaftConfig::default();
    *config.timing_mut() = patient_timing();
    let electors = three_nodes(&config).await;
    let (mut reports, leading) = work(&electors, Grace::default(), |_, _| pending());
    let (first, _) = in_time(reports.recv()).await.unwrap();
    let place = |node: NodeId| {
        electors
            .iter()
            .position(|elector| elector.node_id() == node)
    };
    let leaving = &electors[place(first).unwrap()];
    let next = in_time(leaving.leave(TIMEOUT)).await.unwrap();
    in_time(leaving.stopped()).await.unwrap();
    assert_eq!(in_time(reports.recv()).await, Some((first, Ended)));
    let (second, began) = in_time(reports.recv()).await.unwrap();
    assert_eq!((began, next), (Began, Some(second)));

    let follower = electors
        .iter()
        .find(|elector| ![first, second].contains(&elector.node_id()));
    let follower = follower.unwrap();
    let mut status = follower.subscribe();
    in_time(status.wait_for(|status| status.leader == Some(second)))
        .await
        .unwrap();
    assert_eq!(
        in_time(follower.leave(TIMEOUT)).await.unwrap(),
        Some(second)
    );

    // No other node is left, so no next leader appears, and the limit ends the wait.
    let last = &electors[place(second).unwrap()];
    let limit = Duration::from_millis(100);
    assert_eq!(in_time(last.leave(limit)).await.unwrap(), None);
    for leading in leading {
        in_time(leading).await.unwrap().unwrap();
    }
    assert_eq!(
        in_time(single_node().await.leave(TIMEOUT)).await.unwrap(),
        None
    );
}

// If a cluster stopped node by node, several leaders would be elected one after the other, and each
// would start its work.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_stops_without_elections() {
    let cluster = cluster(5).await;
    // Node 1 leads, so that all others could be elected after it.
    let leader = in_time(cluster.leader()).await;
    if leader != NodeId(1) {
        let elector = cluster.node(leader).unwrap();
        in_time(elector.transfer_to(1)).await.unwrap();
    }
    let mut reports = work(&all(&cluster), Grace::default(), |_, _| pending()).0;
    let (leader, _) = in_time(reports.recv()).await.unwrap();
    assert_eq!(leader, NodeId(1));
    let epoch = cluster.node(leader).unwrap().status().epoch;
    let mut events: Vec<_> = cluster.running().map(|node| node.events()).collect();
    in_time(cluster.shutdown()).await;
    assert_eq!(reports.try_recv(), Ok((leader, Ended)));
    assert!(reports.try_recv().is_err(), "new work began");
    for events in &mut events {
        loop {
            match in_time(events.next()).await {
                Ok(event) => {
                    if let EventKind::Viewed(view) = event.kind {
                        let is_new_leader = view.role == Role::Leader && view.epoch > epoch;
                        assert!(!is_new_leader, "{event:?}");
                    }
                }
                Err(EventsError::Ended) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}
