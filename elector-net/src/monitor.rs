use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock, atomic::Ordering},
    time::{Duration, SystemTime},
};

use elector_core::{NodeId, actor};

use crate::{
    address_book::AddressBook,
    links::{PeerLinks, Standing},
    tls::Tls,
};

/// A view of a node's connections that can be used from any thread. A clone is cheap.
#[derive(Clone, Default)]
pub struct Monitor(Arc<Inner>);

#[derive(Default)]
struct Inner {
    links: OnceLock<Arc<PeerLinks>>,
    addresses: OnceLock<Arc<AddressBook>>,
    listening: OnceLock<SocketAddr>,
    advertised: OnceLock<String>,
    tls: OnceLock<Tls>,
}

/// The state of the connections with one peer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PeerReport {
    /// The id of the peer.
    pub node: NodeId,
    /// The address at which the peer is dialled: `host:port`. `None` if no address is known.
    pub address: Option<String>,
    /// Whether the peer is a member, or is to become one. Always `true` if the members are fixed.
    pub is_member: bool,
    /// Whether this node's own connection to the peer is open, so that it can send to the peer.
    pub can_send: bool,
    /// Whether the peer's own connection to this node is open, so that it can send to this node.
    pub can_receive: bool,
    /// The time since the last sign of life of the peer, such as a message; `None` if there was
    /// none yet.
    pub silent_for: Option<Duration>,
    /// The smoothed time between a ping and its answer; `None` before the first answer.
    pub round_trip: Option<Duration>,
    /// The longest silence that is allowed now. After a longer silence, the algorithm is notified.
    pub silence_limit: Duration,
    /// How often this node has connected to the peer.
    pub connections: u64,
    /// How often this node has marked the peer down, which means taken it for failed.
    pub suspicions: u64,
    /// How often this node has accepted a proof that the peer's process has ended.
    pub proofs: u64,
    /// The reason why messages cannot be exchanged with the peer; `None` if messages can be
    /// exchanged. If one side rejects the other, the text says which one.
    pub problem: Option<String>,
}

impl PeerReport {
    /// Returns `true` if messages can be sent in both directions.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.can_send && self.can_receive
    }
}

impl Monitor {
    pub(crate) fn begin(
        &self,
        links: Arc<PeerLinks>,
        addresses: Arc<AddressBook>,
        (listening, advertised): (SocketAddr, String),
        tls: Option<Tls>,
    ) {
        // No `set` fails: a monitor belongs to one transport, which is opened only once, so no
        // value was set before.
        let _ = self.0.links.set(links);
        let _ = self.0.addresses.set(addresses);
        let _ = self.0.listening.set(listening);
        let _ = self.0.advertised.set(advertised);
        if let Some(tls) = tls {
            let _ = self.0.tls.set(tls);
        }
    }

    /// Returns the address on which the node listens; `None` before the node listens.
    #[must_use]
    pub fn listening(&self) -> Option<SocketAddr> {
        self.0.listening.get().copied()
    }

    /// Returns the address that the node names to its peers as its own: see
    /// [`Tcp::advertise`](crate::Tcp::advertise). Returns `None` before the node listens.
    #[must_use]
    pub fn advertised(&self) -> Option<&str> {
        self.0.advertised.get().map(String::as_str)
    }

    /// Returns the peers in ascending order of id. The list is empty until the node has started.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerReport> {
        let now = actor::now();
        let (Some(links), Some(addresses)) = (self.0.links.get(), self.0.addresses.get()) else {
            return Vec::new();
        };
        let all = links.all();
        let reports = all.iter().map(|outgoing| {
            let link = &outgoing.link;
            let detector = link.detector().clone();
            PeerReport {
                node: link.node,
                address: addresses.of(link.node),
                is_member: links.standing(link.node) != Standing::Observer,
                can_send: link.is_outgoing_open(),
                can_receive: link.is_incoming_open(),
                silent_for: detector.last().map(|at| now.saturating_since(at)),
                round_trip: detector.round_trip(),
                silence_limit: detector.silence_limit(),
                connections: link.connections.load(Ordering::Relaxed),
                suspicions: link.suspicions.load(Ordering::Relaxed),
                proofs: link.proofs.load(Ordering::Relaxed),
                problem: link.problem(),
            }
        });
        reports.collect()
    }

    /// Gives the node the address of another node. The node uses the address if no address of the
    /// other node was configured, and if the other node has not named another address as its own.
    /// Returns `false` if the node does not use the address: the text is not `host:port`, another
    /// address is in use, or the node has not started yet.
    pub fn add_address(&self, node: impl Into<NodeId>, address: &str) -> bool {
        let node = node.into();
        let Some(addresses) = self.0.addresses.get() else {
            return false;
        };
        addresses.reported(node, address);
        addresses.of(node).as_deref() == Some(address)
    }

    /// Returns the address at which this node dials another node; `None` if no address is known.
    #[must_use]
    pub fn address_of(&self, node: impl Into<NodeId>) -> Option<String> {
        self.0.addresses.get()?.of(node.into())
    }

    /// Returns when the node's certificate or its CA expires, whichever is first: see
    /// [`Tls::expires`]. Returns `None` without TLS, and before the node has started.
    #[must_use]
    pub fn certificate_expires(&self) -> Option<SystemTime> {
        self.0.tls.get().map(Tls::expires)
    }

    /// Records that this node is about to stop. From now on, outages of peers are not logged,
    /// because an operator may stop the peers at the same time.
    pub fn stopping(&self) {
        if let Some(links) = self.0.links.get() {
            links.set_stopping();
        }
    }

    /// Returns the number of rejected connections for each kind of rejection. Connections that this
    /// node rejected, and connections of this node that a peer rejected, are counted together.
    #[must_use]
    pub fn rejected(&self) -> Vec<(&'static str, u64)> {
        let links = self.0.links.get();
        links.iter().flat_map(|links| links.rejected()).collect()
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("listening", &self.listening())
            .field("peers", &self.peers())
            .finish()
    }
}
