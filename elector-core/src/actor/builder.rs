use std::{boxed::Box, fmt, string::String, vec::Vec};

use super::{
    actor_thread::ActorThread,
    election_log::log_elections,
    elector::Elector,
    error::StartError,
    launch::{Drive, Launched, NodeSetup, ThreadUse, launch},
    memory_storage::MemoryStorage,
    peer::Peer,
    storage::Storage,
    transport::Transport,
};
use crate::{Configuration, ElectionAlgorithm, Membership, NodeId};

/// How many received messages of one peer may wait in the queue of a node, by default.
pub(super) const DEFAULT_QUEUE_SHARE: u32 = 1024;

/// How many events a node keeps for a reader that has not read them yet, by default.
pub(super) const DEFAULT_EVENT_CAPACITY: usize = 256;

/// The first step of the setup of a node. This value has only the name of the cluster: the call of
/// [`algorithm`](Self::algorithm) chooses the algorithm and returns a [`Builder`].
/// [`Elector::builder`] creates this value.
#[derive(Debug)]
pub struct ElectorBuilder {
    name: String,
}

impl ElectorBuilder {
    pub(super) fn new(name: String) -> Self {
        Self { name }
    }

    /// Chooses the algorithm, which must be the same on all nodes.
    #[must_use]
    pub fn algorithm<A: ElectionAlgorithm>(self) -> Builder<A> {
        Builder::new(self.name)
    }
}

/// Sets up a node that runs the algorithm `A`. The other methods only store values.
/// [`start`](Self::start) checks these values and starts the node.
///
/// A node needs its id, the list of all nodes, a transport and a storage. With the feature `net` of
/// `elector`, the trait `elector::net::NetBuilder` adds `data_dir(folder)`, which sets a transport
/// over TCP and a storage in that folder. For tests, a [`Cluster`](super::Cluster) needs no setup.
///
/// ```
/// # use elector_core::{ElectionAlgorithm, actor::{Elector, StartError, Storage, Transport}};
/// async fn start<A: ElectionAlgorithm>(
///     transport: impl Transport<A>,
///     disk: impl Storage<A::Durable>,
/// ) -> Result<Elector<A::Guarantee>, StartError> {
///     Elector::builder("billing")
///         .algorithm::<A>()
///         .node_id(1)
///         .peers([(1, "db1:7100"), (2, "db2:7100"), (3, "db3:7100")])
///         .transport(transport)
///         .storage(disk)
///         .start()
///         .await
/// }
/// ```
pub struct Builder<A: ElectionAlgorithm> {
    name: String,
    me: Option<NodeId>,
    peers: Vec<Peer>,
    config: Option<A::Config>,
    transport: Option<Box<dyn Transport<A>>>,
    storage: Option<Box<dyn Storage<A::Durable>>>,
    share: u32,
    events: usize,
}

