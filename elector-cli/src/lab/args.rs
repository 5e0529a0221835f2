mod check;

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use crate::args::within;
pub(crate) use check::Check;

/// The most nodes a simulated cluster may have: beyond it one run takes minutes and gigabytes.
const MOST_NODES: u64 = 10_000;
/// The most runs of one cell: every run is kept until the end.
const MOST_RUNS: u64 = 1_000_000;
/// The most threads.
const MOST_JOBS: usize = 1_024;

/// The subcommands that need no real cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run algorithms side by side under the same faults, and say what was seen
    Compare(Compare),
    /// Run one cluster once, and tell what happened: a timeline and a space-time diagram
    Simulate(Simulate),
    /// Search every order of events within bounds for a broken promise: the model checker
    Check(Check),
    /// List the scenarios; with a name, print that scenario's file, to copy and change
    #[command(
        display_order = 7,
        after_help = "\
Examples:
  elector scenarios
  elector scenarios minority-leader > mine.toml
  elector compare --scenario-file mine.toml
  elector scenarios random                              what random faults are made of"
    )]
    Scenarios {
        /// The scenario to print
        name: Option<String>,
    },
}

/// `elector compare`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  elector compare
  elector compare --algorithms raft,bully --nodes 5 --scenarios leader-crash,minority-leader
  elector compare --algorithms raft/plain --nodes 3,5,7,9,11 --runs 200
  elector compare --scenario-file mine.toml --format json
  elector compare --scenarios random --runs 2000
  elector compare --scenarios random:restart+transfer+late-message
  elector compare --out comparison && open comparison/report.html

Every run has a seed, and the same seed gives the same result, byte for byte, whatever --jobs is.
In `random` each seed draws which kinds of faults strike; a printed replay command names them.
Exit code: 0; 1 if an invariant was violated; 2 if the command could not be done.")]
pub(crate) struct Compare {
    /// Algorithms, as `raft` (all its variants) or `raft/plain` (one) [default: all]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) algorithms: Option<Vec<String>>,
    /// Cluster sizes
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "3,5,7",
        value_parser = nodes
    )]
    pub(crate) nodes: Vec<u64>,
    /// Built-in scenarios by name, or `random:KIND+…` for random faults of these kinds [default:
    /// all; with --scenario-file: none]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) scenarios: Option<Vec<String>>,
    /// A scenario of your own, as TOML; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario_file: Vec<PathBuf>,
    /// Runs of each algorithm in each scenario at each size
    #[arg(long, value_name = "RUNS", default_value = "200", value_parser = runs)]
    pub(crate) runs: u64,
    /// The seed of the first run; run k has seed SEED + k
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Threads [default: one per core]
    #[arg(long, value_name = "JOBS", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Write report.html, summary.csv, elections.csv and manifest.json into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

/// What `elector compare` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables to read; an overview where there are many rows
    Table,
    /// An array of objects, one per algorithm, size and scenario
    Json,
    /// The same rows, as CSV
    Csv,
}

/// `elector simulate`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  elector simulate --algorithm raft --scenario leader-crash
  elector simulate --algorithm bully --scenario minority-leader --nodes 5 --svg split.svg
  elector simulate --algorithm raft --variant plain --scenario churn --seed 42 --trace run.jsonl
  elector simulate --algorithm paxos --scenario random:crash+transfer+drift --seed 17

Exit code: 0; 1 if an invariant was violated; 2 if the command could not be done.")]
pub(crate) struct Simulate {
    /// The algorithm, as `raft` or `raft/plain`
    #[arg(long, value_name = "NAME")]
    pub(crate) algorithm: String,
    /// Its variant [default: its first]
    #[arg(long, value_name = "NAME")]
    pub(crate) variant: Option<String>,
    /// A built-in scenario, or `random:KIND+…`; `elector scenarios random` lists the kinds
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "scenario_file",
        conflicts_with = "scenario_file"
    )]
    pub(crate) scenario: Option<String>,
    /// A scenario of your own, as TOML
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario_file: Option<PathBuf>,
    /// The size of the cluster
    #[arg(long, value_name = "N", default_value = "5", value_parser = nodes)]
    pub(crate) nodes: u64,
    /// The seed: the same seed gives the same run
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Write what happened, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Draw the run as a space-time diagram
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Tell of every heartbeat too, not only how many there were
    #[arg(long)]
    pub(crate) heartbeats: bool,
    /// Tell nodes all the time, wrongly, that connections broke. Every run that is not shown has a
    /// second one like that beside it
    #[arg(long)]
    pub(crate) false_suspicions: bool,
}

fn nodes(text: &str) -> Result<u64, String> {
    within(text, MOST_NODES, "a cluster has at least 1 node")
}

fn runs(text: &str) -> Result<u64, String> {
    within(text, MOST_RUNS, "at least 1 run is needed to see anything")
}

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let jobs = within(text, MOST_JOBS as u64, "at least 1 thread is needed")?;
    let jobs = usize::try_from(jobs).ok().and_then(NonZeroUsize::new);
    jobs.ok_or_else(|| "at least 1 thread is needed".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{self, Arguments};

    fn compare(line: &str) -> Result<Compare, String> {
        let words = std::iter::once("elector").chain(line.split(' '));
        match Arguments::try_parse_from(words) {
            Ok(Arguments {
                command: args::Command::Lab(Command::Compare(compare)),
            }) => Ok(compare),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    // The main job must need no argument at all.
    #[test]
    fn compare_has_defaults_for_everything() {
        let compare = compare("compare").unwrap();
        assert_eq!(compare.nodes, [3, 5, 7]);
        assert_eq!((compare.algorithms, compare.scenarios), (None, None));
        assert_eq!((compare.seed, compare.format), (1, Format::Table));
    }

    // Lists are how everybody will write them, and one element is a list too.
    #[test]
    fn lists_are_split_at_commas() {
        let compare = compare("compare --algorithms raft,bully/plain --nodes 4").unwrap();
        assert_eq!(compare.algorithms.unwrap(), ["raft", "bully/plain"]);
        assert_eq!(compare.nodes, [4]);
    }

    // A wrong number must be told what a right one is.
    #[test]
    fn numbers_out_of_range_name_the_limit() {
        for (line, told) in [
            ("compare --nodes 0", "at least 1 node"),
            ("compare --nodes 10001", "the limit is 10000"),
            ("compare --nodes 99999999999999999999", "the limit is 10000"),
            ("compare --nodes 3,,5", "not a whole number"),
            ("compare --nodes -1", "unexpected argument"),
            ("compare --runs 0", "at least 1 run"),
            ("compare --runs 1000001", "the limit is 1000000"),
            ("compare --jobs 0", "at least 1 thread"),
            ("compare --jobs two", "not a whole number"),
        ] {
            let error = compare(line).unwrap_err();
            assert!(error.contains(told), "{line}: {error}");
        }
    }
}
