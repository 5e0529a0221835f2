use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock, atomic::Ordering},
    time::{Duration, SystemTime},
};

use elector_core::{NodeId, actor};

use crate::{links::Links, tls::Tls};

/// Looks at a node's connections, from anywhere. Cheap to clone.
#[derive(Clone, Default)]
pub struct Monitor(Arc<Inner>);

#[derive(Default)]
struct Inner {
    links: OnceLock<Arc<Links>>,
    listening: OnceLock<SocketAddr>,
    tls: OnceLock<Tls>,
}

/// What is known of the connections with one peer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PeerReport {
    /// Which peer.
    pub node: NodeId,
    /// Where it is dialled: `host:port`.
    pub address: String,
    /// Whether this node can speak to it.
    pub speaking: bool,
    /// Whether it can speak to this node.
    pub hearing: bool,
    /// How long ago it gave a sign of life.
    pub silent_for: Option<Duration>,
    /// How long an answer of it takes, smoothed.
    pub round_trip: Option<Duration>,
    /// How long it may be silent now, before the algorithm is told.
    pub patience: Duration,
    /// How often a connection to it was made.
    pub connections: u64,
    /// How often the algorithm was told that it is gone.
    pub suspicions: u64,
    /// How often a life of it was proved to be over.
    pub proofs: u64,
    /// Why messages cannot be exchanged with it, in words that say which side rejects which one;
    /// `None` if they can.
    pub problem: Option<String>,
}

impl Monitor {
    pub(crate) fn begin(&self, links: Arc<Links>, listening: SocketAddr, tls: Option<Tls>) {
        // A monitor belongs to one transport, which is opened once.
        let _ = self.0.links.set(links);
        let _ = self.0.listening.set(listening);
        if let Some(tls) = tls {
            let _ = self.0.tls.set(tls);
        }
    }

    /// Where the node listens; `None` before it does.
    #[must_use]
    pub fn listening(&self) -> Option<SocketAddr> {
        self.0.listening.get().copied()
    }

    /// The peers, in ascending order of id; none before the node has started.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerReport> {
        let now = actor::now().nanos();
        let links = self.0.links.get();
        let links = links.iter().flat_map(|links| links.of.iter());
        let reports = links.map(|link| {
            let (heard, round_trip, patience) = link.measured();
            PeerReport {
                node: link.node,
                address: link.address.clone(),
                speaking: link.is_up(),
                hearing: link.is_heard(),
                silent_for: heard.map(|at| Duration::from_nanos(now.saturating_sub(at))),
                round_trip,
                patience,
                connections: link.connections.load(Ordering::Relaxed),
                suspicions: link.suspicions.load(Ordering::Relaxed),
                proofs: link.proofs.load(Ordering::Relaxed),
                problem: link.problem(),
            }
        });
        reports.collect()
    }

    /// When the first of the node's certificate and its CA ends: see [`Tls::expires`]. `None`
    /// without TLS, and before the node has started.
    #[must_use]
    pub fn certificate_expires(&self) -> Option<SystemTime> {
        self.0.tls.get().map(Tls::expires)
    }

    /// This node is about to be stopped: outages of peers are not logged from now on, for its peers
    /// may be stopped at the same time.
    pub fn leaving(&self) {
        if let Some(links) = self.0.links.get() {
            links.leave();
        }
    }

    /// How many connections were refused, in either direction, by reason.
    #[must_use]
    pub fn refused(&self) -> Vec<(&'static str, u64)> {
        let links = self.0.links.get();
        links.iter().flat_map(|links| links.refused()).collect()
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
