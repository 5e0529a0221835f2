//! Clusters over loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{agreed, agreed_but, cluster};
use elector_bully::Bully;
use elector_core::ElectionAlgorithm;
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;

async fn elects_and_fails_over<A: ElectionAlgorithm>() {
    let mut nodes = cluster::<A>(3).await;
    let first = agreed(&nodes).await;
    let place = nodes
        .iter()
        .position(|node| node.elector.node_id() == first);
    let gone = nodes.remove(place.unwrap());
    gone.elector.shutdown().await.unwrap();
    let left: Vec<_> = nodes.iter().collect();
    agreed_but(&left, first).await;
}

// The least that a network must do, for every algorithm.
#[tokio::test]
async fn every_algorithm_elects_over_tcp_and_replaces_a_leader_that_stopped() {
    elects_and_fails_over::<Raft>().await;
    elects_and_fails_over::<Paxos>().await;
    elects_and_fails_over::<Bully>().await;
    elects_and_fails_over::<Ring>().await;
}
