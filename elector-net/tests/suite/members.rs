//! Tests of changes of the list of nodes in the records, which an operator makes while all nodes
//! are stopped.

use std::{net::TcpListener, path::Path, time::Duration};

use elector_bully::Bully;
use elector_core::{
    ElectionAlgorithm, Epoch, NodeId,
    actor::{Elector, NodeHandle, Peer, StartError},
};
use elector_net::{DiskId, FileStorage, ListChange, NetBuilder, NodeBuilder, RecordError};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use tokio::time::{sleep, timeout};

use crate::common::{self, LONG, rejections, sockets};

fn node<A: ElectionAlgorithm>(id: u64, peers: &[Peer], folder: &Path) -> NodeBuilder<A> {
    let builder = Elector::builder("test").algorithm::<A>();
    let builder = builder.node_id(id).peers(peers.iter().cloned());
    builder.data_dir(folder.join(id.to_string()))
}

/// Starts all nodes of a list, and waits until all follow one leader. Returns the nodes and the
/// epoch of the leader.
async fn elected<A: ElectionAlgorithm>(ids: &[u64], folder: &Path) -> (Vec<NodeHandle>, Epoch) {
    let (listeners, mut peers) = sockets(ids.len() as u64);
    for (peer, id) in peers.iter_mut().zip(ids) {
        peer.id = NodeId(*id);
    }
    let mut nodes = Vec::new();
    for (id, listener) in ids.iter().zip(listeners) {
        let node = node::<A>(*id, &peers, folder).listen_on(listener);
        nodes.push(NodeHandle::clone(&node.start().await.unwrap()));
    }
    let agreed = async {
        loop {
            let first = nodes[0].status();
            let same = |node: &NodeHandle| node.status().leader == first.leader;
            if first.leader.is_some() && nodes.iter().all(same) {
                return first.epoch;
            }
            sleep(Duration::from_millis(1)).await;
        }
    };
    let epoch = timeout(LONG, agreed).await.unwrap();
    (nodes, epoch)
}

async fn stop(nodes: Vec<NodeHandle>) {
    for node in nodes {
        node.shutdown().await.unwrap();
    }
}

fn format<A: ElectionAlgorithm>(ids: &[u64], list: &[u64], folder: &Path) {
    let peers: Vec<Peer> = list.iter().map(|&id| (id, "127.0.0.1:0").into()).collect();
    for &id in ids {
        node::<A>(id, &peers, folder).format().unwrap();
    }
}

fn change(ids: &[u64], generation: u64, floor: Epoch) -> ListChange {
    ListChange {
        nodes: ids.iter().copied().map(NodeId).collect(),
        generation,
        floor,
    }
}

/// Grows a cluster from three to five nodes. Checks that the epochs, and so the fencing tokens,
/// keep rising.
async fn grows<A: ElectionAlgorithm>() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    format::<A>(&[1, 2, 3], &[1, 2, 3], folder);
    let (nodes, before) = elected::<A>(&[1, 2, 3], folder).await;
    stop(nodes).await;

    let list = [1, 2, 3, 4, 5];
    format::<A>(&[4, 5], &list, folder);
    let place = |id: u64| folder.join(id.to_string());
    let epochs = list.map(|id| FileStorage::stopped::<A>(place(id)).unwrap().epoch);
    let floor = *epochs.iter().max().unwrap();
    assert!(floor >= before && epochs[4] == Epoch::ZERO);
    for id in list {
        assert!(FileStorage::change::<A>(place(id), &change(&list, 2, floor)).unwrap());
        let stopped = FileStorage::stopped::<A>(place(id)).unwrap();
        assert!(stopped.epoch > floor, "{}", A::NAME);
        assert_eq!(stopped.roster.unwrap().generation, 2);
        // An operator may repeat the command. The second call must change nothing.
        assert!(!FileStorage::change::<A>(place(id), &change(&list, 2, floor)).unwrap());
    }
    let (nodes, after) = elected::<A>(&list, folder).await;
    assert!(after > floor, "{}: {after} after {floor}", A::NAME);
    stop(nodes).await;
}

