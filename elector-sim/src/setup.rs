use elector_core::{
    Configuration, ElectionAlgorithm, Membership, MembershipError, NodeId, TimingError,
};
use thiserror::Error;

use crate::{Disk, Network};

/// Everything that determines a run.
#[derive(Clone, Debug)]
pub struct Setup<A: ElectionAlgorithm> {
    /// The nodes; ids need not be consecutive.
    pub nodes: Vec<NodeId>,
    /// The algorithm's configuration. It is the same on every node.
    pub config: A::Config,
    /// The network.
    pub network: Network,
    /// The disks.
    pub disk: Disk,
    /// Whether the observer of a node gives its peers a proof of death when the process ends.
    pub hints: bool,
    /// Whether nodes get false suspicions while a scenario runs: their connections did not break.
    /// Only [`run`](crate::run) reads this: a bare simulation has no false suspicions.
    pub false_suspicions: bool,
    /// The seed of the run's random stream.
    pub seed: u64,
    /// Whether to keep a trace. The trace costs far more than the run.
    pub trace: bool,
    /// Whether sends and views wait for the disk, as they must. `false` breaks every algorithm. It
    /// serves to show that the invariants detect this.
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
    /// A probability is outside `0..=1`.
    #[error("network: {0} must be between 0 and 1")]
    Probability(&'static str),
    /// A latency of the network or of the disks is not valid.
    #[error("network or disk: {0}")]
    Latency(&'static str),
}

impl<A: ElectionAlgorithm> Setup<A> {
    /// Creates the setup of nodes `1..=nodes` with defaults: 1 ms ± 0.5 ms one way, 0.1 to 0.3 ms a
    /// write, no hints, seed 1.
    #[must_use]
    pub fn new(nodes: u64) -> Self {
        Self {
            nodes: (1..=nodes).map(NodeId).collect(),
            config: A::Config::default(),
            network: Network::default(),
            disk: Disk::default(),
            hints: false,
            false_suspicions: false,
            seed: 1,
            trace: false,
            gate: true,
        }
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
        if let Some(name) = self.network.probability_problem() {
            return Err(SetupError::Probability(name));
        }
        let latency = self.network.latency_problem();
        match latency.or_else(|| self.disk.write.problem()) {
            Some(reason) => Err(SetupError::Latency(reason)),
            None => Ok(members),
        }
    }
}
