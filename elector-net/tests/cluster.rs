//! Clusters over loopback.

mod common;

use std::time::Instant;

use common::{agreed, cluster};
use elector_bully::Bully;
use elector_core::ElectionAlgorithm;
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;

async fn elects_and_fails_over<A: ElectionAlgorithm>() {
    let mut nodes = cluster::<A>(3).await;
    let first = agreed(&nodes).await;
    let place = nodes.iter().position(|node| node.elector.node_id() == first);
    let gone = nodes.remove(place.unwrap());
    let t=Instant::now();
    gone.elector.shutdown().await.unwrap();
    let second = agreed(&nodes).await;
    eprintln!("{} {:?}", A::NAME, t.elapsed());
    assert_ne!(second, first);
}

// The least that a network must do, for every algorithm.
#[tokio::test]
async fn every_algorithm_elects_over_tcp_and_replaces_a_leader_that_stopped() {
    elects_and_fails_over::<Raft>().await;
    elects_and_fails_over::<Paxos>().await;
    elects_and_fails_over::<Bully>().await;
    elects_and_fails_over::<Ring>().await;
}
