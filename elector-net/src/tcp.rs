mod checks;
mod links;
mod open;

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener},
    os::fd::BorrowedFd,
    path::PathBuf,
};

use elector_core::{Configuration as _, ElectionAlgorithm, actor::Peer};

use crate::{
    detector::Detection,
    dial::Lookup,
    farewell::{Farewell, Watcher},
    monitor::Monitor,
    record::{LifeLock, RecordHandle},
    tls::Tls,
};

/// Connects a node with its peers over TCP: the [`Transport`](elector_core::actor::Transport) for
/// clusters whose nodes are separate processes.
///
/// Each node dials each peer, and sends its messages to that peer on this connection only. So there
/// are two connections between two nodes. The network code runs on the node's own thread, so a
/// message that arrives is handled without waking another thread. Only the handshakes of incoming
/// connections run on a second thread, because any process that reaches the port can ask for a
/// handshake.
///
/// The node limits how many handshakes are pending and how many begin in a second. Connections from
/// the addresses of peers have their own limits. The address of a peer is where the node dials the
/// peer, or where the peer last connected from. Connections from all other addresses share lower
/// limits (32 pending, 100 per second). Connections beyond these limits are closed.
///
/// # What the algorithm learns about a peer
///
/// - The peer died: its [watcher](Self::watcher) has reported its death, or another life of the
///   peer, which is another process of the same node, holds the same [lock](Self::life). Both are
///   proofs.
/// - The peer is suspected: it refuses connections, or another life of the peer answers at its
///   address, but does not prove that the life before has ended.
/// - The peer is silent: nothing has arrived from the peer for longer than [`Detection`] allows.
///
/// After a connection breaks, the node connects again. The break alone is not reported to the
/// algorithm.
pub struct Tcp<A: ElectionAlgorithm> {
    cluster: String,
    peers: Vec<Peer>,
    config: A::Config,
    listen: Listen,
    tls: Option<Tls>,
    plaintext: bool,
    detection: Detection,
    trust_refused: bool,
    watcher: Option<Watcher>,
    life: Option<LifeLock>,
    monitor: Monitor,
    record: Option<RecordHandle>,
    before_listening: Option<BeforeListening>,
    lookup: Lookup,
    advertised: Option<String>,
    address_file: Option<PathBuf>,
}

