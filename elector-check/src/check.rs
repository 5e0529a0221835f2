use std::num::NonZeroUsize;

use elector_core::{
    ElectionAlgorithm, Guarantee, Membership, MembershipError, NodeId, Settings, TimingError,
};
use stateright::{Checker, HasDiscoveries, Model, Path};
use thiserror::Error;

use crate::{
    CheckConfig, Checked, Outcome, Quantifier, Report,
    action::{Action, tell},
    claim::Claim,
    cluster::Cluster,
    state::State,
};

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
    /// If the algorithm's configuration is not valid, or there are no nodes.
    pub fn run(self) -> Result<Report, CheckError> {
        let config = self.config;
        let members = (1..=config.nodes)
            .map(|me| Membership::new(NodeId(me), (1..=config.nodes).map(NodeId)))
            .collect::<Result<Vec<_>, _>>()?;
        let first = members.first().ok_or(MembershipError::Empty)?;
        config.config.validate(first)?;
        let limit = config.max_states.and_then(NonZeroUsize::new);
        let threads = config.threads.max(1);

        let mut search = Cluster::<A>::new(config, members)
            .checker()
            .threads(threads)
            .finish_when(HasDiscoveries::AnyFailures);
        if let Some(limit) = limit {
            search = search.target_state_count(limit.get());
        }
        Ok(report::<A>(&search.spawn_bfs().join(), limit))
    }
}

fn report<A: ElectionAlgorithm>(
    done: &impl Checker<Cluster<A>>,
    limit: Option<NonZeroUsize>,
) -> Report {
    let mut decided = done.discoveries();
    let properties: Vec<Checked> = Claim::of::<A>()
        .map(|claim| Checked {
            name: claim.name(),
            quantifier: if claim.is_always() {
                Quantifier::Always
            } else {
                Quantifier::Sometimes
            },
            trace: decided.remove(claim.name()).map(trace),
        })
        .collect();
    let mut report = Report {
        algorithm: A::NAME,
        guarantee: A::Guarantee::KIND,
        outcome: Outcome::Exhaustive,
        states: done.state_count(),
        unique_states: done.unique_state_count(),
        max_depth: done.max_depth(),
        properties,
    };
    if !report.is_clean() {
        report.outcome = Outcome::Broken;
    } else if limit.is_some_and(|limit| report.states >= limit.get()) {
        // Perhaps nothing was left just then; but nobody knows.
        report.outcome = Outcome::LimitReached;
    }
    report
}

fn trace<A: ElectionAlgorithm>(path: Path<State<A>, Action<A::Timer>>) -> Vec<String> {
    let steps = path.into_vec();
    let pairs = steps.windows(2).filter_map(|pair| match pair {
        [(before, Some(action)), (after, _)] => Some(tell(before, action, after)),
        _ => None,
    });
    pairs.collect()
}
