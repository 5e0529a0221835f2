//! The violations of a comparison, each with the command that repeats its run.

use std::{fmt::Write as _, path::Path};

use elector_sim::{Cell, Summary, invariants::Violation};

use super::study::Study;

/// The maximum number of violations that are printed. An algorithm with a fault can have hundreds
/// of violations.
const MAX_PRINTED: usize = 20;

/// The first violation of one invariant in a cell, which has all runs of one variant in one
/// scenario with one cluster size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finding<'a> {
    /// The cell with the violation: all runs of one variant in one scenario at one size.
    pub(crate) cell: &'a Cell,
    /// The figures of the runs of `cell`, for example their number.
    pub(crate) summary: &'a Summary,
    /// The seed of the run with the violation.
    pub(crate) seed: u64,
    /// The violation that was found.
    pub(crate) violation: &'a Violation,
}

impl Finding<'_> {
    /// Returns a text that says which algorithm violates which invariant, and in which run.
    #[must_use]
    pub(crate) fn title(&self) -> String {
        let (cell, summary) = (self.cell, self.summary);
        format!(
            "{}/{} violates {} in {} with {}, seed {} ({} in {})",
            cell.algorithm,
            cell.variant,
            self.violation.invariant,
            cell.scenario,
            counted(cell.nodes, "node"),
            self.seed,
            counted(summary.violations as u64, "violation"),
            counted(summary.runs as u64, "run")
        )
    }

    /// Returns the command that repeats the run with the violation.
    #[must_use]
    pub(crate) fn replay(&self, study: &Study) -> String {
        let suspected = self.violation.needs_false_suspicions();
        study.replay_with(self.cell, self.seed, suspected)
    }
}

/// Returns a number followed by its noun, for example `2 runs`.
fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Returns the first violation of each invariant in each cell (all runs of one variant in one
/// scenario at one size), in the order of the cells.
pub(crate) fn findings(study: &Study) -> Vec<Finding<'_>> {
    let mut findings: Vec<Finding<'_>> = Vec::new();
    for (cell, summary) in study.cells.iter().zip(&study.summaries) {
        let start = findings.len();
        for run in &cell.outcomes {
            for violation in &run.violations {
                let mut known = findings.iter().skip(start);
                if known.any(|it| it.violation.invariant == violation.invariant) {
                    continue;
                }
                findings.push(Finding {
                    cell,
                    summary,
                    seed: run.seed,
                    violation,
                });
            }
        }
    }
    findings
}

