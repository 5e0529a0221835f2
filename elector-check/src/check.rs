use elector_core::{
    Configuration, ElectionAlgorithm, Membership, MembershipError, NodeId, TimingError,
};
use thiserror::Error;

use crate::{CheckConfig, Report, cluster::Cluster, search::Search};

/// The maximum number of nodes of a [`Check`]. A larger cluster has too many orders of events.
pub const MAX_NODES: u64 = 9;

/// A check of one algorithm: `Check::<Raft>::new(config).run()`.
#[derive(Clone, Debug)]
pub struct Check<A: ElectionAlgorithm> {
    config: CheckConfig<A::Config>,
}

/// Why a check cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CheckError {
    /// There are no nodes.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// The algorithm's configuration breaks a rule.
    #[error(transparent)]
    Settings(#[from] TimingError),
    /// The cluster is too large to follow every order of its events.
    #[error("a search with {0} nodes never ends: use at most {MAX_NODES} nodes, or random walks")]
    TooManyNodes(u64),
    /// The check must begin with a leader, and the search found none.
    #[error("no short run without faults leads to a leader that all nodes agree on")]
    NotLed,
}

impl<A: ElectionAlgorithm> Check<A> {
    /// Creates a check within these bounds.
    #[must_use]
    pub fn new(config: CheckConfig<A::Config>) -> Self {
        Self { config }
    }

    /// Follows every run within the bounds, shorter runs first. Ends when all runs have been
    /// followed, when a run violates an invariant, or when [`CheckConfig::max_states`] is reached.
    /// Every state takes memory.
    ///
    /// # Errors
    /// Returns an error if the algorithm's configuration is not valid, if a tick is zero, if there
    /// are no nodes or more than [`MAX_NODES`], or if the check must begin with a leader and the
    /// search finds none.
    pub fn run(self) -> Result<Report, CheckError> {
        let config = self.config;
        if config.nodes > MAX_NODES {
            return Err(CheckError::TooManyNodes(config.nodes));
        }
        let members = memberships(config.nodes, &config.config)?;
        if config.time.is_some_and(|time| time.tick.is_zero()) {
            return Err(TimingError::Zero("a tick").into());
        }
        Search::run(Cluster::<A>::new(config, members)).ok_or(CheckError::NotLed)
    }
}

/// Returns the members of the cluster of the nodes `1..=nodes`, seen from each node.
///
/// # Errors
/// Returns an error if the algorithm cannot run in this cluster with this configuration.
pub(crate) fn memberships(
    nodes: u64,
    config: &impl Configuration,
) -> Result<Vec<Membership>, CheckError> {
    let members = (1..=nodes).map(|me| Membership::new(NodeId(me), (1..=nodes).map(NodeId)));
    let members = members.collect::<Result<Vec<_>, _>>()?;
    let first = members.first().ok_or(MembershipError::Empty)?;
    config.validate(first)?;
    Ok(members)
}
