use std::{fmt, time::Duration};

use elector_core::NodeId;
use prometheus_client::registry::{Registry, Unit};

use super::{peer_metrics::PeerMetrics, report::PeerStatus, token::Token};
use crate::{Monitor, RecordHandle};

/// Reports the connections to the peers. Each closure that returns the list of peers implements
/// this trait.
pub trait Peers: Send + Sync + 'static {
    /// Returns one entry for each peer. The service calls this method for every status request, so
    /// it must not block.
    fn peers(&self) -> Vec<PeerStatus>;

    /// Returns the address at which this node dials another node. The default implementation looks
    /// for the address in [`peers`](Self::peers).
    fn address_of(&self, node: NodeId) -> Option<String> {
        let mut peers = self.peers().into_iter();
        peers.find(|peer| peer.id == node)?.address
    }

    /// Gives this node the address of another node, before a change adds that node to the members.
    /// Returns `false` if the address cannot be used. The default implementation returns `false`.
    fn add_address(&self, _node: NodeId, _address: &str) -> bool {
        false
    }
}

impl<F: Fn() -> Vec<PeerStatus> + Send + Sync + 'static> Peers for F {
    fn peers(&self) -> Vec<PeerStatus> {
        self()
    }
}

/// The number of files that the process must be allowed to open for each HTTP connection. So HTTP
/// connections use at most a quarter of these files.
const FILES_PER_CONNECTION: usize = 4;

/// Limits on what clients can use of this process. The defaults are far above what the monitoring
/// of a cluster needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The number of open connections. At the limit, the connection that has been idle for longest
    /// is closed. If no connection is idle, the new connection is closed. Default 256. The limit is
    /// never higher than a quarter of the files that the process may open (`ulimit -n`) when the
    /// service is created: the connections to peers and the application need the rest.
    pub connections: usize,
    /// The number of readers of events. Readers never count as idle, so this limit should be well
    /// below `connections`. At the limit, a new reader gets the answer 503 and must retry later.
    /// Default 64. The limit is never higher than half of `connections`.
    pub readers: usize,
    /// The number of events that the service keeps for readers that reconnect. Default 1,024.
    pub events: usize,
    /// The time limit for a request's head, for its body, and for an idle connection between two
    /// requests. Default 10 s.
    pub request: Duration,
    /// The time for which a write waits for a client that does not read the answer. After that, the
    /// connection is closed. Default 30 s.
    pub write: Duration,
    /// If there is no event for this long, the service sends a comment to each reader of events.
    /// From the comment, the reader knows that the cluster is quiet and that the connection is not
    /// broken. Default 15 s.
    pub keep_alive: Duration,
    /// The time for which `/livez` and `/readyz` wait for an answer of the node's thread.
    /// Kubernetes waits for a probe for one second by default, so this time should be shorter.
    /// Default 500 ms.
    pub liveness: Duration,
    /// The time for which the answer to a command waits until the command is complete. After that,
    /// the answer is 202. Default 30 s.
    pub command: Duration,
    /// The time for which the service waits for requests in progress when it stops. Default 5 s.
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
    /// Lowers the limits for a process that may open this many files; `None` means any number.
    pub(super) fn within_open_files(mut self, files: Option<u64>) -> Self {
        let files = files.and_then(|files| usize::try_from(files).ok());
        let affordable = files.map_or(usize::MAX, |files| files / FILES_PER_CONNECTION);
        self.connections = self.connections.min(affordable).max(1);
        self.readers = self.readers.min(self.connections.div_ceil(2));
        self
    }
}

pub(super) type Names = Box<dyn Fn(NodeId) -> String + Send + Sync>;
pub(super) type RegisterMetrics = Box<dyn FnOnce(&mut Registry) + Send>;

/// The settings of a service.
#[must_use]
pub struct Options {
    pub(super) cluster: String,
    pub(super) token: Option<Token>,
    pub(super) names: Names,
    pub(super) address: Option<String>,
    pub(super) peers: Option<Box<dyn Peers>>,
    pub(super) metrics: Vec<RegisterMetrics>,
    pub(super) hosts: Vec<String>,
    pub(super) limits: Limits,
}

impl Options {
    /// Creates the options for a node of this cluster. The service rejects all commands until a
    /// [`token`](Self::token) is set.
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

    /// Sets the token. Clients that send this token can make the node step down, transfer its
    /// leadership, or change the members.
    pub fn token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Sets the names of the nodes. Applications compare the leader's name with their own name,
    /// such as a host name. Default: the id in decimal.
    pub fn names(mut self, names: impl Fn(NodeId) -> String + Send + Sync + 'static) -> Self {
        self.names = Box::new(names);
        self
    }

    /// Sets the address at which peers reach this node. While this node leads, this is the address
    /// of the leader in reports.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Sets the source of the connections to the peers. Without this source, the status has no
    /// peers.
    pub fn peers(mut self, peers: impl Peers) -> Self {
        self.peers = Some(Box::new(peers));
        self
    }

    /// Adds the connections of a node on [`Tcp`](crate::Tcp) to the status and to the metrics.
    pub fn monitor(self, monitor: &Monitor) -> Self {
        let read = PeerMetrics(monitor.clone());
        self.peers(monitor.clone())
            .metrics(move |registry| registry.register_collector(Box::new(read)))
    }

    /// Adds a metric for the duration of the saves to this record: `elector_disk_write_seconds`.
    pub fn record(self, record: &RecordHandle) -> Self {
        let took = record.save_times().histogram();
        let help = "Duration of a durable write of the node's record";
        self.metrics(move |registry| {
            registry.register_with_unit("elector_disk_write", help, Unit::Seconds, took);
        })
    }

    /// Allows requests for this host name, too, on a loopback address. This method may be called
    /// several times.
    ///
    /// On loopback, [`Service::serve`](super::Service::serve) answers only requests whose `Host` is
    /// `localhost`, a loopback address or an allowed name. Otherwise a web page of another host, in
    /// a browser on this machine, could read the answers: the owner of the page can let the name of
    /// that host resolve to 127.0.0.1 (DNS rebinding).
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into());
        self
    }

    /// Registers more metrics. This method may be called several times.
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
    ///     registry.register("elector_reconnects", "Reconnects of the application", served);
    /// });
    /// reconnects.inc();
    /// # let _ = options;
    /// ```
    pub fn metrics(mut self, register: impl FnOnce(&mut Registry) + Send + 'static) -> Self {
        self.metrics.push(Box::new(register));
        self
    }

    /// Sets the limits on what clients can use of this process.
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

    // A client that opens many connections must not take the last file descriptors from peers. A
    // probe must get an answer even if many readers are connected.
    #[test]
    fn connections_and_readers_leave_room_for_others() {
        let within = |files| {
            let limits = Limits::default().within_open_files(files);
            (limits.connections, limits.readers)
        };
        assert_eq!(within(None), (256, 64));
        assert_eq!(within(Some(u64::MAX)), (256, 64));
        assert_eq!(within(Some(1024)), (256, 64));
        assert_eq!(within(Some(256)), (64, 32));
        assert_eq!(within(Some(0)), (1, 1));
    }
}
