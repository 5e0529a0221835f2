use std::process::Command;

use rustix::process::Signal;

use crate::{
    cluster::{Cluster, Setup},
    command::{elector, finished},
};

/// Makes certificates for a cluster with this number of nodes, and formats the nodes.
fn certified(nodes: u64) -> Cluster {
    let cluster = Cluster::stopped(Setup::new("raft", nodes));
    let folder = cluster.path("tls").display().to_string();
    let nodes = nodes.to_string();
    let (code, output) = finished(&mut elector(&[
        "certs", "dev", "--nodes", &nodes, "--out", &folder,
    ]));
    assert_eq!(code, 0, "{output}");
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

// TLS must be easy to use. With the two commands `certs dev` and `node --init`, nodes must elect,
// hand over and return under TLS.
#[test]
fn a_cluster_works_with_development_certificates() {
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

// If only some nodes have TLS, the nodes on both sides must report this, and must not elect a
// leader without TLS.
#[test]
fn a_node_without_tls_is_rejected_and_both_sides_log_why() {
    let mut cluster = certified(2);
    let node = encrypted(&cluster, 1);
    cluster.spawn_as(1, node);
    cluster.spawn(2);
    cluster.logs.wait_for(1, "TLS");
    cluster.logs.wait_for(1, "connection rejected");
    cluster.logs.wait_for(2, "set up TLS on all nodes");
    let leads = cluster
        .logs
        .inspect(|lines| lines.views().any(|(_, view)| view.leads));
    assert!(!leads);
}
