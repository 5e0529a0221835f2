use std::{
    fmt, io,
    net::{SocketAddr, TcpListener},
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
};

use elector_core::{
    Configuration, ElectionAlgorithm, Membership, NodeId, Timing,
    actor::{Builder, Elector, StartError},
};

use crate::{
    Detection, Farewell, FileStorage, Identity, Monitor, RecordError, RecordHandle, Tcp, Tls,
};

/// Extends the builder of [`Elector::builder`] for clusters whose nodes are separate processes.
/// Such a node reaches its peers over TCP at the addresses in its list of peers, and keeps its
/// durable state in a folder.
///
/// ```
/// use elector_core::actor::Elector;
/// use elector_net::NetBuilder;
/// use elector_raft::Raft;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path().join("node-1");
/// let node = || {
///     Elector::builder("billing")
///         .algorithm::<Raft>()
///         .node_id(1)
///         .peers([(1, "127.0.0.1:7101"), (2, "127.0.0.1:7102"), (3, "127.0.0.1:7103")])
///         .data_dir(&folder)
/// };
/// node().format()?; // Only before the first start of a node.
/// # let node = || node().listen("127.0.0.1:0");
/// let elector = node().start().await?;
/// # elector.shutdown().await?;
/// # Ok(())
/// # }
/// ```
pub trait NetBuilder<A: ElectionAlgorithm> {
    /// Keeps the node's durable state in this folder, and connects the node over TCP. Call this
    /// method after `node_id`, `peers` and `config`: the returned builder has only the settings of
    /// the network.
    ///
    /// The folder must have been [formatted](NodeBuilder::format), exactly once and before the
    /// first start of the node.
    ///
    /// If no [`config`](Builder::config) was set, the node gets the default configuration of its
    /// algorithm, with the durations of [`Timing::patient`].
    fn data_dir(self, folder: impl AsRef<Path>) -> NodeBuilder<A>;
}

impl<A: ElectionAlgorithm> NetBuilder<A> for Builder<A> {
    fn data_dir(self, folder: impl AsRef<Path>) -> NodeBuilder<A> {
        let peers = self.named_peers().to_vec();
        let config = self.configuration().cloned().unwrap_or_else(|| {
            let mut config = A::Config::default();
            *config.timing_mut() = Timing::patient();
            config
        });
        // If no id was set, this zero is a placeholder: `start` returns an error for the missing
        // id.
        let me = self.named_node().unwrap_or(NodeId(0));
        let identity = Identity::of::<A>(self.name(), me);
        let address_file = folder.as_ref().join(ADDRESS_FILE);
        NodeBuilder {
            tcp: Tcp::new(self.name(), peers, config.clone()).address_file(address_file),
            folder: folder.as_ref().to_owned(),
            storage: FileStorage::at(folder.as_ref(), identity.clone()),
            identity,
            builder: self.config(config),
        }
    }
}

/// The name of a file in the data folder. In it, a node keeps the addresses of other nodes that
/// were not configured, but that it has learned from its peers.
pub const ADDRESS_FILE: &str = "addresses";

/// Sets up the network and the storage of a node. [`NetBuilder::data_dir`] creates this builder, so
/// the settings of the [`Builder`] itself must be made before that call.
pub struct NodeBuilder<A: ElectionAlgorithm> {
    builder: Builder<A>,
    tcp: Tcp<A>,
    folder: PathBuf,
    identity: Identity,
    storage: FileStorage,
}

