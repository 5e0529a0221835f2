//! Tests of farewells, the bytes with which a watcher proves to peers that a node's process has
//! ended, and of bytes that prove nothing.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use elector_core::{
    ElectionAlgorithm, NodeId, Timing,
    actor::{MemoryStorage, Peer},
};
use elector_net::{Tcp, Tls, certs};
use elector_paxos::{Paxos, PaxosConfig};
use elector_raft::{Raft, RaftConfig};

use crate::common::{
    self, Node, agreed, agreed_but, are_connected, eventually, position, rebind, rejections,
    sockets, suspicions,
};

/// A lease that is far longer than an election takes. If the next leader is elected before the
/// lease of the last one has ended, a proof of death was the cause, and not a silence.
const LEASE: Duration = Duration::from_secs(4);

fn timing() -> Timing {
    Timing {
        lease: LEASE,
        election_min: LEASE + Duration::from_secs(1),
        election_max: LEASE + Duration::from_secs(2),
        ..Timing::default()
    }
}

fn raft() -> RaftConfig {
    RaftConfig {
        timing: timing(),
        ..RaftConfig::default()
    }
}

/// The bytes of a farewell, which prove that a node's process has ended, and a connection on which
/// the watcher must write them.
type Entrusted = (Vec<u8>, TcpStream);

/// The connections and farewells of one node. The watcher of the node, which proves to peers that
/// the node's process has ended, would keep them.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Entrusted>>>);

impl Kept {
    fn farewell(&self) -> Vec<u8> {
        self.0.lock().unwrap()[0].0.clone()
    }

    /// Writes these bytes on all kept connections. If a connection is already closed, this does not
    /// matter.
    fn write(&self, bytes: &[u8]) {
        for (_, connection) in &*self.0.lock().unwrap() {
            let _ = (&*connection).write_all(bytes);
        }
    }
}

async fn start<A: ElectionAlgorithm>(
    id: u64,
    listener: TcpListener,
    peers: &[Peer],
    config: A::Config,
    tls: Option<Tls>,
) -> (Node<A>, Kept) {
    let kept = Kept::default();
    let keeping = kept.clone();
    let mut tcp = Tcp::new("test", peers.to_vec(), config.clone())
        .listen_on(listener)
        .watcher(move |farewell, connection| {
            let copy = TcpStream::from(connection.try_clone_to_owned()?);
            let bytes = farewell.bytes().to_vec();
            keeping.0.lock().unwrap().push((bytes, copy));
            Ok(())
        });
    if let Some(tls) = tls {
        tcp = tcp.tls(tls);
    }
    let monitor = tcp.monitor();
    let builder = common::builder::<A>(id, peers, &MemoryStorage::new());
    let elector = builder.config(config).transport(tcp).start().await.unwrap();
    (Node { elector, monitor }, kept)
}

/// Starts three nodes and waits until all are connected. Returns the nodes, the connections and
/// farewells that their watchers would keep, and the list of peers.
async fn three<A: ElectionAlgorithm>(
    config: A::Config,
    tls: impl Fn(u64) -> Option<Tls>,
) -> (Vec<Node<A>>, Vec<Kept>, Vec<Peer>) {
    let (listeners, peers) = sockets(3);
    let (mut nodes, mut kept) = (Vec::new(), Vec::new());
    for (id, listener) in (1..).zip(listeners) {
        let (node, keeps) = start(id, listener, &peers, config.clone(), tls(id)).await;
        nodes.push(node);
        kept.push(keeps);
    }
    agreed(&nodes).await;
    eventually("all are connected", || are_connected(&nodes)).await;
    (nodes, kept, peers)
}

