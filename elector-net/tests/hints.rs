//! When the algorithm is told that a peer is gone, and when not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::net::SocketAddr;

use common::{
    LONG, Node, agreed, agreed_but, eventually,
    proxy::{Mode, Wire},
    sockets,
};
use elector_core::{
    ElectionAlgorithm, Moment, NodeId,
    actor::{self, Leadership, MemoryStorage, Peer},
};
use elector_net::Tcp;
use elector_paxos::Paxos;
use elector_raft::Raft;
use tokio::{sync::mpsc, time::timeout};

/// A cluster in which each node reaches each other over a wire of its own.
struct Wired<A: ElectionAlgorithm> {
    nodes: Vec<Node<A>>,
    /// From whom, to whom.
    wires: Vec<(NodeId, NodeId, Wire)>,
}

impl<A: ElectionAlgorithm> Wired<A> {
    async fn start(nodes: u64) -> Self {
        Self::trusting(nodes, false).await
    }

    async fn trusting(nodes: u64, refused: bool) -> Self {
        let (listeners, peers) = sockets(nodes);
        let addresses: Vec<SocketAddr> =
            listeners.iter().map(|l| l.local_addr().unwrap()).collect();
        let mut wired = Self {
            nodes: Vec::new(),
            wires: Vec::new(),
        };
        for (from, listener) in (1..).zip(listeners) {
            let mut seen = Vec::new();
            for (to, &address) in (1..).zip(&addresses) {
                let wire = Wire::to(address).await;
                seen.push(Peer::from((to, wire.address.to_string())));
                wired.wires.push((NodeId(from), NodeId(to), wire));
            }
            let tcp = Tcp::new("test", seen, A::Config::default()).listen_on(listener);
            let tcp = tcp.trust_refused(refused);
            let monitor = tcp.monitor();
            let builder = common::builder::<A>(from, &peers, &MemoryStorage::new());
            let elector = builder.transport(tcp).start().await.unwrap();
            wired.nodes.push(Node { elector, monitor });
        }
        wired
    }

    fn wires_of(&self, node: NodeId) -> impl Iterator<Item = &Wire> {
        let of = self.wires.iter();
        of.filter(move |(from, to, _)| (*from == node) != (*to == node))
            .map(|(.., wire)| wire)
    }

    fn suspicions(&self) -> u64 {
        let peers = self.nodes.iter().flat_map(|node| node.monitor.peers());
        peers.map(|peer| peer.suspicions).sum()
    }

    fn all_connected(&self) -> bool {
        let mut peers = self.nodes.iter().flat_map(|node| node.monitor.peers());
        peers.all(|peer| peer.speaking && peer.hearing)
    }
}

async fn keeps_its_leader<A: ElectionAlgorithm>() {
    let wired = Wired::<A>::start(3).await;
    let leader = agreed(&wired.nodes).await;
    eventually("all are connected", || wired.all_connected()).await;
    let epoch = wired.nodes[0].elector.status().epoch;
    for time in 1..=20_u64 {
        let before = connections(&wired);
        wired.wires_of(leader).for_each(Wire::reset);
        // Four connections of the leader's: two each way.
        eventually("the connections are made anew", || {
            connections(&wired) >= before + 4 && wired.all_connected()
        })
        .await;
        let status = wired.nodes[0].elector.status();
        assert_eq!(
            (status.epoch, status.leader),
            (epoch, Some(leader)),
            "reset {time}"
        );
    }
    assert_eq!(wired.suspicions(), 0, "a broken connection is no death");
}

fn connections<A: ElectionAlgorithm>(wired: &Wired<A>) -> u64 {
    let peers = wired.nodes.iter().flat_map(|node| node.monitor.peers());
    peers.map(|peer| peer.connections).sum()
}

// Whoever can break connections (a firewall, a restarted proxy) must not be able to depose a leader
// that lives: it holds a lease, and the next one would hold another.
#[tokio::test]
async fn resets_of_all_its_connections_do_not_depose_a_leader() {
    keeps_its_leader::<Raft>().await;
    keeps_its_leader::<Paxos>().await;
}

/// A time during which a node held a lease, as far as it was prolonged.
#[derive(Clone, Copy, Debug)]
struct Held {
    by: NodeId,
    from: Moment,
    until: Moment,
}

/// Tells of all that a node holds: each time that it is prolonged.
fn tell<A: ElectionAlgorithm>(node: &Node<A>, held: &mpsc::UnboundedSender<Held>) {
    let (elector, held) = (node.elector.clone(), held.clone());
    let by = elector.node_id();
    tokio::spawn(async move {
        let work = |me: Leadership<A::Guarantee>| {
            let (held, from) = (held.clone(), actor::now());
            async move {
                let mut until = Moment::ZERO;
                while let Ok(later) = me.prolonged(until).await {
                    until = later;
                    held.send(Held { by, from, until })?;
                }
                Ok(())
            }
        };
        elector.lead(work).await
    });
}

