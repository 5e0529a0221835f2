use std::path::Path;

use elector_sim::{Cell, Outcome, Scenario, Summary, Sweep};

use crate::lab::{
    command::{scenario_option, simulation},
    comparison::{Comparison, OwnScenario},
    registry::Entry,
};

/// A comparison after it was run: its input and its results. Tables, files and the report use no
/// other data.
#[derive(Debug)]
pub(crate) struct Study {
    /// The words with which a shell starts this program, for example `elector`.
    pub(crate) program: String,
    /// The command line that repeats the comparison.
    pub(crate) command: String,
    /// The variants of algorithms that were compared.
    pub(crate) entries: Vec<Entry>,
    /// The sweep that has produced the runs: their variants, scenarios, cluster sizes and seeds.
    pub(crate) sweep: Sweep,
    /// The scenarios from files of the user.
    pub(crate) own: Vec<OwnScenario>,
    /// The outcomes of the runs. Each cell has the runs of one variant in one scenario with one
    /// cluster size.
    pub(crate) cells: Vec<Cell>,
    /// The figures of each cell (the runs of one variant in one scenario with one cluster size), in
    /// the order of `cells`.
    pub(crate) summaries: Vec<Summary>,
}

/// The name of the scenario in which the leader crashes. If it was run, tables and charts show how
/// many messages and how much time an election takes in this scenario.
const CRASH: &str = "leader-crash";

impl Study {
    /// Does all runs of a comparison. Only tests use this method.
    #[cfg(test)]
    pub(crate) fn run(comparison: Comparison) -> Self {
        let cells = comparison.sweep.run(&|_, _| {}).unwrap();
        Self::new(comparison, cells)
    }

    /// Returns the study (the input and the results) of a comparison, of which all runs are done:
    /// `cells` has their outcomes.
    pub(crate) fn new(comparison: Comparison, cells: Vec<Cell>) -> Self {
        let summaries = cells.iter().map(Cell::summary).collect();
        Self {
            program: comparison.program,
            command: comparison.command,
            entries: comparison.entries,
            sweep: comparison.sweep,
            own: comparison.own,
            cells,
            summaries,
        }
    }

    /// Returns the number of runs in the whole comparison.
    #[must_use]
    pub(crate) fn runs(&self) -> usize {
        self.cells.iter().map(|cell| cell.outcomes.len()).sum()
    }

    /// Returns the number of violations of invariants in all runs together.
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

    /// Returns the middle one of the cluster sizes, for tables that show only one size.
    #[must_use]
    pub(crate) fn middle(&self) -> u64 {
        let sizes = self.sizes();
        sizes.get(sizes.len() / 2).copied().unwrap_or(0)
    }

    /// Returns the name of the scenario for which the costs of an election (messages and time) are
    /// shown: the crash of the leader if it was run, or else the first scenario.
    #[must_use]
    pub(crate) fn reference(&self) -> &str {
        let scenarios = &self.sweep.scenarios;
        let crash = scenarios.iter().find(|scenario| scenario.name == CRASH);
        let chosen = crash.or_else(|| scenarios.first());
        chosen.map_or("", |scenario| &scenario.name)
    }

    /// Returns the runs and the figures (a cell) of this variant in this scenario with this number
    /// of nodes. Returns `None` if it was not run.
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

    /// Returns `true` if the variant was not run in this scenario, because the scenario changes the
    /// members and the members of the variant are fixed.
    #[must_use]
    pub(crate) fn is_skipped(&self, entry: &Entry, scenario: &str) -> bool {
        let scenario = self.scenario(scenario);
        scenario.is_some_and(|scenario| !entry.contestant.can_run(scenario))
    }

    /// Returns the runs and the figures of this variant: one cell for each scenario and cluster
    /// size.
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

    /// Returns the command that repeats one run of a cell (the runs of one variant in one scenario
    /// at one size). If the violations of the run occurred only with false suspicions (wrong
    /// reports that a peer has failed), the command adds false suspicions to the run, too.
    #[must_use]
    pub(crate) fn replay(&self, cell: &Cell, seed: u64) -> String {
        let mut runs = cell.outcomes.iter();
        let run = runs.find(|run| run.seed == seed);
        let suspected = run.is_some_and(Outcome::fails_only_with_false_suspicions);
        self.replay_with(cell, seed, suspected)
    }

    /// Returns the command that repeats one run of a cell (the runs of one variant in one scenario
    /// at one size), with or without false suspicions (wrong reports that a peer has failed).
    #[must_use]
    pub(crate) fn replay_with(&self, cell: &Cell, seed: u64, false_suspicions: bool) -> String {
        let name = Scenario::name_at_seed(&cell.scenario, seed);
        let mut own = self.own.iter();
        let own = own.find(|own| own.name == cell.scenario);
        let scenario = scenario_option(&name, own.map(|own| Path::new(&own.path)));
        let arguments = simulation(
            cell.algorithm,
            &cell.variant,
            &scenario,
            cell.nodes,
            seed,
            false_suspicions,
        );
        format!("{} {arguments}", self.program)
    }
}

/// Runs a small comparison for tests: one algorithm of each guarantee, two cluster sizes, with and
/// without a cut network.
#[cfg(test)]
pub(crate) fn sample() -> Study {
    Study::run(sample_comparison())
}

/// Returns the comparison that [`sample`] runs.
#[cfg(test)]
pub(crate) fn sample_comparison() -> Comparison {
    let names = ["raft/plain".to_owned(), "bully/preempt".to_owned()];
    let cli = crate::Cli::standard();
    let entries = crate::lab::registry::selected(&cli.families, Some(&names)).unwrap();
    let scenarios = ["leader-crash", "minority-leader"].map(|name| Scenario::named(name).unwrap());
    let sweep = Sweep {
        contestants: crate::lab::comparison::contestants(&entries),
        nodes: vec![3, 5],
        scenarios: scenarios.to_vec(),
        runs: 3,
        seed: 1,
        jobs: None,
        always_twice: false,
    };
    Comparison {
        command: crate::lab::command::normalised(&cli, &entries, &sweep, &[]).unwrap(),
        program: cli.program,
        entries,
        sweep,
        own: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Tables and charts that show one scenario must show a crash of the leader, if it was run.
    #[test]
    fn the_crash_of_the_leader_is_the_reference() {
        let mut study = sample();
        assert_eq!((study.reference(), study.middle()), ("leader-crash", 5));
        study.sweep.scenarios.remove(0);
        assert_eq!(study.reference(), "minority-leader");
    }
}
