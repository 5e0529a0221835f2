//! Tests with the disks of nodes. A node recognizes a peer by its id and by its disk. If a mistyped
//! address leads to a node of another cluster, or if a node comes back with a new disk, that node
//! must not take part in elections.

use std::{net::TcpListener, path::Path};

use elector_core::{
    Quorum,
    actor::{Elector, Peer},
};
use elector_net::{Monitor, NetBuilder, NodeBuilder};
use elector_raft::Raft;
use tempfile::TempDir;

use crate::common::{self, eventually, rejections, sockets};

fn node(id: u64, peers: &[Peer], folder: &Path) -> NodeBuilder<Raft> {
    let builder = Elector::builder("test").algorithm::<Raft>();
    let builder = builder.node_id(id).peers(peers.iter().cloned());
    builder.data_dir(folder.join(id.to_string()))
}

async fn start(
    id: u64,
    listener: TcpListener,
    peers: &[Peer],
    folder: &Path,
) -> (Elector<Quorum>, Monitor) {
    let node = node(id, peers, folder).listen_on(listener);
    let monitor = node.monitor();
    (node.start().await.unwrap(), monitor)
}

/// Starts a cluster of three nodes in a folder of its own, and waits until all are connected.
async fn cluster() -> (TempDir, Vec<Peer>, Vec<(Elector<Quorum>, Monitor)>) {
    let folder = tempfile::tempdir().unwrap();
    let (listeners, peers) = sockets(3);
    let mut nodes = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        node(id, &peers, folder.path()).format().unwrap();
        nodes.push(start(id, listener, &peers, folder.path()).await);
    }
    connected(&nodes).await;
    eventually("all follow a leader", || {
        let leaders = nodes.iter().map(|(node, _)| node.status().leader);
        leaders
            .clone()
            .all(|leader| leader.is_some() && leader == nodes[0].0.status().leader)
    })
    .await;
    (folder, peers, nodes)
}

async fn connected(nodes: &[(Elector<Quorum>, Monitor)]) {
    eventually("all nodes are connected", || {
        let peers = nodes.iter().flat_map(|(_, monitor)| monitor.peers());
        peers.clone().count() == 6 && peers.clone().all(|peer| peer.is_connected())
    })
    .await;
}

/// Binds the address of this peer again. The node of the peer must have stopped.
async fn rebind(peers: &[Peer], id: usize) -> TcpListener {
    let address = peers[id - 1].address.as_deref().unwrap();
    common::rebind(address.parse().unwrap()).await
}

// Two clusters have the same name and no TLS. If the list of peers of a node contains an address of
// the other cluster, this node connects to the wrong cluster. It must not depose a leader there.
#[tokio::test]
async fn a_node_of_another_cluster_is_rejected() {
    let (_folder, peers, nodes) = cluster().await;
    let (other_folder, mut other_peers, mut others) = cluster().await;
    let before = nodes[0].0.status();

    let (stopped, _) = others.remove(0);
    stopped.shutdown().await.unwrap();
    drop(stopped);
    other_peers[1].address = peers[1].address.clone();
    let listener = rebind(&other_peers, 1).await;
    let (foreign, monitor) = start(1, listener, &other_peers, other_folder.path()).await;
    eventually("both sides count it", || {
        rejections(&monitor, "disk") > 0 && rejections(&nodes[1].1, "disk") > 0
    })
    .await;
    let two = monitor.peers().into_iter().find(|peer| peer.node.0 == 2);
    assert!(!two.unwrap().can_send);
    let after = nodes[0].0.status();
    assert_eq!((after.epoch, after.leader), (before.epoch, before.leader));
    foreign.shutdown().await.unwrap();
}

// A node whose data folder was formatted again has forgotten its votes, but it has its old id and
// its old address. Its peers must reject it.
#[tokio::test]
async fn a_new_disk_with_an_old_id_is_rejected() {
    let (folder, peers, mut nodes) = cluster().await;
    let (stopped, _) = nodes.remove(2);
    stopped.shutdown().await.unwrap();
    drop(stopped);
    std::fs::remove_dir_all(folder.path().join("3")).unwrap();
    node(3, &peers, folder.path()).format().unwrap();
    let (_foreign, monitor) = start(3, rebind(&peers, 3).await, &peers, folder.path()).await;
    eventually("both others reject it, and it receives that", || {
        rejections(&monitor, "disk") >= 2
            && nodes
                .iter()
                .all(|(_, monitor)| rejections(monitor, "disk") > 0)
    })
    .await;
    assert!(monitor.peers().iter().all(|peer| !peer.can_send));
}

// Each node stores the disk ids of its peers. After a restart of all nodes, these disk ids must
// still be stored, and a peer with the same disk must be admitted.
#[tokio::test]
async fn a_peer_is_admitted_again_with_the_same_disk() {
    let (folder, peers, nodes) = cluster().await;
    for (elector, _) in &nodes {
        elector.shutdown().await.unwrap();
    }
    drop(nodes);
    let mut again = Vec::new();
    for id in 1..=3 {
        let listener = rebind(&peers, id).await;
        again.push(start(id as u64, listener, &peers, folder.path()).await);
    }
    connected(&again).await;
    assert!(
        again
            .iter()
            .all(|(_, monitor)| rejections(monitor, "disk") == 0)
    );
}