// If fencing tokens went back after a change, a store would accept the writes of an earlier leader,
// whose token is higher than the new tokens.
#[tokio::test]
async fn a_list_that_is_changed_offline_keeps_epochs_rising() {
    grows::<Raft>().await;
    grows::<Paxos>().await;
    grows::<Bully>().await;
    grows::<Ring>().await;
}

// An operator may start new nodes with a new list, and restart an old node with this list. If the
// old node could start, the nodes of the old list and the nodes of the new list could elect a
// leader each.
#[tokio::test]
async fn a_node_does_not_start_under_another_list() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    format::<Raft>(&[1, 2, 3], &[1, 2, 3], folder);
    let (_listeners, peers) = sockets(5);
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = node::<Raft>(3, &peers, folder).listen_on(socket).start();
    let StartError::Load(error) = error.await.unwrap_err() else {
        panic!("the record must be rejected");
    };
    let error = error.downcast::<RecordError>().unwrap();
    assert!(matches!(*error, RecordError::OtherNodes { .. }), "{error}");
}

// If an operator changes the records of some nodes only, the lists may have the same nodes, but
// different generations and epochs. Such nodes must reject each other.
#[tokio::test]
async fn a_node_of_another_generation_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    format::<Raft>(&[1, 2, 3], &[1, 2, 3], folder);
    let place = folder.join("3");
    FileStorage::change::<Raft>(place, &change(&[1, 2, 3], 2, Epoch::ZERO)).unwrap();
    let (listeners, peers) = sockets(3);
    let mut nodes = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        let node = node::<Raft>(id, &peers, folder).listen_on(listener);
        let monitor = node.monitor();
        nodes.push((node.start().await.unwrap(), monitor));
    }
    common::eventually("all nodes count it", || {
        nodes
            .iter()
            .all(|(_, monitor)| rejections(monitor, "generation") > 0)
    })
    .await;
    let can_send = nodes[2].1.peers().iter().any(|peer| peer.can_send);
    assert!(!can_send);
}

// An operator may mistype the values of a change. The change must fail, and the record must stay as
// it was.
#[test]
fn an_invalid_change_is_rejected_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    format::<Raft>(&[1], &[1, 2, 3], folder.path());
    let place = folder.path().join("1");
    let changed = |ids: &[u64], generation, floor| {
        FileStorage::change::<Raft>(&place, &change(ids, generation, Epoch(floor)))
    };
    assert!(changed(&[1, 2, 3], 2, 7).unwrap());
    let before = FileStorage::stopped::<Raft>(&place).unwrap();
    assert_eq!(before.epoch, Epoch(8));
    for (ids, generation, floor) in [
        (&[2, 3, 4][..], 3, 9),
        (&[1, 2, 4], 2, 9),
        (&[1, 2, 4], 1, 9),
        (&[1, 2, 4], 3, 7),
        (&[1, 2, 4], 3, u64::MAX),
    ] {
        changed(ids, generation, floor).unwrap_err();
    }
    FileStorage::stopped::<Paxos>(&place).unwrap_err();
    assert_eq!(FileStorage::stopped::<Raft>(&place).unwrap(), before);
    assert!(changed(&[1, 2, 4], 3, 8).unwrap());
}

// A node admits a peer only with the disk with which it first admitted the peer. If this was the
// wrong disk, an operator must be able to make the node forget the disk.
#[tokio::test]
async fn a_disk_can_be_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    format::<Raft>(&[1, 2, 3], &[1, 2, 3], folder);
    let (nodes, _) = elected::<Raft>(&[1, 2, 3], folder).await;
    let in_use = FileStorage::forget(folder.join("1"), 3).unwrap_err();
    assert!(matches!(in_use, RecordError::InUse { .. }), "{in_use}");
    stop(nodes).await;
    let disk = |id: u64| {
        let stopped = FileStorage::stopped::<Raft>(folder.join(id.to_string())).unwrap();
        stopped.roster.unwrap()
    };
    let third: DiskId = disk(3).disk;
    assert_eq!(
        FileStorage::forget(folder.join("1"), 3).unwrap(),
        Some(third)
    );
    assert_eq!(FileStorage::forget(folder.join("1"), 3).unwrap(), None);
    assert!(!disk(1).peers.contains_key(&NodeId(3)));
    assert!(disk(2).peers.contains_key(&NodeId(3)));
}
