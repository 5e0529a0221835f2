use std::{fmt, time::Duration};

use elector_core::NodeId;
use prometheus_client::registry::{Registry, Unit};

use super::{
    report::PeerStatus,
    token::Token,
    wires::{Wires, statuses},
};
use crate::{Monitor, RecordHandle};

/// Tells how the connections to the peers are. A closure will do.
pub trait Peers: Send + Sync + 'static {
    /// One entry for each peer. Called for every status that is asked for: it must not wait.
    fn peers(&self) -> Vec<PeerStatus>;
}

impl<F: Fn() -> Vec<PeerStatus> + Send + Sync + 'static> Peers for F {
    fn peers(&self) -> Vec<PeerStatus> {
        self()
    }
}

/// One of so many files may be a connection.
const OF_FILES: usize = 4;

/// How much of this process others can take up. The defaults are far above what a cluster's
/// monitoring needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once. Beyond it, the one that has been quiet for longest makes room for the
    /// next; if none is quiet, the next is refused. Default 256; but never more than a quarter of
    /// the files that the process may open (`ulimit -n`) when the service is made: the rest is for
    /// peers, and for the application.
    pub connections: usize,
    /// Readers of events at once; they are never taken for quiet, so it should be well below
    /// `connections`. Beyond it, the next is told to come later. Default 64; but never more than
    /// half of the connections.
    pub readers: usize,
    /// Events kept for readers that come back. Default 1,024.
    pub events: usize,
    /// How long a request's head, and then its body, may take to arrive, and a connection be kept
    /// open between two requests. Default 10 s.
    pub request: Duration,
    /// How long a write may wait for a peer that does not read. Default 30 s.
    pub write: Duration,
    /// After how much silence a reader of events is sent a comment, so that it can tell a quiet
    /// cluster from a broken connection. Default 15 s.
    pub keep_alive: Duration,
    /// How long `/livez` and `/readyz` wait for an answer of the node's thread. Below the second
    /// that Kubernetes waits for a probe. Default 500 ms.
    pub liveness: Duration,
    /// How long a command is waited for before the answer is that it goes on. Default 30 s.
    pub command: Duration,
    /// How long requests may take to finish at the end of the service. Default 5 s.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            readers: 64,
            events: 1024,
            request: Duration::from_secs(10),
            write: Duration::from_secs(30),
            keep_alive: Duration::from_secs(15),
            liveness: Duration::from_millis(500),
            command: Duration::from_secs(30),
            drain: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// As far as a process can afford that may have so many files open; `None`: any number.
    pub(super) fn within(mut self, files: Option<u64>) -> Self {
        let files = files.and_then(|files| usize::try_from(files).ok());
        let affordable = files.map_or(usize::MAX, |files| files / OF_FILES);
        self.connections = self.connections.min(affordable).max(1);
        self.readers = self.readers.min(self.connections.div_ceil(2));
        self
    }
}

pub(super) type Names = Box<dyn Fn(NodeId) -> String + Send + Sync>;
pub(super) type Registering = Box<dyn FnOnce(&mut Registry) + Send>;

/// What the service is told besides the node itself.
#[must_use]
pub struct Options {
    pub(super) cluster: String,
    pub(super) token: Option<Token>,
    pub(super) names: Names,
    pub(super) address: Option<String>,
    pub(super) peers: Option<Box<dyn Peers>>,
    pub(super) metrics: Vec<Registering>,
    pub(super) hosts: Vec<String>,
    pub(super) limits: Limits,
}

impl Options {
    /// For a node of the cluster of this name. Nothing can be changed over HTTP until there is a
    /// [`token`](Self::token).
    pub fn new(cluster: impl Into<String>) -> Self {
        Self {
            cluster: cluster.into(),
            token: None,
            names: Box::new(|node| node.to_string()),
            address: None,
            peers: None,
            metrics: Vec::new(),
            hosts: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// Lets those who show this token make the node step down, or hand its leadership over.
    pub fn token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// What nodes are called, for applications that compare the leader's name with their own, such
    /// as a host name. Default: the id in decimal.
    pub fn names(mut self, names: impl Fn(NodeId) -> String + Send + Sync + 'static) -> Self {
        self.names = Box::new(names);
        self
    }

    /// Where this node is reached by its peers: the leader's address, while it leads.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// How the connections to the peers are. Without it the status does not tell.
    pub fn peers(mut self, peers: impl Peers) -> Self {
        self.peers = Some(Box::new(peers));
        self
    }

    /// Tells of the connections of a node on [`Tcp`](crate::Tcp), in the status and in the metrics.
    pub fn monitor(self, monitor: &Monitor) -> Self {
        let (seen, read) = (monitor.clone(), Wires(monitor.clone()));
        self.peers(move || statuses(&seen))
            .metrics(move |registry| registry.register_collector(Box::new(read)))
    }

    /// Tells in the metrics how long the saves to this record take:
    /// `elector_disk_write_seconds`.
    pub fn record(self, record: &RecordHandle) -> Self {
        let took = record.save_times().histogram();
        let help = "How long a durable write of the node's record takes";
        self.metrics(move |registry| {
            registry.register_with_unit("elector_disk_write", help, Unit::Seconds, took);
        })
    }

    /// Answers, on a loopback address, also when it is asked for under this host name. May be
    /// called several times.
    ///
    /// [`Service::serve`](super::Service::serve) on loopback answers only requests whose `Host` is
    /// `localhost`, a loopback address or such a name: a page in a browser on this machine can have
    /// a name of its own lead to 127.0.0.1 (DNS rebinding), and read the answers.
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into());
        self
    }

    /// Registers further metrics beside the node's own. May be called several times.
    ///
    /// ```
    /// use elector_net::http::{
    ///     Options,
    ///     prometheus_client::{metrics::counter::Counter, registry::Registry},
    /// };
    ///
    /// let reconnects = Counter::<u64>::default();
    /// let served = reconnects.clone();
    /// let options = Options::new("billing").metrics(move |registry: &mut Registry| {
    ///     registry.register("elector_reconnects", "Connections made anew", served);
    /// });
    /// reconnects.inc();
    /// # let _ = options;
    /// ```
    pub fn metrics(mut self, register: impl FnOnce(&mut Registry) + Send + 'static) -> Self {
        self.metrics.push(Box::new(register));
        self
    }

    /// How much of this process others can take up.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("cluster", &self.cluster)
            .field("token", &self.token)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A client that opens connections must not take the last descriptors from peers; and a probe
    // must get an answer while events are read.
    #[test]
    fn connections_and_readers_leave_room_for_others() {
        let within = |files| {
            let limits = Limits::default().within(files);
            (limits.connections, limits.readers)
        };
        assert_eq!(within(None), (256, 64));
        assert_eq!(within(Some(u64::MAX)), (256, 64));
        assert_eq!(within(Some(1024)), (256, 64));
        assert_eq!(within(Some(256)), (64, 32));
        assert_eq!(within(Some(0)), (1, 1));
    }
}
