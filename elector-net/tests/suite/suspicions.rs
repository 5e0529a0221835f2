//! Tests of when the algorithm is notified that a peer may have failed, and when it is not.

use std::net::SocketAddr;

use elector_core::{
    Configuration as _, ElectionAlgorithm, Moment, NodeId, Timing,
    actor::{self, MemoryStorage, Peer},
};
use elector_net::Tcp;
use elector_paxos::Paxos;
use elector_raft::Raft;
use tokio::{
    sync::mpsc::{self, error::SendError},
    time::timeout,
};

use crate::common::{
    self, LONG, Node, agreed, agreed_but, are_connected, eventually, position,
    proxy::{Mode, Wire},
    rebind, reports, sockets, suspicions,
};

/// A cluster in which each node reaches each other node over a wire of its own, which is a proxy.
struct Wired<A: ElectionAlgorithm> {
    nodes: Vec<Node<A>>,
    /// The id of the node that dials, the id of the node that accepts, and the wire (proxy) between
    /// them.
    wires: Vec<(NodeId, NodeId, Wire)>,
}

/// Whether the nodes take a refused connection of a peer as a proof that the peer's process has
/// ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Nothing,
    Refused,
}

impl<A: ElectionAlgorithm> Wired<A> {
    async fn start(nodes: u64) -> Self {
        Self::start_with(nodes, Trust::Nothing, Timing::default()).await
    }

    async fn start_with(nodes: u64, trust: Trust, timing: Timing) -> Self {
        let mut config = A::Config::default();
        *config.timing_mut() = timing;
        let (listeners, peers) = sockets(nodes);
        let addresses: Vec<SocketAddr> =
            listeners.iter().map(|l| l.local_addr().unwrap()).collect();
        let mut wired = Self {
            nodes: Vec::new(),
            wires: Vec::new(),
        };
        for (from, listener) in (1..).zip(listeners) {
            let mut peers_over_wires = Vec::new();
            for (to, &address) in (1..).zip(&addresses) {
                let wire = Wire::to(address).await;
                peers_over_wires.push(Peer::from((to, wire.address.to_string())));
                wired.wires.push((NodeId(from), NodeId(to), wire));
            }
            let tcp = Tcp::new("test", peers_over_wires, config.clone());
            let tcp = tcp.listen_on(listener);
            let tcp = tcp.trust_refused(trust == Trust::Refused);
            let monitor = tcp.monitor();
            let builder = common::builder::<A>(from, &peers, &MemoryStorage::new());
            let elector = builder.config(config.clone()).transport(tcp);
            let elector = elector.start().await.unwrap();
            wired.nodes.push(Node { elector, monitor });
        }
        wired
    }

    fn wires_of(&self, node: NodeId) -> impl Iterator<Item = &Wire> {
        let of = self.wires.iter();
        of.filter(move |(from, to, _)| (*from == node) != (*to == node))
            .map(|(.., wire)| wire)
    }

    fn is_connected(&self) -> bool {
        are_connected(&self.nodes)
    }
}

async fn keeps_its_leader<A: ElectionAlgorithm>() {
    // With these durations, a pause of a busy machine does not end a lease.
    let wired = Wired::<A>::start_with(3, Trust::Nothing, Timing::patient()).await;
    let leader = agreed(&wired.nodes).await;
    let (held, mut leases) = mpsc::unbounded_channel();
    record_leases(&wired.nodes[position(&wired.nodes, leader)], &held);
    eventually("all are connected", || wired.is_connected()).await;
    let epoch = wired.nodes[0].elector.status().epoch;
    for time in 1..=20_u64 {
        let before = connections(&wired);
        wired.wires_of(leader).for_each(Wire::reset);
        // The leader has four connections: two in each direction.
        eventually("the connections are made again", || {
            connections(&wired) >= before + 4 && wired.is_connected()
        })
        .await;
        // Each reset loses the heartbeats that are on their way. So the test waits until a
        // heartbeat has prolonged the lease of the leader: without a heartbeat between the resets,
        // the lease would end.
        while leases.try_recv().is_ok() {}
        let prolonged = timeout(LONG, leases.recv()).await;
        assert!(prolonged.is_ok(), "reset {time}: lease not prolonged");
        let status = wired.nodes[0].elector.status();
        assert_eq!(
            (status.epoch, status.leader),
            (epoch, Some(leader)),
            "reset {time}"
        );
    }
    assert_eq!(
        suspicions(&wired.nodes),
        0,
        "a broken connection is not a failure"
    );
}

fn connections<A: ElectionAlgorithm>(wired: &Wired<A>) -> u64 {
    let peers = reports(&wired.nodes);
    peers.map(|peer| peer.connections).sum()
}

// A firewall or a restarted proxy can break connections. Broken connections must not depose a
// leader that is alive: this leader holds a lease, and the next leader would hold a lease at the
// same time.
#[tokio::test]
async fn resets_of_all_its_connections_do_not_depose_a_leader() {
    keeps_its_leader::<Raft>().await;
    keeps_its_leader::<Paxos>().await;
}

