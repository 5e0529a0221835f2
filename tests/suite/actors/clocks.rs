//! Tests nodes in a runtime whose time is paused. The docs of `actor` describe such a runtime.

use std::time::{Duration, Instant};

use elector_core::actor::Cluster;
use elector_raft::Raft;
use tokio::time::{resume, timeout};

use crate::support::{cluster_with, in_time, patient_timing};

// The paused clock jumps while the nodes are electing in real time, so a time limit elapses at
// once. After `resume` the nodes work as usual.
#[tokio::test(start_paused = true)]
async fn a_time_limit_elapses_at_once_in_paused_time() {
    let setup = cluster_with(3, patient_timing());
    let cluster = Cluster::<Raft>::start_with(setup).await.unwrap();
    let began = Instant::now();
    let limited = timeout(Duration::from_secs(3600), cluster.leader()).await;
    assert!(limited.is_err());
    assert!(began.elapsed() < Duration::from_secs(60));
    resume();
    in_time(cluster.leader()).await;
    in_time(cluster.shutdown()).await;
}

// Without a time limit, the paused runtime has no timer, so its clock does not jump, and the wait
// for the leader succeeds.
#[tokio::test(start_paused = true)]
async fn a_leader_is_found_in_paused_time() {
    let cluster = Cluster::<Raft>::start(3).await.unwrap();
    let leader = cluster.leader().await;
    assert!(cluster.nodes().contains(&leader));
}
