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

/// Extends the builder of [`Elector::builder`]: the built node belongs to a real cluster. The node
/// reaches its peers over TCP at the addresses in its list of peers, and keeps its state in a
/// folder.
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
    /// Keeps the node's state in this folder, and connects the node over TCP. Call this method
    /// after `node_id`, `peers` and `config`: the returned builder has only the settings of the
    /// network.
    ///
    /// The folder must have been [formatted](NodeBuilder::format), exactly once and before the
    /// first start of the node.
    ///
    /// If no [`config`](Builder::config) was set, the node gets the default one of its algorithm
    /// with the durations of [`Timing::patient`].
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
        // A node without an id opens nothing: `start` returns the error.
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

/// The name of the file with the addresses of nodes that were not configured, in the data folder.
pub const ADDRESS_FILE: &str = "addresses";

/// Sets up a node of a real cluster. [`NetBuilder::data_dir`] creates this builder, so the settings
/// of the [`Builder`] itself must be made before that call.
pub struct NodeBuilder<A: ElectionAlgorithm> {
    builder: Builder<A>,
    tcp: Tcp<A>,
    folder: PathBuf,
    identity: Identity,
    storage: FileStorage,
}

impl<A: ElectionAlgorithm> NodeBuilder<A> {
    /// See [`Tcp::listen`].
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.tcp = self.tcp.listen(address);
        self
    }

    /// See [`Tcp::advertise`].
    #[must_use]
    pub fn advertise(mut self, address: impl Into<String>) -> Self {
        self.tcp = self.tcp.advertise(address);
        self
    }

    /// See [`Tcp::listen_on`].
    #[must_use]
    pub fn listen_on(mut self, listener: TcpListener) -> Self {
        self.tcp = self.tcp.listen_on(listener);
        self
    }

    /// See [`Tcp::tls`].
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tcp = self.tcp.tls(tls);
        self
    }

    /// See [`Tcp::plaintext_beyond_loopback`].
    #[must_use]
    pub fn plaintext_beyond_loopback(mut self, allowed: bool) -> Self {
        self.tcp = self.tcp.plaintext_beyond_loopback(allowed);
        self
    }

    /// See [`Tcp::detection`].
    #[must_use]
    pub fn detection(mut self, detection: Detection) -> Self {
        self.tcp = self.tcp.detection(detection);
        self
    }

    /// See [`Tcp::trust_refused`].
    #[must_use]
    pub fn trust_refused(mut self, trust: bool) -> Self {
        self.tcp = self.tcp.trust_refused(trust);
        self
    }

    /// See [`Tcp::resolver`].
    #[must_use]
    pub fn resolver(
        mut self,
        find: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        self.tcp = self.tcp.resolver(find);
        self
    }

    /// See [`Tcp::watcher`].
    #[must_use]
    pub fn watcher(
        mut self,
        keep: impl Fn(&Farewell, BorrowedFd<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.tcp = self.tcp.watcher(keep);
        self
    }

    /// See [`FileStorage::on_node_thread`].
    #[must_use]
    pub fn save_on_node_thread(mut self) -> Self {
        self.storage = self.storage.on_node_thread();
        self
    }

    /// Returns a view of the node's connections. It can be used now and while the node runs.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.tcp.monitor()
    }

    /// Returns the node's record, for `http::Options::record` and for [`RecordHandle::check`].
    #[must_use]
    pub fn record(&self) -> RecordHandle {
        self.storage.record()
    }

    /// Formats the folder of a node that has never run: see [`FileStorage::format`]. Do this in a
    /// separate step, for example with a flag of the program, and not at each start. A node that
    /// lost its disk must not start with an empty record, because it could vote twice.
    ///
    /// # Errors
    /// As [`FileStorage::format`].
    pub fn format(&self) -> Result<(), RecordError> {
        let peers = self.builder.named_peers().iter().map(|peer| peer.id);
        FileStorage::format(&self.folder, &self.identity, peers)
    }

    /// Formats the folder of a node that has never run, and that joins a running cluster: see
    /// [`FileStorage::format_to_join`]. The peers of the builder are then nodes that run; not all
    /// of them need to be named.
    ///
    /// # Errors
    /// As [`FileStorage::format`].
    pub fn format_to_join(&self) -> Result<(), RecordError> {
        FileStorage::format_to_join(&self.folder, &self.identity)
    }

    /// Starts the node: see [`Builder::start`]. Reads the record first, and then opens the socket.
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
