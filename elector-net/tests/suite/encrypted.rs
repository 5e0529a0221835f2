//! Tests of clusters with mutual TLS.

use std::{fs, net::TcpListener, path::Path};

use elector_core::{
    NodeId,
    actor::{MemoryStorage, Peer},
};
use elector_net::{Tcp, Tls};
use elector_raft::{Raft, RaftConfig};

use crate::common::{
    Node, agreed, agreed_but, builder, eventually, issued, position, rejections, sockets,
};

async fn start(id: u64, listener: TcpListener, peers: &[Peer], tls: Option<Tls>) -> Node<Raft> {
    let mut tcp = Tcp::new("test", peers.to_vec(), RaftConfig::default()).listen_on(listener);
    if let Some(tls) = tls {
        tcp = tcp.tls(tls);
    }
    let monitor = tcp.monitor();
    let node = builder::<Raft>(id, peers, &MemoryStorage::new()).transport(tcp);
    let elector = node.start().await.unwrap();
    Node { elector, monitor }
}

/// Makes the certificates of three nodes in this folder, and starts two of the nodes. Returns these
/// nodes, the socket of the third node, and the list of peers.
async fn two_of_three(folder: &Path) -> (Vec<Node<Raft>>, TcpListener, Vec<Peer>) {
    issued(folder);
    let (mut listeners, peers) = sockets(3);
    let third = listeners.pop().unwrap();
    let mut nodes = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        let tls = Tls::load(folder, NodeId(id)).unwrap();
        nodes.push(start(id, listener, &peers, Some(tls)).await);
    }
    (nodes, third, peers)
}

// A cluster with mutual TLS must elect a leader, and must replace a leader that fails, as a cluster
// without TLS does.
#[tokio::test]
async fn a_cluster_with_certificates_elects_and_fails_over() {
    let folder = tempfile::tempdir().unwrap();
    let (mut nodes, third, peers) = two_of_three(folder.path()).await;
    let tls = Tls::load(folder.path(), NodeId(3)).unwrap();
    nodes.push(start(3, third, &peers, Some(tls)).await);
    let leader = agreed(&nodes).await;
    drop(nodes.remove(position(&nodes, leader)));
    let left: Vec<_> = nodes.iter().collect();
    agreed_but(&left, leader).await;
}

// A node must not be able to pose as another node with its own certificate: a node that an attacker
// controls could then vote in place of other nodes.
#[tokio::test]
async fn the_certificate_of_one_node_is_not_valid_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let (nodes, third, peers) = two_of_three(folder.path()).await;
    agreed(&nodes).await;
    // Node 3 presents a certificate that names node 2.
    let stolen = tempfile::tempdir().unwrap();
    for (from, to) in [
        ("ca.pem", "ca.pem"),
        ("node-2.pem", "node-2.pem"),
        ("node-2.key.pem", "node-2.key.pem"),
    ] {
        fs::copy(folder.path().join(from), stolen.path().join(to)).unwrap();
    }
    let tls = Tls::load(stolen.path(), NodeId(2)).unwrap();
    let odd = start(3, third, &peers, Some(tls)).await;
    eventually("both sides count the rejection", || {
        let counts = nodes
            .iter()
            .map(|node| rejections(&node.monitor, "certificate"));
        counts.sum::<u64>() > 0 && rejections(&odd.monitor, "certificate") > 0
    })
    .await;
    assert!(
        odd.monitor
            .peers()
            .iter()
            .all(|peer| !peer.can_send && !peer.can_receive)
    );
}

// If only some nodes of a cluster use TLS, an operator has made a mistake. Both sides of a
// connection must report it.
#[tokio::test]
async fn a_node_without_certificates_is_rejected_and_learns_why() {
    let folder = tempfile::tempdir().unwrap();
    let (nodes, third, peers) = two_of_three(folder.path()).await;
    let odd = start(3, third, &peers, None).await;
    eventually("both sides count it", || {
        nodes
            .iter()
            .all(|node| rejections(&node.monitor, "tls") > 0)
            && rejections(&odd.monitor, "garbage") > 0
    })
    .await;
    agreed(&nodes).await;
}
