//! What proves to peers that a node's process has ended, and what does not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use common::{Node, agreed, agreed_but, eventually, refusals, sockets};
use elector_core::{
    ElectionAlgorithm, NodeId, Timing,
    actor::{MemoryStorage, Peer},
};
use elector_net::{Tcp, Tls, certs};
use elector_paxos::{Paxos, PaxosConfig};
use elector_raft::{Raft, RaftConfig};

/// Far longer than an election takes: one that comes earlier was not brought about by silence.
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

/// A connection, and what is to be written there.
type Entrusted = (Vec<u8>, TcpStream);

/// What a companion would keep.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Entrusted>>>);

impl Kept {
    fn farewell(&self) -> Vec<u8> {
        self.0.lock().unwrap()[0].0.clone()
    }

    /// Writes this on all connections; those that have ended do not matter.
    fn write(&self, words: &[u8]) {
        for (_, connection) in &*self.0.lock().unwrap() {
            let _ = (&*connection).write_all(words);
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
        .companion(move |farewell, connection| {
            let copy = TcpStream::from(connection.try_clone_to_owned()?);
            let words = farewell.bytes().to_vec();
            keeping.0.lock().unwrap().push((words, copy));
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

/// Three nodes that all speak to each other, and what their companions keep.
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
    eventually("all are connected", || all_connected(&nodes)).await;
    (nodes, kept, peers)
}

fn all_connected<A: ElectionAlgorithm>(nodes: &[Node<A>]) -> bool {
    let mut peers = nodes.iter().flat_map(|node| node.monitor.peers());
    peers.all(|peer| peer.speaking && peer.hearing)
}

fn suspicions<A: ElectionAlgorithm>(nodes: &[Node<A>]) -> u64 {
    let peers = nodes.iter().flat_map(|node| node.monitor.peers());
    peers.map(|peer| peer.suspicions).sum()
}

async fn is_free_at_once<A: ElectionAlgorithm>(
    config: A::Config,
    tls: impl Fn(u64) -> Option<Tls>,
) {
    let (mut nodes, kept, _) = three::<A>(config, tls).await;
    let leader = nodes[0].elector.status().leader.unwrap();
    let place = nodes
        .iter()
        .position(|n| n.elector.node_id() == leader)
        .unwrap();
    let began = Instant::now();
    kept[place].write(&kept[place].farewell());
    let dead = nodes.remove(place);
    let others: Vec<&Node<A>> = nodes.iter().collect();
    agreed_but(&others, leader).await;
    assert!(began.elapsed() < LEASE / 2, "{:?}", began.elapsed());
    // It is not dead, for this test: but what it says is not heard any more.
    eventually("its life is refused", || {
        nodes
            .iter()
            .all(|node| refusals(&node.monitor, "claimed") > 0)
    })
    .await;
    drop(dead);
}

// That is what makes a failover a matter of milliseconds, whatever the lease, and under TLS too,
// where the farewell is the one thing that is not encrypted.
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
        is_free_at_once::<Raft>(raft(), |_| None),
        is_free_at_once::<Paxos>(paxos, |_| None),
        is_free_at_once::<Raft>(raft(), tls),
    );
}

// Whoever can write on a connection of a leader that lives, a broken proxy or a stranger without
// TLS, must not make a second one.
#[tokio::test]
async fn a_forged_secret_proves_nothing() {
    let (nodes, kept, _) = three::<Raft>(raft(), |_| None).await;
    let status = nodes[0].elector.status();
    let leader = status.leader.unwrap();
    let place = nodes
        .iter()
        .position(|n| n.elector.node_id() == leader)
        .unwrap();
    let mut forged = kept[place].farewell();
    *forged.last_mut().unwrap() ^= 1;
    kept[place].write(&forged);
    let others = || nodes.iter().filter(|n| n.elector.node_id() != leader);
    eventually("it is garbage", || {
        others().all(|n| refusals(&n.monitor, "garbage") > 0)
    })
    .await;
    eventually("all are connected anew", || all_connected(&nodes)).await;
    let after = nodes[0].elector.status();
    assert_eq!((after.leader, after.epoch), (Some(leader), status.epoch));
    assert_eq!(suspicions(&nodes), 0);
}

// A node that was killed is back soon, perhaps as the leader; what was revealed of its life before
// is known to all by then.
#[tokio::test]
async fn a_secret_of_an_earlier_life_proves_nothing() {
    let (mut nodes, mut kept, peers) = three::<Raft>(raft(), |_| None).await;
    let leader = nodes[0].elector.status().leader.unwrap();
    let place = nodes
        .iter()
        .position(|n| n.elector.node_id() != leader)
        .unwrap();
    let old = kept[place].farewell();
    let gone = nodes.remove(place);
    let (id, address) = (gone.elector.node_id(), gone.monitor.listening().unwrap());
    gone.elector.shutdown().await.unwrap();
    drop(gone);
    let mut bound = None;
    eventually("the port is free again", || {
        bound = TcpListener::bind(address).ok();
        bound.is_some()
    })
    .await;
    let (back, keeps) = start(id.0, bound.unwrap(), &peers, raft(), None).await;
    nodes.push(back);
    kept[place] = keeps;
    eventually("all are connected", || all_connected(&nodes)).await;
    assert_ne!(old, kept[place].farewell());
    let before = suspicions(&nodes);
    kept[place].write(&old);
    let others = || nodes.iter().filter(|n| n.elector.node_id() != id);
    eventually("it is garbage", || {
        others().all(|n| refusals(&n.monitor, "garbage") > 0)
    })
    .await;
    assert_eq!(suspicions(&nodes), before);
    assert_eq!(
        others().next().unwrap().elector.status().leader,
        Some(leader)
    );
}
