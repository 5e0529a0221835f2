use elector_core::GuaranteeKind;

use crate::{Outcome, Scenario, Summary};

/// All runs of one contestant (an algorithm in one configuration) in one scenario at one cluster
/// size.
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
    /// The outcomes of the runs, in the order of their seeds.
    pub outcomes: Vec<Outcome>,
}

impl Cell {
    /// Returns the figures of this cell.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::of(self)
    }

    /// Returns the worst run. A run with violations is worse than a run without. Among the runs
    /// with violations, and among those without, a run whose nodes do not agree on a leader at the
    /// end is worse. After that, more split-brain time is worse (two or more nodes believe that
    /// they lead), and then more leaderless time (no node believes that it leads). Returns `None`
    /// if there is no run.
    #[must_use]
    pub fn worst(&self) -> Option<&Outcome> {
        // `max_by_key` returns the last one of several equal runs. With `rev` this is the run with
        // the smallest seed.
        self.outcomes.iter().rev().max_by_key(|outcome| {
            let times = outcome.times;
            let wrong = (!outcome.violations.is_empty(), !outcome.elected);
            (wrong, times.split_brain_ns, times.leaderless_ns)
        })
    }

    /// Returns the arguments of the command `elector` that replay the run of this seed. If the run
    /// violated invariants only with false suspicions, the replay has false suspicions too.
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
