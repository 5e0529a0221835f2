//! Nodes on real sockets, for tests.

use std::{net::TcpListener, time::Duration};

use elector_core::{
    ElectionAlgorithm, NodeId,
    actor::{Builder, Elector, MemoryStorage, Peer},
};
use elector_net::{Monitor, Tcp};
use tokio::time::timeout;

/// Longer than anything here takes on the most loaded machine.
pub const LONG: Duration = Duration::from_secs(60);

/// A node with its disk.
pub struct Node<A: ElectionAlgorithm> {
    pub elector: Elector<A>,
    pub monitor: Monitor,
}

/// Sockets for so many nodes, and the list of peers that goes with them.
pub fn sockets(nodes: u64) -> (Vec<TcpListener>, Vec<Peer>) {
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

pub fn builder<A: ElectionAlgorithm>(
    id: u64,
    peers: &[Peer],
    disk: &MemoryStorage<A::Durable>,
) -> Builder<A> {
    Elector::<A>::builder("test")
        .node_id(id)
        .peers(peers.iter().cloned())
        .storage(disk.clone())
}

/// Starts a node on a socket that is bound already.
pub async fn start<A: ElectionAlgorithm>(
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
pub async fn cluster<A: ElectionAlgorithm>(nodes: u64) -> Vec<Node<A>> {
    let (listeners, peers) = sockets(nodes);
    let mut started = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        started.push(start(id, listener, &peers, &MemoryStorage::new()).await);
    }
    started
}

/// Waits until all these nodes follow one leader, and names it.
pub async fn agreed<A: ElectionAlgorithm>(nodes: &[Node<A>]) -> NodeId {
    timeout(LONG, async {
        loop {
            let status = nodes[0].elector.status();
            let (epoch, leader) = (status.epoch, status.leader);
            let same = nodes.iter().all(|node| {
                let status = node.elector.status();
                (status.epoch, status.leader) == (epoch, leader)
            });
            if let Some(leader) = leader.filter(|_| same) {
                return leader;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("a leader that all follow")
}