/// A function that runs before the node accepts connections. Its argument is the listening socket.
type BeforeListening = Box<dyn FnOnce(BorrowedFd<'_>) -> io::Result<()> + Send + Sync>;

enum Listen {
    /// Listens at the node's own address in the list of peers.
    Own,
    At(String),
    On(TcpListener),
}

impl<A: ElectionAlgorithm> Tcp<A> {
    /// Creates the network of a node in the cluster `cluster`. `peers` lists all nodes with their
    /// addresses, including this one. `config` is the configuration of the algorithm.
    #[must_use]
    pub fn new(cluster: impl Into<String>, peers: Vec<Peer>, config: A::Config) -> Self {
        Self {
            cluster: cluster.into(),
            peers,
            listen: Listen::Own,
            tls: None,
            plaintext: false,
            detection: Detection::of(config.timing()),
            config,
            trust_refused: false,
            watcher: None,
            life: None,
            monitor: Monitor::default(),
            record: None,
            before_listening: None,
            lookup: Lookup::default(),
            advertised: None,
            address_file: None,
        }
    }

    /// Listens on this address (`host:port`) instead of the node's own address in the list of
    /// peers. Use this setting if the address in the list is that of a gateway, or to listen on all
    /// interfaces (`0.0.0.0:7100`).
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = Listen::At(address.into());
        self
    }

    /// Sets the address at which peers reach this node: `host:port`. The node names this address
    /// when it connects to a peer. A peer dials it if no address of this node was configured on the
    /// peer, or if this node does not answer at the configured address. Default: the node's own
    /// address in the list of peers, or else the address to listen on. If that address stands for
    /// all addresses of the machine, such as `0.0.0.0:7100`, peers take its port, and the host from
    /// which this node connects.
    #[must_use]
    pub fn advertise(mut self, address: impl Into<String>) -> Self {
        self.advertised = Some(address.into());
        self
    }

    /// Keeps in this file the addresses of other nodes that were not configured, but that this node
    /// has learned from its peers. The node reads the file at its next start. The file is used only
    /// if the members of the algorithm can change. Default: no file, so these addresses are lost
    /// when the node stops.
    #[must_use]
    pub fn address_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.address_file = Some(file.into()).filter(|_| A::CHANGES_MEMBERS);
        self
    }

    /// Listens on this socket, which is already bound.
    #[must_use]
    pub fn listen_on(mut self, listener: TcpListener) -> Self {
        self.listen = Listen::On(listener);
        self
    }

    /// Encrypts all connections, and admits only peers whose certificate names them.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Allows the node to listen or to dial without TLS where other machines can reach it. Every
    /// process that reaches the port can then pose as a peer, and vote. Enable this setting only in
    /// a network in which you trust every host.
    #[must_use]
    pub fn plaintext_beyond_loopback(mut self, allowed: bool) -> Self {
        self.plaintext = allowed;
        self
    }

    /// Sets the limits for the silence of a peer. Default: [`Detection::of`] the durations of the
    /// algorithm.
    #[must_use]
    pub fn detection(mut self, detection: Detection) -> Self {
        self.detection = detection;
        self
    }

    /// Takes a refused connection, or the answer of another process with the peer's id, as a proof
    /// that the peer's process has ended ([`Input::Died`](elector_core::Input::Died)). Then, if the
    /// peer was the leader, the nodes elect the next leader at once, and do not wait until the
    /// lease has ended. Default: `false`.
    ///
    /// A proxy that restarts, or a firewall that rejects connections, can refuse them in place of a
    /// leader that is alive. With this setting, two nodes can then hold a lease at the same time.
    /// So enable this setting only in a network in which nothing between the nodes can answer for a
    /// node.
    #[must_use]
    pub fn trust_refused(mut self, trust: bool) -> Self {
        self.trust_refused = trust;
        self
    }

    /// Lets another process, the watcher, prove to peers that the node's process has ended. If this
    /// node was the leader, the peers elect the next leader at once when they have the proof.
    /// Without the proof, they wait until the lease has ended. Default: no watcher.
    ///
    /// `keep` gives the watcher a copy of a connection, and the [`Farewell`] that the watcher must
    /// write on this connection after the node's process has ended. The node calls `keep` for each
    /// connection on which it sends to a peer. `keep` must not block. When the node no longer uses
    /// a connection, the node shuts it down (`shutdown(2)`), and the watcher must close its copy.
    /// If `keep` fails for a connection, no proof will arrive on this connection.
    ///
    /// The safety of leases rests on this rule: the watcher writes the farewell only when the
    /// process of the node, *and everything that acts on behalf of its leadership*, has ended. Only
    /// the kernel's report by a pidfd is enough to know this. The end of a pipe, a failed call, or
    /// a node that does not answer is not enough. The heir of a process (`elector_heir::entrust`)
    /// and the guardian of `elector run` are such watchers.
    #[must_use]
    pub fn watcher(
        mut self,
        keep: impl Fn(&Farewell, BorrowedFd<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.watcher = Some(Box::new(keep));
        self
    }

    /// Lets peers take the next life of this node as a proof that this life has ended, if both
    /// lives name the same lock. A life is one process of the node. This setting helps if the
    /// watcher ended together with the node, and the node is started again before its lease has
    /// ended. Default: `None`. Then a new life proves nothing.
    ///
    /// The safety of leases rests on this rule: as long as anything acts on behalf of this node's
    /// leadership, a process holds the lock. If other processes act for the leadership, use
    /// [`LifeLock::inherit`].
    #[must_use]
    pub fn life(mut self, lock: Option<LifeLock>) -> Self {
        self.life = lock;
        self
    }

    /// Resolves names with this function, for clusters whose names the operating system does not
    /// know. Default: the resolver of the operating system.
    ///
    /// `find` receives a `host:port` as it was configured: an address of the list of peers, or the
    /// address to listen on. `find` is not called for an IP address with a port. `find` may block:
    /// it runs on a thread for blocking calls, with at most one call at a time for each peer. The
    /// node dials all addresses that `find` returns, in this order, but with IPv4 and IPv6 in turn.
    /// The node uses the first address that answers. If a later lookup fails or takes long, the
    /// node dials the addresses that it found before.
    #[must_use]
    pub fn resolver(
        mut self,
        find: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        self.lookup = Lookup::new(find);
        self
    }

    /// Calls this function with the listening socket before the node accepts connections. If the
    /// function fails, the node does not start.
    ///
    /// Use this setting to give another process a copy of the socket. As long as that process keeps
    /// the copy, the connections of peers are not refused, even after the node's process has ended.
    /// The peers wait instead, and do not suspect this node.
    #[must_use]
    pub fn before_listening(
        mut self,
        doing: impl FnOnce(BorrowedFd<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.before_listening = Some(Box::new(doing));
        self
    }

    /// Sends the list of nodes and the disk id in the node's record to peers, and stores the peers'
    /// disk ids in the record. Without a record, the node sends the nodes with which it was
    /// started, as a list that was never changed (generation 1), and no disk id. Then peers cannot
    /// distinguish this node from another node with the same id.
    #[must_use]
    pub fn record(mut self, record: RecordHandle) -> Self {
        self.record = Some(record);
        self
    }

    /// Returns a view of the connections. The view can be used before the node starts and while it
    /// runs.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }
}

impl<A: ElectionAlgorithm> fmt::Debug for Tcp<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tcp")
            .field("cluster", &self.cluster)
            .field("peers", &self.peers)
            .field("tls", &self.tls.is_some())
            .field("detection", &self.detection)
            .finish_non_exhaustive()
    }
}
