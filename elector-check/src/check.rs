use elector_core::{
    Configuration, ElectionAlgorithm, Membership, MembershipError, NodeId, TimingError,
};
use thiserror::Error;

use crate::{CheckConfig, Report, cluster::Cluster, search::Search};

/// A check of one algorithm: `Check::<Raft>::new(config).run()`.
#[derive(Clone, Debug)]
pub struct Check<A: ElectionAlgorithm> {
    config: CheckConfig<A::Config>,
}

/// Why a check could not begin.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CheckError {
    /// There are no nodes.
    #[error("there is no such cluster")]
    Membership(#[from] MembershipError),
    /// The algorithm's configuration breaks a rule.
    #[error("the algorithm cannot be configured like that")]
    Settings(#[from] TimingError),
    /// The check was to begin with a leader.
    #[error("no short run without faults leads to a leader that all nodes agree on")]
    NotLed,
}

impl<A: ElectionAlgorithm> Check<A> {
    /// A check within these bounds.
    #[must_use]
    pub fn new(config: CheckConfig<A::Config>) -> Self {
        Self { config }
    }

    /// Follows every run within the bounds, shorter ones first, until all are followed, one breaks
    /// a promise, or the limit is reached. Takes memory for every state.
    ///
    /// # Errors
    /// If the algorithm's configuration is not valid, there are no nodes, or the check is to begin
    /// with a leader that is not found.
    pub fn run(self) -> Result<Report, CheckError> {
        let config = self.config;
        let members = cluster(config.nodes, &config.config)?;
        if config.time.is_some_and(|time| time.tick.is_zero()) {
            return Err(TimingError::Zero("a tick").into());
        }
        Search::run(Cluster::<A>::new(config, members)).ok_or(CheckError::NotLed)
    }
}

/// A cluster of nodes `1..=nodes`, seen from each of its nodes, if it can be configured like that.
pub(crate) fn cluster(
    nodes: u64,
    config: &impl Configuration,
) -> Result<Vec<Membership>, CheckError> {
    let members = (1..=nodes).map(|me| Membership::new(NodeId(me), (1..=nodes).map(NodeId)));
    let members = members.collect::<Result<Vec<_>, _>>()?;
    let first = members.first().ok_or(MembershipError::Empty)?;
    config.validate(first)?;
    Ok(members)
}
