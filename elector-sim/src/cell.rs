use elector_core::GuaranteeKind;

use crate::{Outcome, Scenario, Summary};

/// All runs of one contestant in one scenario at one size.
#[derive(Clone, Debug)]
pub struct Cell {
    /// See [`Contestant::algorithm`](crate::Contestant::algorithm).
    pub algorithm: &'static str,
    /// See [`Contestant::variant`](crate::Contestant::variant).
    pub variant: String,
    /// See [`Contestant::guarantee`](crate::Contestant::guarantee).
    pub guarantee: GuaranteeKind,
    /// The size of the cluster.
    pub nodes: u64,
    /// The name of the scenario.
    pub scenario: String,
    /// The runs, by seed.
    pub outcomes: Vec<Outcome>,
}

impl Cell {
    /// Returns the figures of this cell.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::of(self)
    }

    /// Returns the worst run: runs with violations come first, then runs without agreement, then
    /// runs with split-brain time, then runs with leaderless time. `None` if there is no run.
    #[must_use]
    pub fn worst(&self) -> Option<&Outcome> {
        // `rev`: among equal runs, the one with the smallest seed wins.
        self.outcomes.iter().rev().max_by_key(|outcome| {
            let times = outcome.times;
            let wrong = (!outcome.violations.is_empty(), !outcome.elected);
            (wrong, times.split_brain_ns, times.leaderless_ns)
        })
    }

    /// Returns the arguments of the command `elector` that replay the run of this seed. If a
    /// violation of the run occurred only with false suspicions, the replay has false suspicions,
    /// too.
    #[must_use]
    pub fn replay(&self, seed: u64) -> String {
        let mut runs = self.outcomes.iter();
        let run = runs.find(|run| run.seed == seed);
        let suspected = run.is_some_and(Outcome::fails_only_with_false_suspicions);
        format!(
            "simulate --algorithm {} --variant {} --scenario {} --nodes {} --seed {seed}{}",
            self.algorithm,
            self.variant,
            Scenario::name_at_seed(&self.scenario, seed),
            self.nodes,
            if suspected { " --false-suspicions" } else { "" }
        )
    }
}
