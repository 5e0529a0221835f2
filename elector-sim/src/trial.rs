use std::{ops::RangeInclusive, time::Duration};

use elector_core::{ElectionAlgorithm, Guarantee, GuaranteeKind, invariants::Invariant};
use thiserror::Error;

use crate::{
    Outcome, Scenario, Setup, SetupError,
    run::{self, Runs},
    scenario::{Action, Churn, ScenarioError, Step},
};

/// Runs an algorithm in all built-in scenarios, and in one more scenario with random faults,
/// commands and wrong suspicions. For an algorithm with the guarantee `BestEffort`, that scenario
/// also empties disks. An algorithm with the guarantee `Quorum` guarantees nothing after a loss of
/// disks.
///
/// ```
/// use elector_raft::{Raft, RaftConfig};
/// use elector_sim::Trial;
///
/// let trial = Trial { nodes: vec![3], seeds: 1..=1 };
/// assert_eq!(trial.failures::<Raft>(&RaftConfig::default())?, [""; 0]);
/// # Ok::<(), elector_sim::TrialError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trial {
    /// The cluster sizes at which each scenario runs.
    pub nodes: Vec<u64>,
    /// The seeds: each scenario runs at each size once with each of these seeds.
    pub seeds: RangeInclusive<u64>,
}

/// Why a trial cannot run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrialError {
    /// A built-in scenario is not valid.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The configuration of the algorithm breaks a rule.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

impl Trial {
    /// Runs the trial. Returns one line of text for each run that violated an invariant, or in
    /// which the nodes did not agree on one leader after all faults had ended.
    ///
    /// # Errors
    /// Returns an error if the configuration of the algorithm breaks a rule.
    pub fn failures<A: ElectionAlgorithm>(
        &self,
        config: &A::Config,
    ) -> Result<Vec<String>, TrialError> {
        let mut scenarios = Scenario::builtin()?;
        scenarios.push(storm(A::Guarantee::KIND));
        let mut failures = Vec::new();
        for scenario in &scenarios {
            for nodes in scenario.sizes(&self.nodes) {
                for seed in self.seeds.clone() {
                    let mut setup = Setup::<A>::new(nodes);
                    (setup.config, setup.seed) = (config.clone(), seed);
                    let (outcome, _) = run::run_suspected(setup, scenario, Runs::Once)?;
                    let wrong = wrong(&outcome, A::Guarantee::KIND);
                    failures.extend(wrong.map(|wrong| {
                        format!(
                            "{} {}, n = {nodes}, seed {seed}: {wrong}",
                            A::NAME,
                            scenario.name
                        )
                    }));
                }
            }
        }
        Ok(failures)
    }
}

/// Creates the scenario `storm`: 5 s of random faults, random commands and wrong suspicions. It
/// also empties disks, but not if `guarantee` is `Quorum`, because a quorum algorithm guarantees
/// nothing after a loss of disks.
fn storm(guarantee: GuaranteeKind) -> Scenario {
    let churn = Churn {
        duration: Duration::from_secs(5),
        every: Duration::from_millis(100),
        commands: true,
        wrong_hints: true,
        lost_disks: guarantee == GuaranteeKind::BestEffort,
    };
    let step = Step::once(Action::Churn(churn));
    Scenario::of(
        "storm",
        "random faults, commands, hints and lost disks",
        vec![step],
    )
}

fn wrong(outcome: &Outcome, guarantee: GuaranteeKind) -> Option<String> {
    // A node whose disk was emptied has lost its epoch, so the epoch in its view may go back. This
    // is no fault of the algorithm.
    let excused = |name: &str| {
        guarantee == GuaranteeKind::BestEffort && name == Invariant::EpochMonotonic.name()
    };
    let violation = outcome
        .violations
        .iter()
        .find(|violation| !excused(violation.invariant));
    match violation {
        Some(violation) => Some(format!("{}: {}", violation.invariant, violation.detail)),
        None => (!outcome.elected).then(|| "no leader in the end".to_owned()),
    }
}