async fn voters_are_free_at_once<A: ElectionAlgorithm>(
    config: A::Config,
    tls: impl Fn(u64) -> Option<Tls>,
) {
    let (mut nodes, kept, _) = three::<A>(config, tls).await;
    let leader = nodes[0].elector.status().leader.unwrap();
    let place = position(&nodes, leader);
    let began = Instant::now();
    kept[place].write(&kept[place].farewell());
    let dead = nodes.remove(place);
    let others: Vec<&Node<A>> = nodes.iter().collect();
    agreed_but(&others, leader).await;
    assert!(began.elapsed() < LEASE / 2, "{:?}", began.elapsed());
    // In this test, the farewell of the leader's process is written although this process still
    // runs. But for the peers the farewell proves that it has ended, and so they reject its
    // connections from now on.
    eventually("its life is rejected", || {
        nodes
            .iter()
            .all(|node| rejections(&node.monitor, "claimed") > 0)
    })
    .await;
    drop(dead);
}

// A farewell proves that the leader has died, so its voters may support another leader at once.
// With a farewell, a failover takes milliseconds for a lease of any length. This must also hold
// with TLS, where the farewell itself is not encrypted.
#[tokio::test]
async fn a_farewell_frees_all_voters_at_once() {
    let paxos = PaxosConfig {
        timing: timing(),
        ..PaxosConfig::default()
    };
    let folder = tempfile::tempdir().unwrap();
    certs::write_dev(folder.path(), "test", &[1, 2, 3].map(NodeId), 30).unwrap();
    let tls = |id| Some(Tls::load(folder.path(), NodeId(id)).unwrap());
    tokio::join!(
        voters_are_free_at_once::<Raft>(raft(), |_| None),
        voters_are_free_at_once::<Paxos>(paxos, |_| None),
        voters_are_free_at_once::<Raft>(raft(), tls),
    );
}

// A proxy with a fault, or an unknown process if there is no TLS, may write bytes on a connection
// of a leader that is alive. If the bytes look like a farewell, which proves the leader's death,
// but do not contain the secret, they must not cause a second leader.
#[tokio::test]
async fn a_forged_secret_proves_nothing() {
    let (nodes, kept, _) = three::<Raft>(raft(), |_| None).await;
    let status = nodes[0].elector.status();
    let leader = status.leader.unwrap();
    let place = position(&nodes, leader);
    let mut forged = kept[place].farewell();
    *forged.last_mut().unwrap() ^= 1;
    kept[place].write(&forged);
    let others = || nodes.iter().filter(|n| n.elector.node_id() != leader);
    eventually("it counts as garbage", || {
        others().all(|n| rejections(&n.monitor, "garbage") > 0)
    })
    .await;
    eventually("all are connected again", || are_connected(&nodes)).await;
    let after = nodes[0].elector.status();
    assert_eq!((after.leader, after.epoch), (Some(leader), status.epoch));
    assert_eq!(suspicions(&nodes), 0);
}

// A node that was killed is soon started again, and may become the leader. At that time, all nodes
// know the secret of its earlier process. This secret must not count as a proof of death of the new
// process.
#[tokio::test]
async fn a_secret_of_an_earlier_life_proves_nothing() {
    let (mut nodes, mut kept, peers) = three::<Raft>(raft(), |_| None).await;
    let leader = nodes[0].elector.status().leader.unwrap();
    let place = nodes
        .iter()
        .position(|n| n.elector.node_id() != leader)
        .unwrap();
    let old = kept[place].farewell();
    let old_node = nodes.remove(place);
    let id = old_node.elector.node_id();
    let address = old_node.monitor.listening().unwrap();
    old_node.elector.shutdown().await.unwrap();
    drop(old_node);
    let (back, keeps) = start(id.0, rebind(address).await, &peers, raft(), None).await;
    nodes.push(back);
    kept[place] = keeps;
    eventually("all are connected", || are_connected(&nodes)).await;
    assert_ne!(old, kept[place].farewell());
    let before = suspicions(&nodes);
    kept[place].write(&old);
    let others = || nodes.iter().filter(|n| n.elector.node_id() != id);
    eventually("it counts as garbage", || {
        others().all(|n| rejections(&n.monitor, "garbage") > 0)
    })
    .await;
    assert_eq!(suspicions(&nodes), before);
    assert_eq!(
        others().next().unwrap().elector.status().leader,
        Some(leader)
    );
}