impl<A: ElectionAlgorithm> Builder<A> {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            me: None,
            peers: Vec::new(),
            config: None,
            transport: None,
            storage: None,
            share: DEFAULT_QUEUE_SHARE,
            events: DEFAULT_EVENT_CAPACITY,
        }
    }

    /// Sets the id of this node. The id is required.
    #[must_use]
    pub fn node_id(mut self, me: impl Into<NodeId>) -> Self {
        self.me = Some(me.into());
        self
    }

    /// Sets the members of the cluster: all nodes, including this one. The list is required, and
    /// must be the same on all nodes. A transport between machines also needs the address of each
    /// node: `.peers([(1, "db1:7100"), (2, "db2:7100")])`. A [`Peer`] can also be parsed from a
    /// text such as `1=db1:7100`.
    #[must_use]
    pub fn peers<P: Into<Peer>>(mut self, nodes: impl IntoIterator<Item = P>) -> Self {
        self.peers = nodes.into_iter().map(Into::into).collect();
        self
    }

    /// Returns the name of the cluster.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the id of this node, if it was set. This method is for authors of transports.
    #[must_use]
    pub fn named_node(&self) -> Option<NodeId> {
        self.me
    }

    /// Returns the nodes that [`peers`](Self::peers) has set, with their addresses. This method is
    /// for authors of transports.
    #[must_use]
    pub fn named_peers(&self) -> &[Peer] {
        &self.peers
    }

    /// Returns the configuration, if it was set. This method is for authors of transports.
    #[must_use]
    pub fn configuration(&self) -> Option<&A::Config> {
        self.config.as_ref()
    }

    /// Sets the transport, which carries messages between this node and the other nodes. A
    /// transport is required if the cluster has other nodes.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport<A>) -> Self {
        self.transport = Some(Box::new(transport));
        self
    }

    /// Sets the storage of the durable state. Without a storage, the node forgets its state when
    /// the process ends. Omit the storage only in tests, and for a cluster of one node.
    #[must_use]
    pub fn storage(mut self, storage: impl Storage<A::Durable>) -> Self {
        self.storage = Some(Box::new(storage));
        self
    }

    /// Sets the algorithm's configuration, which must be the same on all nodes. The default
    /// configuration has the durations of [`Timing::default`](crate::Timing::default), which are
    /// for nodes in one process. `data_dir` of `elector::net::NetBuilder` changes the default
    /// durations to those of [`Timing::patient`](crate::Timing::patient), which are for nodes on
    /// several machines.
    #[must_use]
    pub fn config(mut self, config: A::Config) -> Self {
        self.config = Some(config);
        self
    }

    /// Sets how many received messages of one peer may wait in the queue of this node. The node
    /// drops further messages of that peer, and counts them in
    /// [`Traffic::refused`](super::Traffic::refused). The default is 1,024 messages. Each peer has
    /// a share of its own, so that a peer that floods this node does not displace the messages of
    /// other peers.
    #[must_use]
    pub fn queue_share(mut self, messages: u32) -> Self {
        self.share = messages;
        self
    }

    /// Sets how many unread events this node keeps for each reader of
    /// [`events`](super::NodeHandle::events). A reader that is further behind misses the oldest
    /// events. The default is 256 events.
    #[must_use]
    pub fn event_capacity(mut self, events: usize) -> Self {
        self.events = events;
        self
    }

    /// Starts the node on a thread of its own. This method works in any tokio runtime with timers,
    /// and inside an actix system. The runtime of `#[tokio::main]` has timers. A runtime that you
    /// build yourself needs `enable_time`, because the log of elections and the work of the leader
    /// use its timers. From this call on, the node takes part in elections, until the last clone of
    /// the returned handle is dropped. To run work on the leader, call [`lead`](Elector::lead) on
    /// every node.
    ///
    /// # Errors
    /// If the setup breaks a rule (the error names the rule), if the saved state cannot be read, or
    /// if the transport cannot be opened.
    pub async fn start(self) -> Result<Elector<A::Guarantee>, StartError> {
        let cluster = self.name.clone();
        let elector = self.run(Drive::Clock).await?.elector();
        log_elections(&elector, cluster);
        Ok(elector)
    }

    pub(super) async fn run(self, drive: Drive) -> Result<Launched<A>, StartError> {
        let me = self.me.ok_or(StartError::NoNodeId)?;
        if self.peers.is_empty() {
            return Err(StartError::NoPeers);
        }
        let members = Membership::new(me, self.peers.iter().map(|peer| peer.id))?;
        let config = self.config.unwrap_or_default();
        config.validate(&members)?;
        if self.share == 0 {
            return Err(StartError::ZeroQueueShare);
        }
        if members.len() > 1 && self.transport.is_none() {
            return Err(StartError::NoTransport);
        }
        let name = std::format!("{}-{me}", self.name);
        let storage = self.storage;
        let node_setup = NodeSetup {
            name: name.clone(),
            members,
            config,
            transport: self.transport,
            storage: storage.unwrap_or_else(|| Box::new(MemoryStorage::new())),
            share: self.share,
            events: self.events,
            drive,
        };
        let thread = ActorThread::start(name).await;
        let thread = thread.map_err(|error| StartError::Thread(error.into()))?;
        launch(node_setup, &thread, ThreadUse::Own).await
    }
}

impl<A: ElectionAlgorithm> fmt::Debug for Builder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("node_id", &self.me)
            .field("peers", &self.peers)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
