//! Tests of nodes on actors.

mod clocks;
mod conformance;
mod edges;
mod errors;
mod faults;
mod handle;
mod logs;
mod network;
mod races;
mod rejections;
mod work;

use std::{env, process::Output};

use elector_core::{
    ElectionAlgorithm, NodeId, Quorum,
    actor::{Builder, Elector, MemoryNetwork},
};
use elector_raft::{Raft, RaftConfig};
use tokio::process::Command;

use crate::support::in_time;

/// Returns a builder for the only node of a cluster.
fn single_node_builder<A: ElectionAlgorithm>() -> Builder<A> {
    let builder = Elector::builder("single").algorithm::<A>();
    builder.node_id(1).peers([1])
}

/// Starts the only node of a cluster, with Raft.
async fn single_node() -> Elector<Quorum> {
    let started = single_node_builder::<Raft>().start();
    started.await.unwrap()
}

/// Starts three nodes. Each node has a thread of its own, as in a process of its own.
async fn three_nodes(config: &RaftConfig) -> Vec<Elector<Quorum>> {
    let network = MemoryNetwork::<Raft>::new([1, 2, 3].map(NodeId)).unwrap();
    let mut electors = Vec::new();
    for node in 1..=3 {
        let builder = Elector::builder("three").algorithm::<Raft>().node_id(node);
        let builder = builder.peers([1, 2, 3]).config(config.clone());
        let started = builder.transport(network.transport()).start();
        electors.push(started.await.unwrap());
    }
    electors
}

/// Runs one test of this test binary in a process of its own, with an environment variable by which
/// the test knows that it runs there.
async fn run_in_process(test: &str, (variable, value): (&str, &str)) -> Output {
    let mut child = Command::new(env::current_exe().unwrap());
    let child = child.args(["--exact", test, "--nocapture"]);
    in_time(child.env(variable, value).output()).await.unwrap()
}
