use std::{collections::HashMap, path::PathBuf};

use elector_sim::{Cell, Scenario, Summary, Sweep, SweepError};

use crate::lab::registry::Entry;

/// A comparison: what was compared, and what came of it. Tables, files and the report are made
/// from it and nothing else.
#[derive(Debug)]
pub(crate) struct Study {
    /// How a shell starts this program.
    pub(crate) program: String,
    /// Who took part.
    pub(crate) entries: Vec<Entry>,
    /// The sweep that was run.
    pub(crate) sweep: Sweep,
    /// Scenarios that came from files, by name.
    pub(crate) files: HashMap<String, PathBuf>,
    /// The runs.
    pub(crate) cells: Vec<Cell>,
    /// Their figures, in the same order.
    pub(crate) summaries: Vec<Summary>,
}

/// The scenario that comparisons begin with: the plain loss of a leader.
const CRASH: &str = "leader-crash";

impl Study {
    /// Runs the sweep.
    ///
    /// # Errors
    /// As [`Sweep::run`].
    pub(crate) fn run(
        program: String,
        entries: Vec<Entry>,
        sweep: Sweep,
        files: HashMap<String, PathBuf>,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Self, SweepError> {
        let cells = sweep.run(progress)?;
        let summaries = cells.iter().map(Cell::summary).collect();
        Ok(Self {
            program,
            entries,
            sweep,
            files,
            cells,
            summaries,
        })
    }

    /// All runs of all cells.
    #[must_use]
    pub(crate) fn runs(&self) -> usize {
        self.cells.iter().map(|cell| cell.outcomes.len()).sum()
    }

    /// Violated invariants, in all runs.
    #[must_use]
    pub(crate) fn violations(&self) -> usize {
        self.summaries
            .iter()
            .map(|summary| summary.violations)
            .sum()
    }

    /// The cluster sizes, in ascending order.
    #[must_use]
    pub(crate) fn sizes(&self) -> Vec<u64> {
        let mut sizes = self.sweep.nodes.clone();
        sizes.sort_unstable();
        sizes
    }

    /// The size that single tables show: the middle one.
    #[must_use]
    pub(crate) fn middle(&self) -> u64 {
        let sizes = self.sizes();
        sizes.get(sizes.len() / 2).copied().unwrap_or(0)
    }

    /// The scenario that costs are shown for: the crash of the leader, or else the first.
    #[must_use]
    pub(crate) fn reference(&self) -> &str {
        let scenarios = &self.sweep.scenarios;
        let crash = scenarios.iter().find(|scenario| scenario.name == CRASH);
        let chosen = crash.or_else(|| scenarios.first());
        chosen.map_or("", |scenario| &scenario.name)
    }

    /// The cell of this variant, if it was run.
    #[must_use]
    pub(crate) fn cell(
        &self,
        entry: &Entry,
        scenario: &str,
        nodes: u64,
    ) -> Option<(&Cell, &Summary)> {
        let mut of_entry = self.of(entry);
        of_entry.find(|(cell, _)| cell.scenario == scenario && cell.nodes == nodes)
    }

    /// All cells of this variant.
    pub(crate) fn of<'a>(&'a self, entry: &Entry) -> impl Iterator<Item = (&'a Cell, &'a Summary)> {
        let algorithm = entry.contestant.algorithm;
        let variant = entry.contestant.variant.clone();
        let cells = self.cells.iter().zip(&self.summaries);
        cells.filter(move |(cell, _)| cell.algorithm == algorithm && cell.variant == variant)
    }

    /// The scenario of this name.
    #[must_use]
    pub(crate) fn scenario(&self, name: &str) -> Option<&Scenario> {
        self.sweep
            .scenarios
            .iter()
            .find(|scenario| scenario.name == name)
    }

    /// The command that replays one run of a cell.
    #[must_use]
    pub(crate) fn replay(&self, cell: &Cell, seed: u64) -> String {
        let file = self.files.get(&cell.scenario);
        let scenario = file.map_or_else(
            || {
                format!(
                    "--scenario {}",
                    Scenario::name_at_seed(&cell.scenario, seed)
                )
            },
            |path| format!("--scenario-file {}", quoted(&path.display().to_string())),
        );
        format!(
            "{} simulate --algorithm {} --variant {} {scenario} --nodes {} --seed {seed}",
            self.program, cell.algorithm, cell.variant, cell.nodes
        )
    }
}

/// As a shell takes it for one word.
#[must_use]
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,:=+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A small comparison for tests: one algorithm of each guarantee, two sizes, with and without a
/// cut network.
#[cfg(test)]
pub(crate) fn sample() -> Study {
    let names = ["raft/plain".to_owned(), "bully/preempt".to_owned()];
    let cli = crate::Cli::standard();
    let entries = crate::lab::registry::selected(&cli.families, Some(&names)).unwrap();
    let scenarios = ["leader-crash", "minority-leader"].map(|name| Scenario::named(name).unwrap());
    let sweep = Sweep {
        contestants: entries
            .iter()
            .map(|entry| entry.contestant.clone())
            .collect(),
        nodes: vec![3, 5],
        scenarios: scenarios.to_vec(),
        runs: 3,
        seed: 1,
        jobs: None,
        always_twice: false,
    };
    Study::run(cli.program, entries, sweep, HashMap::new(), &|_, _| {}).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Tables and charts about one scenario must pick the one that all others are compared with.
    #[test]
    fn the_crash_of_the_leader_is_the_reference() {
        let mut study = sample();
        assert_eq!((study.reference(), study.middle()), ("leader-crash", 5));
        study.sweep.scenarios.remove(0);
        assert_eq!(study.reference(), "minority-leader");
    }

    // A printed command must do what it says when it is pasted, whatever a file is called.
    #[test]
    fn words_are_quoted_when_a_shell_would_split_them() {
        assert_eq!(quoted("runs/mine.toml"), "runs/mine.toml");
        assert_eq!(quoted("my runs.toml"), "'my runs.toml'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
