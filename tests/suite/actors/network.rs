//! Tests clusters of actors on a faulty network.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use elector_bully::Bully;
use elector_core::{
    Delay, ElectionAlgorithm, Epoch, Quorum,
    actor::{Cluster, ClusterSetup},
};
use elector_paxos::Paxos;
use elector_raft::Raft;
use tokio::sync::mpsc;

use crate::support::{cluster_with, in_time, patient_timing};

struct CountOnDrop(Arc<AtomicU64>);

impl Drop for CountOnDrop {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn cut_leaders<A: ElectionAlgorithm<Guarantee = Quorum>>() {
    let cluster = Cluster::<A>::start_with(ClusterSetup::new(5))
        .await
        .unwrap();
    let running = Arc::new(AtomicU64::new(0));
    let (began, mut begun) = mpsc::unbounded_channel();
    for elector in cluster.running() {
        let elector = elector.clone();
        let (running, began) = (Arc::clone(&running), began.clone());
        tokio::spawn(async move {
            let node = elector.node_id();
            let work = elector.lead(async |me| {
                let others = running.fetch_add(1, Ordering::SeqCst);
                let _end = CountOnDrop(Arc::clone(&running));
                began.send((node, others, me)).unwrap();
                std::future::pending::<()>().await;
            });
            work.await
        });
    }
    let (mut leader, _, mut leadership) = in_time(begun.recv()).await.unwrap();
    for _ in 0..10 {
        cluster.isolate(leader);
        let (next, others, next_leadership) = in_time(begun.recv()).await.unwrap();
        assert_ne!(next, leader);
        assert!(
            leadership.token().is_err(),
            "its lease ended by its own clock"
        );
        assert_eq!(others, 0, "the work of the old leader had ended");
        assert!(next_leadership.epoch() > leadership.epoch());
        cluster.heal();
        (leader, leadership) = (next, next_leadership);
    }
    in_time(cluster.shutdown()).await;
}

// A leader that is cut off gets no message about its successor. It must notice by its own clock
// that its lease has ended, and end its work before there is a new leader.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_ends_without_a_message() {
    cut_leaders::<Raft>().await;
    cut_leaders::<Paxos>().await;
}

// A cluster must elect a leader although the network loses a tenth of the messages and delays the
// others.
#[tokio::test]
async fn a_bad_network_elects() {
    let cluster = Cluster::<Raft>::start(5).await.unwrap();
    let network = cluster.network();
    network.set_loss(0.1);
    let (min, max) = (Duration::from_millis(1), Duration::from_millis(3));
    network.set_delay(Delay::between(min, max));
    in_time(cluster.leader()).await;
    cluster.heal();
    in_time(cluster.leader()).await;
    in_time(cluster.shutdown()).await;
}

/// Cuts the leader off, and waits for the next one. Returns the epochs of both leaders.
async fn cut_one_leader<A: ElectionAlgorithm>() -> (Epoch, Epoch) {
    let setup = cluster_with(3, patient_timing());
    let cluster = Cluster::<A>::start_with(setup).await.unwrap();
    let epoch = |node| cluster.node(node).unwrap().status().epoch;
    let first = in_time(cluster.leader()).await;
    let before = epoch(first);
    cluster.isolate(first);
    let second = in_time(cluster.next_leader(first)).await;
    assert_ne!(second, first);
    let after = epoch(second);
    // The second call does not wait for another election, because another node leads already.
    assert_eq!(in_time(cluster.next_leader(first)).await, second);
    in_time(cluster.shutdown()).await;
    (before, after)
}

// A test that cuts a leader off must be able to wait for the next leader with `next_leader`. The
// function `leader` still returns the old leader at first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_leader_is_another_node_in_a_later_epoch() {
    for (before, after) in [
        cut_one_leader::<Raft>().await,
        cut_one_leader::<Paxos>().await,
    ] {
        assert!(before < after, "{before} {after}");
    }
    // Bully needs no quorum. So the isolated node continues to lead, and its epoch need not be
    // lower than that of the next leader.
    cut_one_leader::<Bully>().await;
}