impl<A: ElectionAlgorithm> NodeBuilder<A> {
    /// Sets the address on which the node listens: see [`Tcp::listen`].
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.tcp = self.tcp.listen(address);
        self
    }

    /// Sets the address that the node names to its peers as its own: see [`Tcp::advertise`].
    #[must_use]
    pub fn advertise(mut self, address: impl Into<String>) -> Self {
        self.tcp = self.tcp.advertise(address);
        self
    }

    /// Sets the bound socket on which the node listens: see [`Tcp::listen_on`].
    #[must_use]
    pub fn listen_on(mut self, listener: TcpListener) -> Self {
        self.tcp = self.tcp.listen_on(listener);
        self
    }

    /// Encrypts all connections between nodes: see [`Tcp::tls`].
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tcp = self.tcp.tls(tls);
        self
    }

    /// Sets whether the node may use connections to other machines without TLS: see
    /// [`Tcp::plaintext_beyond_loopback`].
    #[must_use]
    pub fn plaintext_beyond_loopback(mut self, allowed: bool) -> Self {
        self.tcp = self.tcp.plaintext_beyond_loopback(allowed);
        self
    }

    /// Sets how long a peer may be silent: see [`Tcp::detection`].
    #[must_use]
    pub fn detection(mut self, detection: Detection) -> Self {
        self.tcp = self.tcp.detection(detection);
        self
    }

    /// Sets whether a refused connection proves that the process of a peer has ended: see
    /// [`Tcp::trust_refused`].
    #[must_use]
    pub fn trust_refused(mut self, trust: bool) -> Self {
        self.tcp = self.tcp.trust_refused(trust);
        self
    }

    /// Sets the function that resolves the names of peers: see [`Tcp::resolver`].
    #[must_use]
    pub fn resolver(
        mut self,
        find: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        self.tcp = self.tcp.resolver(find);
        self
    }

    /// Sets the function that gives copies of connections to the node's watcher, the process that
    /// proves the death of the node to its peers: see [`Tcp::watcher`].
    #[must_use]
    pub fn watcher(
        mut self,
        keep: impl Fn(&Farewell, BorrowedFd<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.tcp = self.tcp.watcher(keep);
        self
    }

    /// Saves the state on the node's own thread, and not on a storage thread: see
    /// [`FileStorage::on_node_thread`].
    #[must_use]
    pub fn save_on_node_thread(mut self) -> Self {
        self.storage = self.storage.on_node_thread();
        self
    }

    /// Returns a view of the node's connections. The view can be used before the node starts and
    /// while it runs.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.tcp.monitor()
    }

    /// Returns a handle of the node's durable record, for `http::Options::record` and for
    /// [`RecordHandle::check`].
    #[must_use]
    pub fn record(&self) -> RecordHandle {
        self.storage.record()
    }

    /// Creates the durable record of a node that has never run, in its data folder: see
    /// [`FileStorage::format`]. Call this method in a separate step, for example for a flag of the
    /// program, and not at each start. A node that has lost its disk has forgotten its votes. With
    /// a new record, it could vote twice in one epoch.
    ///
    /// # Errors
    /// As [`FileStorage::format`], and if the builder has no node id.
    pub fn format(&self) -> Result<(), RecordError> {
        self.builder.named_node().ok_or(RecordError::NoNodeId)?;
        let peers = self.builder.named_peers().iter().map(|peer| peer.id);
        FileStorage::format(&self.folder, &self.identity, peers)
    }

    /// Creates the durable record of a node that has never run, and that joins a running cluster:
    /// see [`FileStorage::format_to_join`]. The peers of the builder are then nodes of this
    /// cluster. The builder need not name all of them.
    ///
    /// # Errors
    /// As [`FileStorage::format`], and if the builder has no node id.
    pub fn format_to_join(&self) -> Result<(), RecordError> {
        self.builder.named_node().ok_or(RecordError::NoNodeId)?;
        FileStorage::format_to_join(&self.folder, &self.identity)
    }

    /// Starts the node: see [`Builder::start`]. Reads the durable record first, and then opens the
    /// listening socket.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub async fn start(mut self) -> Result<Elector<A::Guarantee>, StartError> {
        if A::CHANGES_MEMBERS {
            let me = self.builder.named_node().ok_or(StartError::NoNodeId)?;
            let peers = self.builder.named_peers();
            let members = Membership::new(me, peers.iter().map(|peer| peer.id))?;
            let mut config = self.builder.configuration().cloned().unwrap_or_default();
            let prepared = self.storage.prepare::<A>(&mut config, &members);
            prepared.map_err(|error| StartError::Load(error.into()))?;
            self.builder = self.builder.config(config);
        }
        let tcp = self.tcp.record(self.storage.record());
        let builder = self.builder.storage(self.storage);
        builder.transport(tcp).start().await
    }
}

impl<A: ElectionAlgorithm> fmt::Debug for NodeBuilder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeBuilder")
            .field("builder", &self.builder)
            .field("tcp", &self.tcp)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}