/// Returns the violations as text, or an empty text if there are none. Only the first violation of
/// each invariant in each cell (the runs of one variant in one scenario at one size) is named.
/// `out` is the folder of the report, if there is one.
#[must_use]
pub(crate) fn text(study: &Study, out: Option<&Path>) -> String {
    let findings = findings(study);
    let mut text = String::new();
    for finding in findings.iter().take(MAX_PRINTED) {
        let _ = write!(
            text,
            "\n{}\n  {}\n  {}\n",
            finding.title(),
            finding.violation.detail,
            finding.replay(study)
        );
    }
    if let Some(more @ 1..) = findings.len().checked_sub(MAX_PRINTED) {
        let _ = match out {
            Some(out) => writeln!(
                text,
                "\n{more} more violations are listed in {}.",
                out.join("report.html").display()
            ),
            None => writeln!(text, "\n{more} more violations: add --out DIR for a list."),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{
        Cli,
        args::{Arguments, Command},
        lab::{
            args::{Command as LabCommand, Compare},
            comparison::Comparison,
            mutant::Credulous,
            simulate,
        },
    };

    fn command(arguments: &str) -> LabCommand {
        let arguments = std::iter::once("elector").chain(arguments.split(' '));
        match Arguments::try_parse_from(arguments).unwrap().command {
            Command::Lab(command) => command,
            other => unreachable!("{other:?} is no command of the lab"),
        }
    }

    fn compared(cli: &Cli, arguments: &str) -> Study {
        let LabCommand::Compare(options) = command(arguments) else {
            unreachable!("the command is compare")
        };
        let options: Compare = options;
        Study::run(Comparison::of(cli, &options).unwrap())
    }

    // A comparison runs each seed a second time, with false suspicions. If a violation occurs only
    // in this second run, the printed command must repeat it, too.
    #[test]
    fn each_finding_is_repeated_by_its_command() {
        let cli = Cli::standard().with::<Credulous>().started_by("elector");
        let lasting =
            "compare --algorithms credulous --scenarios minority-leader --nodes 5 --runs 5";
        let general =
            "compare --algorithms raft/plain --scenarios false-proofs --nodes 3 --runs 20";
        for (arguments, suspected) in [(lasting, true), (general, false)] {
            let study = compared(&cli, arguments);
            let findings = findings(&study);
            assert!(!findings.is_empty(), "{arguments}");
            for finding in &findings {
                let replay = finding.replay(&study);
                assert_eq!(
                    replay.ends_with(" --false-suspicions"),
                    suspected,
                    "{replay}"
                );
                let title = finding.title();
                assert!(title.contains(finding.violation.invariant), "{title}");
                assert!(title.contains(&format!("seed {}", finding.seed)), "{title}");
                let repeated = command(replay.strip_prefix("elector ").unwrap());
                let LabCommand::Simulate(options) = repeated else {
                    unreachable!("the command is simulate")
                };
                let (entry, scenario) = simulate::selected(&cli, &options).unwrap();
                let (outcome, _) = simulate::run(&entry.contestant, &scenario, &options).unwrap();
                let mut found = outcome.violations.iter();
                let found = found.any(|it| it.invariant == finding.violation.invariant);
                assert!(found, "{replay}: {:?}", outcome.violations);
            }
        }
    }

    // If the runs of a cell (one variant in one scenario at one size) violate several invariants,
    // the first violation of each must be named once. The count in each title must be the number of
    // all violations in the cell.
    #[test]
    fn each_invariant_of_a_cell_is_named_once() {
        let mut study = crate::lab::study::sample();
        for (run, invariant) in [(1, "stability"), (1, "agreement"), (2, "stability")] {
            study.cells[3].outcomes[run].violations.push(Violation {
                invariant,
                at_ns: 0,
                detail: "…".to_owned(),
            });
        }
        study.summaries[3] = study.cells[3].summary();
        let titles: Vec<String> = findings(&study).iter().map(Finding::title).collect();
        assert_eq!(
            titles,
            [
                "raft/plain violates stability in minority-leader with 5 nodes, seed 2 (3 \
                 violations in 3 runs)",
                "raft/plain violates agreement in minority-leader with 5 nodes, seed 2 (3 \
                 violations in 3 runs)",
            ]
        );
    }

    // A comparison with hundreds of violations must not fill the terminal, and the reader must see
    // where all of them are listed.
    #[test]
    fn a_long_list_is_cut_with_a_hint() {
        let mut study = crate::lab::study::sample();
        let clean = text(&study, None);
        assert_eq!(clean, "");
        use elector_core::invariants::Invariant;
        let invariants = Invariant::ALL.map(Invariant::name);
        for cell in &mut study.cells {
            for invariant in invariants {
                cell.outcomes[0].violations.push(Violation {
                    invariant,
                    at_ns: 0,
                    detail: "…".to_owned(),
                });
            }
        }
        let more = study.cells.len() * invariants.len() - MAX_PRINTED;
        let shown = text(&study, None);
        assert_eq!(
            shown.matches("\n  elector").count() + shown.matches("\n  cargo").count(),
            20
        );
        assert!(
            shown.contains(&format!("{more} more violations: add --out DIR")),
            "{shown}"
        );
        let shown = text(&study, Some(Path::new("out")));
        assert!(
            shown.contains("more violations are listed in out/report.html"),
            "{shown}"
        );
    }
}
