//! Nodes on real sockets, for tests.

#![allow(dead_code, reason = "no test uses all of it")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

pub(crate) mod log;
pub(crate) mod proxy;

use std::{net::TcpListener, path::Path, time::Duration};

use elector_core::{
    ElectionAlgorithm, NodeId,
    actor::{Builder, Elector, MemoryStorage, Peer},
};
use elector_net::{Monitor, Tcp, certs};
use tokio::time::{sleep, timeout};

/// Longer than anything here takes on the most loaded machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A node with its disk.
pub(crate) struct Node<A: ElectionAlgorithm> {
    pub(crate) elector: Elector<A::Guarantee>,
    pub(crate) monitor: Monitor,
}

/// How many connections were refused for this reason.
pub(crate) fn refusals(monitor: &Monitor, reason: &str) -> u64 {
    let refused = monitor.refused().into_iter();
    let these = refused.filter(|(label, _)| *label == reason);
    these.map(|(_, count)| count).sum()
}

/// Makes the certificates of three nodes in this folder.
pub(crate) fn issued(folder: &Path) {
    let nodes: Vec<NodeId> = (1..=3).map(NodeId).collect();
    certs::write_dev(folder, "test", &nodes, 30).unwrap();
}

/// Sockets for so many nodes, and the list of peers that goes with them.
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

/// Starts a node on a socket that is bound already.
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

/// Starts a whole cluster.
pub(crate) async fn cluster<A: ElectionAlgorithm>(nodes: u64) -> Vec<Node<A>> {
    let (listeners, peers) = sockets(nodes);
    let mut started = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        started.push(start(id, listener, &peers, &MemoryStorage::new()).await);
    }
    started
}

/// Waits until all these nodes follow one leader, and names it.
pub(crate) async fn agreed<A: ElectionAlgorithm>(nodes: &[Node<A>]) -> NodeId {
    let nodes: Vec<&Node<A>> = nodes.iter().collect();
    agreed_on(&nodes, |_| true).await
}

/// Waits until all these nodes follow one leader that is not this one, and names it.
pub(crate) async fn agreed_but<A: ElectionAlgorithm>(nodes: &[&Node<A>], not: NodeId) -> NodeId {
    agreed_on(nodes, |leader| leader != not).await
}

async fn agreed_on<A: ElectionAlgorithm>(
    nodes: &[&Node<A>],
    will_do: impl Fn(NodeId) -> bool,
) -> NodeId {
    let mut agreed = None;
    eventually("a leader that all follow", || {
        let known = |node: &&Node<A>| {
            let status = node.elector.status();
            (status.epoch, status.leader)
        };
        let first = known(&nodes[0]);
        agreed = first.1.filter(|leader| will_do(*leader));
        nodes.iter().all(|node| known(node) == first) && agreed.is_some()
    })
    .await;
    agreed.unwrap()
}

/// Waits until this is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = timeout(LONG, waiting).await;
    assert!(waited.is_ok(), "not within {LONG:?}: {what}");
}
