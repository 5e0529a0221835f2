//! How a node, or a whole cluster, stops under its work.

use std::{
    future::pending,
    slice,
    sync::{Arc, Mutex, mpsc as blocking},
    time::Duration,
};

use async_trait::async_trait;
use elector_core::{
    Configuration, Membership, NodeId, Role,
    actor::{
        BoxError, Elector, EventKind, EventsError, Grace, MemoryNetwork, ShutdownError, Storage,
    },
};
use elector_raft::{Raft, RaftConfig, RaftDurable};
use tokio::sync::Notify;

use crate::*;

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
    let builder = Elector::builder("work")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1]);
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
        let builder = Elector::builder("three")
            .algorithm::<Raft>()
            .node_id(node)
            .peers([1, 2, 3]);
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
    let mut events: Vec<_> = cluster.running().map(|node| node.events()).collect();
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
