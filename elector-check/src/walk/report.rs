use std::fmt;

use elector_core::GuaranteeKind;

use crate::walk::{broken::Broken, schedule::Schedule, trial::Counts};

/// What walks have found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkReport {
    /// [`ElectionAlgorithm::NAME`](elector_core::ElectionAlgorithm::NAME).
    pub algorithm: &'static str,
    /// What the algorithm promises.
    pub guarantee: GuaranteeKind,
    /// How many walks were done.
    pub walks: u64,
    /// The seed of the first.
    pub seed: u64,
    pub(crate) counts: Counts,
    /// The first walk that broke a promise, shrunk.
    pub finding: Option<Finding>,
}

/// A walk that broke a promise, or a schedule that was played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The type of the algorithm, by its path.
    pub type_name: &'static str,
    /// The seed of the walk; `None` for a schedule.
    pub seed: Option<u64>,
    /// The size of its cluster.
    pub nodes: u64,
    /// How many events there were before the schedule was shrunk.
    pub length: usize,
    /// What is left of them, with comments.
    pub schedule: Schedule,
    /// What was broken; `None` if a schedule broke nothing.
    pub broken: Option<Broken>,
}

impl WalkReport {
    /// Returns `true` if no walk broke a promise.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.finding.is_none()
    }

    /// How many events there were in all walks.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.counts.events
    }

    /// How many tenures had a lease, in all walks: without any, nothing was tried.
    #[must_use]
    pub fn leases(&self) -> u64 {
        self.counts.leases
    }
}

impl Finding {
    /// The schedule as a test, to be pasted beside the algorithm. `config` is the configuration
    /// that was walked; `Walks` is to be imported.
    #[must_use]
    pub fn as_test(&self) -> String {
        let promise = self.broken.as_ref().map_or("schedule", |it| it.promise);
        let name = promise.replace('-', "_");
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
                 assert_eq!(played.broken, None, \"{{played}}\");\n\
             }}\n",
            schedule.trim_end()
        )
    }
}

impl fmt::Display for WalkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (algorithm, guarantee) = (self.algorithm, self.guarantee);
        let verdict = if self.is_clean() {
            "no promise was broken"
        } else {
            "a promise was broken"
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
        if let Some(broken) = &self.broken {
            writeln!(f, "{broken}")?;
        }
        if let Some(seed) = self.seed {
            let (from, to) = (self.length, self.schedule.len());
            writeln!(f, "seed {seed}, shrunk from {from} events to {to}")?;
        }
        write!(f, "nodes: {}\n{}", self.nodes, self.schedule)
    }
}
