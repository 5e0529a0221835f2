use std::collections::BTreeMap;

use elector_core::{
    Configuration, ElectionAlgorithm, Membership, MembershipError, NodeId, TimingError,
};
use thiserror::Error;

use crate::{Disk, MembersAccess, Network};

/// Everything that determines a run.
#[derive(Clone, Debug)]
pub struct Setup<A: ElectionAlgorithm> {
    /// The nodes; ids need not be consecutive.
    pub nodes: Vec<NodeId>,
    /// The algorithm's configuration, on every node that has none in `configs`.
    pub config: A::Config,
    /// The configurations of single nodes, in place of `config`. Each configuration is validated
    /// alone. The caller must ensure that the configurations can work together. For example, a
    /// lease excludes other leases only if it is shorter than `election_min` of every node.
    pub configs: BTreeMap<NodeId, A::Config>,
    /// The durable state with which single nodes start, as if it was written before the run. All
    /// other nodes have never run. The invariants do not know what led to this state: a vote in it
    /// is not compared with votes of the run.
    pub initial: BTreeMap<NodeId, A::Durable>,
    /// Where the rosters are, if the members can change. With `None`, rosters are not checked.
    pub members: Option<MembersAccess<A>>,
    /// The network.
    pub network: Network,
    /// The disks.
    pub disk: Disk,
    /// Whether the watcher of a node gives its peers a proof of death when the process ends.
    pub hints: bool,
    /// Whether nodes get false suspicions while a scenario runs. A false suspicion reports a broken
    /// connection that did not break. Only [`run`](crate::run) reads this field: a
    /// [`Simulation`](crate::Simulation) alone has no false suspicions.
    pub false_suspicions: bool,
    /// The seed of the run's random stream.
    pub seed: u64,
    /// Whether to keep a trace. The trace costs far more than the run.
    pub trace: bool,
    /// Whether sends and views wait for the disk, as they must. With `false`, no algorithm is safe:
    /// tests use it to show that the invariants detect this.
    pub gate: bool,
}

/// Why a run cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The list of nodes is not a valid cluster.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// The algorithm's configuration breaks a rule.
    #[error("the configuration breaks a rule: {0}")]
    Config(TimingError),
    /// The configuration of a single node breaks a rule.
    #[error("the configuration of node {node} breaks a rule: {error}")]
    NodeConfig {
        /// The node.
        node: NodeId,
        /// The rule.
        error: TimingError,
    },
    /// A configuration or a durable state is given for a node that is not in the cluster.
    #[error("{what}: node {node} is not in the cluster: give one of its nodes, or add it to them")]
    UnknownNode {
        /// The name of the field.
        what: &'static str,
        /// The node.
        node: NodeId,
    },
    /// A probability is outside `0..=1`.
    #[error("network: {0} must be between 0 and 1")]
    Probability(&'static str),
    /// A latency of the network or of the disks is not valid.
    #[error("network or disk: {0}")]
    Latency(&'static str),
    /// The scenario changes the members, and the members of the algorithm are fixed.
    #[error("the scenario {0} changes the members, and the members of this algorithm are fixed")]
    FixedMembers(String),
}

impl<A: ElectionAlgorithm> Setup<A> {
    /// Creates the setup of nodes `1..=nodes` with defaults: 1 ms ± 0.5 ms one way, 0.1 to 0.3 ms a
    /// write, no hints, seed 1.
    #[must_use]
    pub fn new(nodes: u64) -> Self {
        Self {
            nodes: (1..=nodes).map(NodeId).collect(),
            config: A::Config::default(),
            configs: BTreeMap::new(),
            initial: BTreeMap::new(),
            members: None,
            network: Network::default(),
            disk: Disk::default(),
            hints: false,
            false_suspicions: false,
            seed: 1,
            trace: false,
            gate: true,
        }
    }

    /// Returns the configuration of a node.
    #[must_use]
    pub fn config_of(&self, node: NodeId) -> &A::Config {
        self.configs.get(&node).unwrap_or(&self.config)
    }

    /// Validates the setup. Returns the members, seen from the first node.
    ///
    /// # Errors
    /// Returns the first rule that the setup breaks.
    pub fn members(&self) -> Result<Membership, SetupError> {
        let first = self
            .nodes
            .iter()
            .min()
            .copied()
            .ok_or(MembershipError::Empty)?;
        let members = Membership::new(first, self.nodes.iter().copied())?;
        let valid = self.config.validate(&members);
        valid.map_err(SetupError::Config)?;
        self.check_nodes(&members)?;
        if let Some(name) = self.network.probability_problem() {
            return Err(SetupError::Probability(name));
        }
        let latency = self.network.latency_problem();
        match latency.or_else(|| self.disk.write.problem()) {
            Some(reason) => Err(SetupError::Latency(reason)),
            None => Ok(members),
        }
    }

    /// Validates what is given for single nodes.
    fn check_nodes(&self, members: &Membership) -> Result<(), SetupError> {
        for (&node, config) in &self.configs {
            let unknown = SetupError::UnknownNode {
                what: "configs",
                node,
            };
            let seen = members.seen_from(node).ok_or(unknown)?;
            let valid = config.validate(&seen);
            valid.map_err(|error| SetupError::NodeConfig { node, error })?;
        }
        match self.initial.keys().find(|&&node| !members.contains(node)) {
            Some(&node) => Err(SetupError::UnknownNode {
                what: "initial",
                node,
            }),
            None => Ok(()),
        }
    }
}