/// Kills the proxies in front of the leader, and returns whether the next one held a lease before
/// that of the first had ended.
async fn overlaps<A: ElectionAlgorithm>(trusting: bool) -> bool {
    let mut wired = Wired::<A>::trusting(3, trusting).await;
    let (held, mut told) = mpsc::unbounded_channel();
    for node in &wired.nodes {
        tell(node, &held);
    }
    let leader = agreed(&wired.nodes).await;
    eventually("all are connected", || wired.all_connected()).await;
    wired.wires.retain(|(_, to, _)| *to != leader);
    let mut first = Moment::ZERO;
    let next = async {
        loop {
            match told.recv().await {
                Some(held) if held.by == leader => first = first.max(held.until),
                Some(held) => return held.from,
                None => panic!("all nodes have stopped"),
            }
        }
    };
    let next = timeout(LONG, next).await.unwrap();
    // What the first held may be told late.
    while let Ok(held) = told.try_recv() {
        if held.by == leader && held.from < next {
            first = first.max(held.until);
        }
    }
    next < first
}

// A proxy that is killed refuses in the name of a leader that lives, and that may act until its
// lease ends: the next leader must wait for that.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_proxy_in_front_of_the_leader_makes_no_two_leases() {
    for _ in 0..3 {
        assert!(!overlaps::<Raft>(false).await, "raft");
        assert!(!overlaps::<Paxos>(false).await, "paxos");
    }
}

// Where a refused connection is trusted that goes wrong; a default must not.
#[tokio::test(flavor = "multi_thread")]
async fn to_trust_a_killed_proxy_makes_two_leases() {
    let mut times = 0;
    while !overlaps::<Raft>(true).await {
        times += 1;
        assert!(times < 20, "a refused connection is not trusted");
    }
}

// A machine that loses power closes no connection.
#[tokio::test]
async fn a_leader_in_a_black_hole_is_replaced_and_follows_when_it_is_back() {
    let wired = Wired::<Raft>::start(3).await;
    let leader = agreed(&wired.nodes).await;
    eventually("all are connected", || wired.all_connected()).await;
    wired
        .wires_of(leader)
        .for_each(|wire| wire.set(Mode::Swallows));
    let others: Vec<&Node<Raft>> = wired
        .nodes
        .iter()
        .filter(|n| n.elector.node_id() != leader)
        .collect();
    let next = agreed_but(&others, leader).await;
    assert!(wired.suspicions() > 0, "its silence was not told");
    wired
        .wires_of(leader)
        .for_each(|wire| wire.set(Mode::Passes));
    let all: Vec<&Node<Raft>> = wired.nodes.iter().collect();
    eventually("all follow again", || {
        all.iter().all(|node| {
            let status = node.elector.status();
            status.leader.is_some() && status.epoch >= all[0].elector.status().epoch
        })
    })
    .await;
    assert_ne!(next, leader);
}

// A process that was killed and is back at once is suspected: another life answers.
#[tokio::test]
async fn a_leader_that_restarts_is_suspected_and_the_others_elect() {
    let (listeners, peers) = sockets(3);
    let disks: Vec<MemoryStorage<_>> = (0..3).map(|_| MemoryStorage::new()).collect();
    let mut nodes: Vec<Node<Raft>> = Vec::new();
    for ((id, listener), disk) in (1..).zip(listeners).zip(&disks) {
        nodes.push(common::start(id, listener, &peers, disk).await);
    }
    let leader = agreed(&nodes).await;
    let place = nodes
        .iter()
        .position(|n| n.elector.node_id() == leader)
        .unwrap();
    let gone = nodes.remove(place);
    let address = gone.monitor.listening().unwrap();
    // Dropped without a word, as a process that ends.
    drop(gone);
    let listener = eventually_bound(address).await;
    let back: Node<Raft> = common::start(leader.0, listener, &peers, &disks[place]).await;
    let others: Vec<&Node<Raft>> = nodes.iter().collect();
    let next = agreed_but(&others, leader).await;
    assert_ne!(next, leader);
    let told = nodes.iter().flat_map(|node| node.monitor.peers());
    assert!(
        told.filter(|peer| peer.node == leader)
            .all(|peer| peer.suspicions > 0)
    );
    drop(back);
}

async fn eventually_bound(address: SocketAddr) -> std::net::TcpListener {
    let mut bound = None;
    eventually("the port is free again", || {
        bound = std::net::TcpListener::bind(address).ok();
        bound.is_some()
    })
    .await;
    bound.unwrap()
}
