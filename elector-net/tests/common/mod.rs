//! Nodes on real sockets, for tests.

#![allow(dead_code, reason = "each test uses only a part of it")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

pub(crate) mod log;
pub(crate) mod proxy;

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    time::Duration,
};

use elector_core::{
    ElectionAlgorithm, NodeId,
    actor::{Builder, Elector, MemoryStorage, Peer},
};
use elector_net::{Monitor, PeerReport, Tcp, certs};
use tokio::time::{sleep, timeout};

/// The time limit of waits in tests. It is longer than any step of a test takes on the most loaded
/// machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A running node.
pub(crate) struct Node<A: ElectionAlgorithm> {
    pub(crate) elector: Elector<A::Guarantee>,
    pub(crate) monitor: Monitor,
}

/// Returns how many connections were rejected for this reason, which is the label of a rejection.
pub(crate) fn rejections(monitor: &Monitor, reason: &str) -> u64 {
    let rejected = monitor.rejected().into_iter();
    let matching = rejected.filter(|(label, _)| *label == reason);
    matching.map(|(_, count)| count).sum()
}

/// Returns `true` if each of these nodes can exchange messages with all its peers.
pub(crate) fn are_connected<A: ElectionAlgorithm>(nodes: &[Node<A>]) -> bool {
    reports(nodes).all(|peer| peer.is_connected())
}

/// Returns how often these nodes have marked a peer down, which means taken it for failed.
pub(crate) fn suspicions<A: ElectionAlgorithm>(nodes: &[Node<A>]) -> u64 {
    reports(nodes).map(|peer| peer.suspicions).sum()
}

/// Returns what each of these nodes reports about each of its peers.
pub(crate) fn reports<A: ElectionAlgorithm>(nodes: &[Node<A>]) -> impl Iterator<Item = PeerReport> {
    nodes.iter().flat_map(|node| node.monitor.peers())
}

/// Returns the position of the node with this id.
pub(crate) fn position<A: ElectionAlgorithm>(nodes: &[Node<A>], id: NodeId) -> usize {
    let place = nodes.iter().position(|node| node.elector.node_id() == id);
    place.unwrap()
}

/// Binds the address of a stopped node again. Waits until the node has closed its listening socket,
/// which may be a moment after the node has stopped.
pub(crate) async fn rebind(address: SocketAddr) -> TcpListener {
    let mut bound = None;
    eventually("the address is free", || {
        bound = TcpListener::bind(address).ok();
        bound.is_some()
    })
    .await;
    bound.unwrap()
}

/// Writes the certificates of three nodes into this folder.
pub(crate) fn issued(folder: &Path) {
    let nodes: Vec<NodeId> = (1..=3).map(NodeId).collect();
    certs::write_dev(folder, "test", &nodes, 30).unwrap();
}

/// Binds a socket for each node. Returns the sockets, and the list of peers with these addresses.
pub(crate) fn sockets(nodes: u64) -> (Vec<TcpListener>, Vec<Peer>) {
    let listeners: Vec<_> = (0..nodes)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let peers = (1..).zip(&listeners).map(|(id, listener)| {
        let address = listener.local_addr().unwrap();
        Peer::from((id, address.to_string()))
    });
    let peers = peers.collect();
    (listeners, peers)
}

pub(crate) fn builder<A: ElectionAlgorithm>(
    id: u64,
    peers: &[Peer],
    disk: &MemoryStorage<A::Durable>,
) -> Builder<A> {
    Elector::builder("test")
        .algorithm::<A>()
        .node_id(id)
        .peers(peers.iter().cloned())
        .storage(disk.clone())
}

/// Starts a node on a bound socket.
pub(crate) async fn start<A: ElectionAlgorithm>(
    id: u64,
    listener: TcpListener,
    peers: &[Peer],
    disk: &MemoryStorage<A::Durable>,
) -> Node<A> {
    let tcp = Tcp::new("test", peers.to_vec(), A::Config::default()).listen_on(listener);
    let monitor = tcp.monitor();
    let elector = builder::<A>(id, peers, disk).transport(tcp).start().await;
    Node {
        elector: elector.unwrap(),
        monitor,
    }
}

/// Starts all nodes of a cluster.
pub(crate) async fn cluster<A: ElectionAlgorithm>(nodes: u64) -> Vec<Node<A>> {
    let (listeners, peers) = sockets(nodes);
    let mut started = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        started.push(start(id, listener, &peers, &MemoryStorage::new()).await);
    }
    started
}

/// Waits until all these nodes agree about the leader and the epoch. Returns that leader.
pub(crate) async fn agreed<A: ElectionAlgorithm>(nodes: &[Node<A>]) -> NodeId {
    let nodes: Vec<&Node<A>> = nodes.iter().collect();
    agreed_on(&nodes, |_| true).await
}

/// Waits until all these nodes agree about the epoch and a leader other than `not`. Returns that
/// leader.
pub(crate) async fn agreed_but<A: ElectionAlgorithm>(nodes: &[&Node<A>], not: NodeId) -> NodeId {
    agreed_on(nodes, |leader| leader != not).await
}

async fn agreed_on<A: ElectionAlgorithm>(
    nodes: &[&Node<A>],
    is_accepted: impl Fn(NodeId) -> bool,
) -> NodeId {
    let mut agreed = None;
    eventually("a leader that all follow", || {
        let known = |node: &&Node<A>| {
            let status = node.elector.status();
            (status.epoch, status.leader)
        };
        let first = known(&nodes[0]);
        agreed = first.1.filter(|leader| is_accepted(*leader));
        nodes.iter().all(|node| known(node) == first) && agreed.is_some()
    })
    .await;
    agreed.unwrap()
}

/// Waits until the condition holds. Fails the test after [`LONG`].
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = timeout(LONG, waiting).await;
    assert!(waited.is_ok(), "not within {LONG:?}: {what}");
}
