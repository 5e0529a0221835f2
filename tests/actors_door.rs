//! What a node on actors refuses: work without a lease, and epochs that cannot be.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use std::{sync::Mutex, time::Duration};

use async_trait::async_trait;
use elector_core::{
    Epoch, Membership, Moment, NodeId,
    actor::{
        BoxError, Cluster, ClusterSetup, CommandError, Dropped, Elector, Inbox, LeadError, Links,
        Transport,
    },
};
use elector_raft::{Raft, RaftConfig, RaftMessage};
use tokio::{sync::oneshot, time::timeout};

const SOON: Duration = Duration::from_secs(60);

// A leader without a lease was elected and never worked, and its caller waited for ever.
#[tokio::test]
async fn work_without_a_lease_is_refused_at_once() {
    let config = RaftConfig {
        check_quorum: false,
        ..RaftConfig::default()
    };
    let setup = ClusterSetup {
        config,
        ..ClusterSetup::new(3)
    };
    let cluster = Cluster::<Raft>::start_with(setup).await.unwrap();
    let leader = timeout(SOON, cluster.leader()).await.unwrap();
    let elector = cluster.node(leader).unwrap();
    let led = timeout(SOON, elector.lead(|_| async { Ok(()) })).await;
    let error = led.expect("at once").unwrap_err();
    assert!(matches!(error, LeadError::NoLease(_)), "{error}");
    assert!(error.to_string().contains("raft has no leases"), "{error}");
    let error = timeout(SOON, elector.campaign()).await.expect("at once");
    assert!(matches!(error.unwrap_err(), CommandError::NoLease(_)));
    cluster.shutdown().await;
}

/// Gives the inbox away, and sends nothing.
struct Outside(Mutex<Option<oneshot::Sender<Inbox<Raft>>>>);

struct Nowhere;

#[async_trait]
impl Transport<Raft> for Outside {
    async fn open(
        self: Box<Self>,
        _: &Membership,
        inbox: Inbox<Raft>,
    ) -> Result<Box<dyn Links<Raft>>, BoxError> {
        let given = self.0.lock().unwrap().take().unwrap();
        given.send(inbox).map_err(|_| "nobody wants it")?;
        Ok(Box::new(Nowhere))
    }
}

impl Links<Raft> for Nowhere {
    fn send(&mut self, _: NodeId, _: RaftMessage) -> Result<(), Dropped> {
        Ok(())
    }
}

fn heartbeat(term: Epoch) -> RaftMessage {
    RaftMessage::Heartbeat {
        term,
        sent: Moment::ZERO,
        announce: false,
    }
}

// One message with the last epoch of all, from a peer that is broken, ended all elections for good.
#[tokio::test]
async fn an_absurd_epoch_is_dropped_and_counted() {
    let (give, given) = oneshot::channel();
    let mut config = RaftConfig::default();
    // It must not campaign meanwhile.
    config.timing.election_min = SOON;
    config.timing.election_max = SOON;
    let elector = Elector::builder("door")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1, 2, 3])
        .config(config)
        .transport(Outside(Mutex::new(Some(give))))
        .start()
        .await
        .unwrap();
    let inbox = given.await.unwrap();
    let mut status = elector.subscribe();
    // The node has no epoch yet: it takes that of the cluster, however high.
    let joined = Epoch(1 << 50);
    let highest = Epoch(joined.0 + Epoch::FARTHEST_AHEAD);
    for (epoch, taken) in [
        (Epoch(u64::MAX), Epoch::ZERO),
        (joined, joined),
        (highest.next(), joined),
        (Epoch(u64::MAX), joined),
        (highest, highest),
    ] {
        inbox.deliver(NodeId(2), heartbeat(epoch)).unwrap();
        // Messages of one peer are handled in their order: this one comes after it.
        inbox.deliver(NodeId(2), heartbeat(taken)).unwrap();
        let taking = status.wait_for(|status| status.epoch >= taken);
        let status = timeout(SOON, taking).await.unwrap().unwrap();
        assert_eq!(status.epoch, taken);
    }
    assert_eq!(elector.traffic().absurd, 3);
    elector.shutdown().await.unwrap();
}
