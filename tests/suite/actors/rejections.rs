//! Tests what a node on an actor rejects: work without a lease, and impossible epochs.

use std::sync::Mutex;

use async_trait::async_trait;
use elector_core::{
    Epoch, Membership, Moment, NodeId,
    actor::{
        BoxError, Cluster, ClusterSetup, CommandError, Dropped, Elector, Inbox, LeadError, Links,
        Transport,
    },
};
use elector_raft::{Raft, RaftConfig, RaftMessage};
use tokio::sync::oneshot;

use crate::support::{TIMEOUT, in_time};

// In an earlier version, a leader without a lease was elected and never ran its work, and the
// caller of `lead` waited forever.
#[tokio::test]
async fn work_without_a_lease_is_rejected_immediately() {
    let config = RaftConfig {
        check_quorum: false,
        ..RaftConfig::default()
    };
    let setup = ClusterSetup {
        config,
        ..ClusterSetup::new(3)
    };
    let cluster = Cluster::<Raft>::start_with(setup).await.unwrap();
    let leader = in_time(cluster.leader()).await;
    let elector = cluster.node(leader).unwrap();
    let led = in_time(elector.lead(async |_| {})).await;
    let error = led.unwrap_err();
    assert!(matches!(error, LeadError::NoLease(_)), "{error}");
    assert!(error.to_string().contains("raft has no leases"), "{error}");
    let error = in_time(elector.campaign()).await;
    assert!(matches!(error.unwrap_err(), CommandError::NoLease(_)));
    cluster.shutdown().await;
}

/// A transport that gives its inbox to the test, and sends nothing.
struct TestTransport(Mutex<Option<oneshot::Sender<Inbox<Raft>>>>);

struct NoLinks;

#[async_trait]
impl Transport<Raft> for TestTransport {
    async fn open(
        self: Box<Self>,
        _: &Membership,
        inbox: Inbox<Raft>,
    ) -> Result<Box<dyn Links<Raft>>, BoxError> {
        let given = self.0.lock().unwrap().take().unwrap();
        given.send(inbox).map_err(|_| "the test has ended")?;
        Ok(Box::new(NoLinks))
    }
}

impl Links<Raft> for NoLinks {
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

// In an earlier version, one message with the highest epoch, from a faulty peer, ended all
// elections permanently.
#[tokio::test]
async fn an_impossible_epoch_is_dropped_and_counted() {
    let (give, given) = oneshot::channel();
    let mut config = RaftConfig::default();
    // The node must not campaign during the test.
    config.timing.election_min = TIMEOUT;
    config.timing.election_max = TIMEOUT;
    let elector = Elector::builder("rejections")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1, 2, 3])
        .config(config)
        .transport(TestTransport(Mutex::new(Some(give))))
        .start()
        .await
        .unwrap();
    let inbox = given.await.unwrap();
    let mut status = elector.subscribe();
    // The node has no epoch yet. It accepts the epoch of the cluster, even a high one.
    let joined = Epoch(1 << 50);
    let highest = Epoch(joined.0 + Epoch::FARTHEST_AHEAD);
    for (epoch, accepted) in [
        (Epoch(u64::MAX), Epoch::ZERO),
        (joined, joined),
        (highest.next(), joined),
        (Epoch(u64::MAX), joined),
        (highest, highest),
    ] {
        inbox.deliver(NodeId(2), heartbeat(epoch)).unwrap();
        // The node handles the messages of one peer in their order. So when it has accepted this
        // second message, it has also handled the first.
        inbox.deliver(NodeId(2), heartbeat(accepted)).unwrap();
        let accepting = status.wait_for(|status| status.epoch >= accepted);
        let status = in_time(accepting).await.unwrap();
        assert_eq!(status.epoch, accepted);
    }
    assert_eq!(elector.traffic().absurd, 3);
    elector.shutdown().await.unwrap();
}
