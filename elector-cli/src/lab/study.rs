use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use elector_sim::{Cell, Scenario, Summary, Sweep, SweepError};

use crate::lab::registry::Entry;

/// A comparison: its input and its results. Tables, files and the report use nothing else.
#[derive(Debug)]
pub(crate) struct Study {
    /// The command with which a shell starts this program.
    pub(crate) program: String,
    /// The compared variants.
    pub(crate) entries: Vec<Entry>,
    /// The sweep that produced the runs.
    pub(crate) sweep: Sweep,
    /// The paths of scenarios that came from files, by name.
    pub(crate) files: HashMap<String, PathBuf>,
    /// The runs, by cell.
    pub(crate) cells: Vec<Cell>,
    /// The figures of the cells, in the same order.
    pub(crate) summaries: Vec<Summary>,
}

/// The preferred scenario for costs: the loss of a leader.
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

    /// Returns the number of runs in all cells.
    #[must_use]
    pub(crate) fn runs(&self) -> usize {
        self.cells.iter().map(|cell| cell.outcomes.len()).sum()
    }

    /// Returns the number of violations in all runs.
    #[must_use]
    pub(crate) fn violations(&self) -> usize {
        self.summaries
            .iter()
            .map(|summary| summary.violations)
            .sum()
    }

    /// Returns the cluster sizes in ascending order.
    #[must_use]
    pub(crate) fn sizes(&self) -> Vec<u64> {
        let mut sizes = self.sweep.nodes.clone();
        sizes.sort_unstable();
        sizes
    }

    /// Returns the middle one of the sizes, for tables that show only one size.
    #[must_use]
    pub(crate) fn middle(&self) -> u64 {
        let sizes = self.sizes();
        sizes.get(sizes.len() / 2).copied().unwrap_or(0)
    }

    /// Returns the scenario for which costs are shown: the crash of the leader, or else the first
    /// one.
    #[must_use]
    pub(crate) fn reference(&self) -> &str {
        let scenarios = &self.sweep.scenarios;
        let crash = scenarios.iter().find(|scenario| scenario.name == CRASH);
        let chosen = crash.or_else(|| scenarios.first());
        chosen.map_or("", |scenario| &scenario.name)
    }

    /// Returns the cell of this variant, scenario and size, if it was run.
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

    /// Returns all cells of this variant.
    pub(crate) fn of<'a>(&'a self, entry: &Entry) -> impl Iterator<Item = (&'a Cell, &'a Summary)> {
        let algorithm = entry.contestant.algorithm;
        let variant = entry.contestant.variant.clone();
        let cells = self.cells.iter().zip(&self.summaries);
        cells.filter(move |(cell, _)| cell.algorithm == algorithm && cell.variant == variant)
    }

    /// Returns the scenario with this name.
    #[must_use]
    pub(crate) fn scenario(&self, name: &str) -> Option<&Scenario> {
        self.sweep
            .scenarios
            .iter()
            .find(|scenario| scenario.name == name)
    }

    /// Returns the command that repeats one run of a cell.
    #[must_use]
    pub(crate) fn replay(&self, cell: &Cell, seed: u64) -> String {
        let name = Scenario::name_at_seed(&cell.scenario, seed);
        let file = self.files.get(&cell.scenario).map(PathBuf::as_path);
        let scenario = scenario_option(&name, file);
        format!(
            "{} simulate --algorithm {} --variant {} {scenario} --nodes {} --seed {seed}",
            self.program, cell.algorithm, cell.variant, cell.nodes
        )
    }
}

/// Returns the option that selects a scenario: by its file, or else by its name.
#[must_use]
pub(crate) fn scenario_option(name: &str, file: Option<&Path>) -> String {
    match file {
        Some(path) => format!("--scenario-file {}", quoted(&path.display().to_string())),
        None => format!("--scenario {name}"),
    }
}

/// Quotes a word so that a shell takes it as one word.
#[must_use]
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,:=+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Runs a small comparison for tests: one algorithm of each guarantee, two sizes, with and without
/// a cut network.
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

    // Tables and charts about one scenario must use the scenario with which all others are
    // compared.
    #[test]
    fn the_crash_of_the_leader_is_the_reference() {
        let mut study = sample();
        assert_eq!((study.reference(), study.middle()), ("leader-crash", 5));
        study.sweep.scenarios.remove(0);
        assert_eq!(study.reference(), "minority-leader");
    }

    // A printed command must work when it is pasted into a shell, for every file name.
    #[test]
    fn words_are_quoted_when_a_shell_would_split_them() {
        assert_eq!(quoted("runs/mine.toml"), "runs/mine.toml");
        assert_eq!(quoted("my runs.toml"), "'my runs.toml'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
