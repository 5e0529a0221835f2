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
    /// The configuration of the algorithm on every node that has no configuration of its own in
    /// `configs`.
    pub config: A::Config,
    /// The configurations of single nodes, in place of `config`. Each configuration is validated
    /// alone. The caller must ensure that the configurations can work together. For example, the
    /// lease of every node must be shorter than the `election_min` of every node: otherwise two
    /// nodes can hold a lease at the same time.
    pub configs: BTreeMap<NodeId, A::Config>,
    /// The durable state with which single nodes start, as if it was written before the run. All
    /// other nodes start as if they have never run. The invariants do not know what happened
    /// before: if this state contains a vote, the vote is not compared with the votes of the run.
    pub initial: BTreeMap<NodeId, A::Durable>,
    /// How the simulator finds the rosters (the durable lists of voters), if the members can
    /// change. With `None`, the simulator does not check rosters.
    pub members: Option<MembersAccess<A>>,
    /// The network between the nodes.
    pub network: Network,
    /// The properties of the disks of all nodes.
    pub disk: Disk,
    /// Whether a watcher (a helper process beside each node) gives the peers of a node a proof of
    /// death when the process of the node ends. If `true`, the hosts of the peers also report when
    /// they receive messages from the restarted node again.
    pub hints: bool,
    /// Whether nodes get false suspicions while a scenario runs. A false suspicion reports a broken
    /// connection that did not break. Only [`run`](crate::run) reads this field: a
    /// [`Simulation`](crate::Simulation) alone has no false suspicions.
    pub false_suspicions: bool,
    /// The seed of the run's random stream.
    pub seed: u64,
    /// Whether to keep a trace. To keep it costs far more time than the run itself.
    pub trace: bool,
    /// Whether the messages and the view of a step wait until the writes before them are durable,
    /// as they must. With `false`, no algorithm is safe: tests use this value to show that the
    /// invariants detect the violation.
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
        /// The node whose configuration breaks the rule.
        node: NodeId,
        /// The rule that the configuration breaks.
        error: TimingError,
    },
    /// A configuration or a durable state is given for a node that is not in the cluster.
    #[error("{what}: node {node} is not in the cluster: give one of its nodes, or add it to them")]
    UnknownNode {
        /// The field of the setup that names the node: `configs` or `initial`.
        what: &'static str,
        /// The node that is not in the cluster.
        node: NodeId,
    },
    /// The probability of the network with this name is outside `0..=1`.
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
    /// Creates the setup of nodes `1..=nodes` with defaults: a message takes 0.5 to 1.5 ms, a write
    /// takes 0.1 to 0.3 ms, there are no hints (proofs of death), and the seed is 1.
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

    /// Validates the setup. Returns the members, seen from the node with the lowest id.
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

    /// Validates the fields `configs` and `initial`, which are about single nodes.
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
