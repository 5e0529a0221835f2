use std::process::Command;

use rustix::process::Signal;

use crate::{
    cluster::{Cluster, Setup},
    command::{elector, finished},
};

/// Has certificates made for these nodes, and formats them.
fn certified(nodes: u64) -> Cluster {
    let cluster = Cluster::stopped(Setup::new("raft", nodes));
    let folder = cluster.path("tls").display().to_string();
    let nodes = nodes.to_string();
    let (code, said) = finished(&mut elector(&[
        "certs", "dev", "--nodes", &nodes, "--out", &folder,
    ]));
    assert_eq!(code, 0, "{said}");
    for id in cluster.nodes() {
        assert_eq!(finished(cluster.command("node", id).arg("--init")).0, 0);
    }
    cluster
}

fn encrypted(cluster: &Cluster, id: u64) -> Command {
    let mut command = cluster.command("node", id);
    command.arg("--tls-dir").arg(cluster.path("tls"));
    command
}

// The short way to TLS must be one: two commands, and nodes that elect, hand over and come back.
#[test]
fn certificates_for_trying_out_carry_a_cluster() {
    let mut cluster = certified(3);
    for id in cluster.nodes() {
        let node = encrypted(&cluster, id);
        cluster.spawn_as(id, node);
    }
    let (epoch, leader) = cluster.leader();
    cluster.signal(leader, Signal::TERM);
    assert_eq!(cluster.ended(leader), 0);
    let (newer, next) = cluster.leader_after(epoch);
    cluster.kill(next);
    let node = encrypted(&cluster, leader);
    cluster.spawn_as(leader, node);
    assert!(cluster.leader_after(newer).0 > newer);
}

// Half of a cluster with TLS and half without is a mistake that must be told on both sides, and no
// way around TLS.
#[test]
fn a_node_without_tls_is_refused_and_told() {
    let mut cluster = certified(2);
    let node = encrypted(&cluster, 1);
    cluster.spawn_as(1, node);
    cluster.spawn(2);
    cluster.board.hears(1, "TLS");
    cluster.board.hears(1, "refused a connection");
    cluster.board.hears(2, "set up TLS on all nodes");
    let leads = cluster
        .board
        .look(|pinned| pinned.said().any(|(_, said)| said.leads));
    assert!(!leads);
}
