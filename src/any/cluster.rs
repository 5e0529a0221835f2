use elector_core::{
    ElectionAlgorithm, GuaranteeKind, NodeId, Settings, Timing,
    actor::{Cluster, ClusterSetup, StartError},
};

use crate::{Algorithm, AnyElector, AnyStartError};

/// How an [`AnyCluster`] is made: what all algorithms have in common.
#[derive(Clone, Debug)]
pub struct AnyClusterSetup {
    /// The nodes; ids need not be consecutive.
    pub nodes: Vec<NodeId>,
    /// The durations, the same on every node. All else is the algorithm's default.
    pub timing: Timing,
    /// Whether the others are told at once when a node is killed, as a broken connection tells
    /// them. Without it they find out by its silence.
    pub hints: bool,
}

impl AnyClusterSetup {
    /// Nodes `1..=nodes`, default durations, hints on.
    #[must_use]
    pub fn new(nodes: u64) -> Self {
        Self {
            nodes: (1..=nodes).map(NodeId).collect(),
            timing: Timing::default(),
            hints: true,
        }
    }

    fn of<A: ElectionAlgorithm>(self) -> ClusterSetup<A> {
        let mut config = A::Config::default();
        *config.timing_mut() = self.timing;
        ClusterSetup {
            nodes: self.nodes,
            config,
            hints: self.hints,
        }
    }
}

/// A [`Cluster`] of an algorithm that was chosen at run time, for the tests of applications that
/// choose so. Finer faults are those of the [`Cluster`] inside.
///
/// ```
/// # #[cfg(feature = "raft")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use elector::{Algorithm, AnyCluster};
///
/// let mut cluster = AnyCluster::start("raft".parse::<Algorithm>()?, 3).await?;
/// let first = cluster.leader().await;
/// cluster.kill(first).await;
/// assert_ne!(cluster.leader().await, first);
/// cluster.shutdown().await;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "raft"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum AnyCluster {
    /// See [`Algorithm::Raft`].
    #[cfg(feature = "raft")]
    Raft(Cluster<elector_raft::Raft>),
    /// See [`Algorithm::Paxos`].
    #[cfg(feature = "paxos")]
    Paxos(Cluster<elector_paxos::Paxos>),
    /// See [`Algorithm::Bully`].
    #[cfg(feature = "bully")]
    Bully(Cluster<elector_bully::Bully>),
    /// See [`Algorithm::Ring`].
    #[cfg(feature = "ring")]
    Ring(Cluster<elector_ring::Ring>),
}

/// The same expression for whichever algorithm it is.
macro_rules! each {
    ($any:expr, $cluster:ident => $do:expr) => {
        match $any {
            #[cfg(feature = "raft")]
            AnyCluster::Raft($cluster) => $do,
            #[cfg(feature = "paxos")]
            AnyCluster::Paxos($cluster) => $do,
            #[cfg(feature = "bully")]
            AnyCluster::Bully($cluster) => $do,
            #[cfg(feature = "ring")]
            AnyCluster::Ring($cluster) => $do,
        }
    };
}

impl AnyCluster {
    /// Starts nodes `1..=nodes` with the default configuration and hints on.
    ///
    /// # Errors
    /// If the algorithm is not compiled in, or a node cannot be started.
    pub async fn start(algorithm: Algorithm, nodes: u64) -> Result<Self, AnyStartError> {
        Self::start_with(algorithm, AnyClusterSetup::new(nodes)).await
    }

    /// Starts a cluster.
    ///
    /// # Errors
    /// If the algorithm is not compiled in, the setup breaks a rule, or a node cannot be started.
    pub async fn start_with(
        algorithm: Algorithm,
        setup: AnyClusterSetup,
    ) -> Result<Self, AnyStartError> {
        match algorithm {
            #[cfg(feature = "raft")]
            Algorithm::Raft => Ok(Self::Raft(Cluster::start_with(setup.of()).await?)),
            #[cfg(feature = "paxos")]
            Algorithm::Paxos => Ok(Self::Paxos(Cluster::start_with(setup.of()).await?)),
            #[cfg(feature = "bully")]
            Algorithm::Bully => Ok(Self::Bully(Cluster::start_with(setup.of()).await?)),
            #[cfg(feature = "ring")]
            Algorithm::Ring => Ok(Self::Ring(Cluster::start_with(setup.of()).await?)),
            #[allow(unreachable_patterns, reason = "with all features on, nothing is left")]
            absent => Err(AnyStartError::NotCompiledIn(absent)),
        }
    }

    /// Which it is.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            #[cfg(feature = "raft")]
            Self::Raft(_) => Algorithm::Raft,
            #[cfg(feature = "paxos")]
            Self::Paxos(_) => Algorithm::Paxos,
            #[cfg(feature = "bully")]
            Self::Bully(_) => Algorithm::Bully,
            #[cfg(feature = "ring")]
            Self::Ring(_) => Algorithm::Ring,
        }
    }

    /// What may be relied on.
    #[must_use]
    pub fn guarantee(&self) -> GuaranteeKind {
        self.algorithm().guarantee()
    }

    /// See [`Cluster::kill`].
    pub async fn kill(&mut self, node: impl Into<NodeId>) -> bool {
        each!(self, cluster => cluster.kill(node).await)
    }

    /// See [`Cluster::restart`].
    ///
    /// # Errors
    /// As [`Cluster::restart`].
    pub async fn restart(&mut self, node: impl Into<NodeId>) -> Result<(), StartError> {
        each!(self, cluster => cluster.restart(node).await)
    }

    /// See [`Cluster::partition`].
    pub fn partition(&self, groups: &[&[NodeId]]) {
        each!(self, cluster => cluster.partition(groups));
    }

    /// See [`Cluster::isolate`].
    pub fn isolate(&self, node: impl Into<NodeId>) {
        each!(self, cluster => cluster.isolate(node));
    }

    /// See [`Cluster::heal`].
    pub fn heal(&self) {
        each!(self, cluster => cluster.heal());
    }

    /// See [`Cluster::nodes`].
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        each!(self, cluster => cluster.nodes())
    }

    /// The handle of a node that runs: a clone, which keeps the node running.
    #[must_use]
    pub fn node(&self, node: impl Into<NodeId>) -> Option<AnyElector> {
        let node = node.into();
        match self {
            #[cfg(feature = "raft")]
            Self::Raft(cluster) => cluster.node(node).cloned().map(AnyElector::Raft),
            #[cfg(feature = "paxos")]
            Self::Paxos(cluster) => cluster.node(node).cloned().map(AnyElector::Paxos),
            #[cfg(feature = "bully")]
            Self::Bully(cluster) => cluster.node(node).cloned().map(AnyElector::Bully),
            #[cfg(feature = "ring")]
            Self::Ring(cluster) => cluster.node(node).cloned().map(AnyElector::Ring),
        }
    }

    /// The handles of all nodes that run, in ascending order.
    #[must_use]
    pub fn running(&self) -> Vec<AnyElector> {
        let nodes = self.nodes().iter();
        nodes.filter_map(|&node| self.node(node)).collect()
    }

    /// See [`Cluster::leader`].
    pub async fn leader(&self) -> NodeId {
        each!(self, cluster => cluster.leader().await)
    }

    /// See [`Cluster::agreed`].
    #[must_use]
    pub fn agreed(&self) -> Option<NodeId> {
        each!(self, cluster => cluster.agreed())
    }

    /// See [`Cluster::shutdown`].
    pub async fn shutdown(self) {
        each!(self, cluster => cluster.shutdown().await);
    }
}
