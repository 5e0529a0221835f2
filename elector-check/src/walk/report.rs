use std::fmt;

use elector_core::GuaranteeKind;

use crate::walk::{runner::Counts, schedule::Schedule, violation::Violation};

/// The result of [`Walks::run`](crate::Walks::run).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkReport {
    /// The name of the algorithm:
    /// [`ElectionAlgorithm::NAME`](elector_core::ElectionAlgorithm::NAME).
    pub algorithm: &'static str,
    /// What the algorithm guarantees.
    pub guarantee: GuaranteeKind,
    /// The number of walks that were done.
    pub walks: u64,
    /// The seed of the first walk.
    pub seed: u64,
    pub(crate) counts: Counts,
    /// The first walk that violated an invariant, with a schedule (its list of events) that is
    /// shrunk to the events that the violation needs; `None` if no walk violated one.
    pub finding: Option<Finding>,
}

/// The result of a random walk that violated an invariant, or of the replay of a schedule (a list
/// of events).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The path of the type of the algorithm.
    pub type_name: &'static str,
    /// The seed of the walk; `None` for the replay of a schedule.
    pub seed: Option<u64>,
    /// The size of the cluster.
    pub nodes: u64,
    /// The number of events before the schedule was shrunk, that is, before events that the
    /// violation does not need were removed.
    pub length: usize,
    /// The events that remain after the schedule was shrunk, with comments.
    pub schedule: Schedule,
    /// The violation; `None` if a replay violated nothing.
    pub violation: Option<Violation>,
}

impl WalkReport {
    /// Returns `true` if no walk violated an invariant.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.finding.is_none()
    }

    /// Returns the number of events in all walks and in the random continuations that walks try at
    /// some moments.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.counts.events
    }

    /// Returns the number of tenures (times in which one node leads one epoch) with a lease, in all
    /// walks. If it is zero, the walks tested nothing about leases.
    #[must_use]
    pub fn leases(&self) -> u64 {
        self.counts.leases
    }
}

impl Finding {
    /// Returns the schedule as the source text of a test that can be pasted beside the algorithm.
    /// The test needs an import of `Walks`, and a variable `config` with the configuration of the
    /// walk.
    #[must_use]
    pub fn as_test(&self) -> String {
        let invariant = self
            .violation
            .as_ref()
            .map_or("schedule", |it| it.invariant);
        let name = invariant.replace('-', "_");
        let seed = self
            .seed
            .map_or(String::new(), |seed| format!("_seed_{seed}"));
        let (algorithm, nodes) = (self.type_name, self.nodes);
        let schedule = self.schedule.to_string().replace('\n', "\n        ");
        format!(
            "#[test]\n\
             fn {name}{seed}() {{\n    \
                 let schedule = r#\"\n        {}\n    \"#;\n    \
                 let walks = Walks::<{algorithm}> {{\n        \
                     nodes: Some({nodes}),\n        \
                     ..Walks::new(config)\n    \
                 }};\n    \
                 let played = walks.replay(&schedule.parse().unwrap()).unwrap();\n    \
                 assert_eq!(played.violation, None, \"{{played}}\");\n\
             }}\n",
            schedule.trim_end()
        )
    }
}

impl fmt::Display for WalkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (algorithm, guarantee) = (self.algorithm, self.guarantee);
        let verdict = if self.is_clean() {
            "no invariant was violated"
        } else {
            "an invariant was violated"
        };
        writeln!(f, "{algorithm} ({guarantee}): {verdict}")?;
        let Counts {
            events,
            tenures,
            leases,
            crashes,
            commands,
        } = self.counts;
        let (walks, first) = (self.walks, self.seed);
        writeln!(
            f,
            "{walks} walks from seed {first}: {events} events, {tenures} tenures, {leases} of them \
             with a lease, {crashes} crashes, {commands} commands"
        )?;
        match &self.finding {
            Some(finding) => write!(f, "\n{finding}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(violation) = &self.violation {
            writeln!(f, "{violation}")?;
        }
        if let Some(seed) = self.seed {
            let (from, to) = (self.length, self.schedule.len());
            writeln!(f, "seed {seed}, shrunk from {from} events to {to}")?;
        }
        write!(f, "nodes: {}\n{}", self.nodes, self.schedule)
    }
}