/// A time in which a node held a lease, up to the end of the lease after its last prolongation.
#[derive(Clone, Copy, Debug)]
struct Held {
    by: NodeId,
    from: Moment,
    until: Moment,
}

/// Sends all leases of a node to this channel. Sends a lease again each time that the node prolongs
/// it.
fn record_leases<A: ElectionAlgorithm>(node: &Node<A>, held: &mpsc::UnboundedSender<Held>) {
    let (elector, held) = (node.elector.clone(), held.clone());
    let by = elector.node_id();
    tokio::spawn(async move {
        let work = elector.lead(async |me| {
            let (from, mut until) = (actor::now(), Moment::ZERO);
            while let Ok(later) = me.prolonged(until).await {
                until = later;
                held.send(Held { by, from, until })?;
            }
            Ok::<_, SendError<Held>>(())
        });
        work.await
    });
}

/// Drops the proxies in front of the leader, so that their addresses refuse connections. Returns
/// `true` if the next leader held a lease before the lease of the first leader had ended.
async fn overlaps<A: ElectionAlgorithm>(trust: Trust) -> bool {
    let mut wired = Wired::<A>::start_with(3, trust, Timing::default()).await;
    let (held, mut leases) = mpsc::unbounded_channel();
    for node in &wired.nodes {
        record_leases(node, &held);
    }
    let leader = agreed(&wired.nodes).await;
    eventually("all are connected", || wired.is_connected()).await;
    wired.wires.retain(|(_, to, _)| *to != leader);
    let mut first = Moment::ZERO;
    let next = async {
        loop {
            match leases.recv().await {
                Some(held) if held.by == leader => first = first.max(held.until),
                Some(held) => return held.from,
                None => panic!("all nodes have stopped"),
            }
        }
    };
    let next = timeout(LONG, next).await.unwrap();
    // The leases of the first leader may arrive on the channel after the lease of the next leader.
    while let Ok(held) = leases.try_recv() {
        if held.by == leader && held.from < next {
            first = first.max(held.until);
        }
    }
    next < first
}

// After a proxy was killed, its address refuses connections. But the leader behind the proxy is
// alive, and may act until its lease ends. So the next leader must not hold a lease before the
// first lease has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_proxy_in_front_of_the_leader_makes_no_two_leases() {
    for _ in 0..3 {
        assert!(!overlaps::<Raft>(Trust::Nothing).await, "raft");
        assert!(!overlaps::<Paxos>(Trust::Nothing).await, "paxos");
    }
}

// If nodes take a refused connection as a proof that the peer's process has ended, two leaders can
// hold a lease at the same time. The test shows that this happens, which is why `trust_refused` is
// off by default.
#[tokio::test(flavor = "multi_thread")]
async fn trust_in_a_killed_proxy_makes_two_leases() {
    let mut times = 0;
    while !overlaps::<Raft>(Trust::Refused).await {
        times += 1;
        assert!(times < 20, "a refused connection is not trusted");
    }
}

// A machine that loses power does not close its connections, so only its silence shows that it has
// failed. The other nodes must then elect another leader, and must not wait for a closed
// connection.
#[tokio::test]
async fn a_leader_in_a_black_hole_is_replaced_and_follows_when_it_is_back() {
    let wired = Wired::<Raft>::start(3).await;
    let leader = agreed(&wired.nodes).await;
    eventually("all are connected", || wired.is_connected()).await;
    wired
        .wires_of(leader)
        .for_each(|wire| wire.set(Mode::Swallows));
    let others: Vec<&Node<Raft>> = wired
        .nodes
        .iter()
        .filter(|n| n.elector.node_id() != leader)
        .collect();
    let next = agreed_but(&others, leader).await;
    assert!(suspicions(&wired.nodes) > 0, "its silence was not reported");
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

// If the process of a node is killed and started again at once, its peers must suspect the node,
// because another process with the same node id answers.
#[tokio::test]
async fn a_leader_that_restarts_is_suspected_and_the_others_elect() {
    let (listeners, peers) = sockets(3);
    let disks: Vec<MemoryStorage<_>> = (0..3).map(|_| MemoryStorage::new()).collect();
    let mut nodes: Vec<Node<Raft>> = Vec::new();
    for ((id, listener), disk) in (1..).zip(listeners).zip(&disks) {
        nodes.push(common::start(id, listener, &peers, disk).await);
    }
    let leader = agreed(&nodes).await;
    let place = position(&nodes, leader);
    let killed = nodes.remove(place);
    let address = killed.monitor.listening().unwrap();
    // The node is dropped without a shutdown, as if its process had ended.
    drop(killed);
    let listener = rebind(address).await;
    let back: Node<Raft> = common::start(leader.0, listener, &peers, &disks[place]).await;
    let others: Vec<&Node<Raft>> = nodes.iter().collect();
    let next = agreed_but(&others, leader).await;
    assert_ne!(next, leader);
    assert!(
        reports(&nodes)
            .filter(|peer| peer.node == leader)
            .all(|peer| peer.suspicions > 0)
    );
    drop(back);
}
