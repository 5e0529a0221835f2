//! Tests of clusters over the loopback interface.

use elector_bully::Bully;
use elector_core::{ElectionAlgorithm, actor::Elector};
use elector_net::NetBuilder;
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftConfig};
use elector_ring::Ring;

use crate::common::{agreed, agreed_but, cluster, position};

async fn elects_and_fails_over<A: ElectionAlgorithm>() {
    let mut nodes = cluster::<A>(3).await;
    let first = agreed(&nodes).await;
    let stopped = nodes.remove(position(&nodes, first));
    stopped.elector.shutdown().await.unwrap();
    let left: Vec<_> = nodes.iter().collect();
    agreed_but(&left, first).await;
}

// Nodes that are connected over TCP must be able to elect a leader with every algorithm, and to
// replace a leader that has stopped.
#[tokio::test]
async fn every_algorithm_elects_over_tcp_and_replaces_a_leader_that_stopped() {
    elects_and_fails_over::<Raft>().await;
    elects_and_fails_over::<Paxos>().await;
    elects_and_fails_over::<Bully>().await;
    elects_and_fails_over::<Ring>().await;
}

// The default durations of an algorithm are for nodes in one process. Between machines, each lost
// packet would end a leadership with these durations. So a node over TCP must use longer ones,
// unless others are configured.
#[test]
fn nodes_over_tcp_have_patient_durations_by_default() {
    let builder = || {
        let builder = Elector::builder("billing").algorithm::<Raft>().node_id(1);
        builder.peers([(1, "127.0.0.1:7101"), (2, "127.0.0.1:7102")])
    };
    let default = format!("{:?}", builder().data_dir("unused"));
    assert!(default.contains("lease: 800ms"), "{default}");
    let configured = builder().config(RaftConfig::default());
    let configured = format!("{:?}", configured.data_dir("unused"));
    assert!(configured.contains("lease: 120ms"), "{configured}");
}
