mod check;
mod merge;
mod verify;

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use elector_sim::Shard;

use crate::args::within;
pub(crate) use check::Check;
pub(crate) use merge::Merge;
pub(crate) use verify::{RunWhen, Verify};

/// The maximum number of nodes of a simulated cluster. A run with more takes minutes and gigabytes.
pub(crate) const MAX_NODES: u64 = 10_000;
/// The maximum number of runs of one variant in one scenario with one number of nodes. The outcome
/// of every run stays in memory until the end of the comparison.
pub(crate) const MAX_RUNS: u64 = 1_000_000;
/// The maximum value of `--jobs`, which is the number of threads.
const MAX_JOBS: usize = 1_024;

/// The subcommands that need no real cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compare algorithms under the same faults: cost, time without a leader, split brain
    Compare(Compare),
    /// Run a comparison again from its folder, and say which files are the same
    Verify(Verify),
    /// Make one comparison of the shards that several machines have run
    Merge(Merge),
    /// Simulate one cluster once and print what happened: a timeline, and a space-time diagram
    Simulate(Simulate),
    /// Search every order of events within bounds for a violation: the model checker
    Check(Check),
    /// List the scenarios; with NAME, print the file of that scenario, to copy and change
    #[command(
        display_order = 7,
        after_help = "\
Examples:
  elector scenarios
  elector scenarios minority-leader > mine.toml
  elector compare --scenario-file mine.toml
  elector scenarios random                              the kinds of random faults"
    )]
    Scenarios {
        /// The scenario to print
        name: Option<String>,
    },
}

/// The arguments of `elector compare`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  elector compare
  elector compare --algorithms raft,bully --nodes 5 --scenarios leader-crash,minority-leader
  elector compare --algorithms raft/plain --nodes 3,5,7,9,11 --runs 200
  elector compare --scenario-file mine.toml --format json
  elector compare --scenarios members                   changes of the members
  elector compare --scenarios random --runs 2000
  elector compare --scenarios random:restart+transfer+late-message
  elector compare --out comparison && open comparison/report.html
  elector compare --shard 3/16 --out part-3             one of 16 machines; then elector merge

Every run has a seed. The same seed gives the same result, byte for byte, for every value of --jobs.
In `random`, each seed draws the kinds of faults that occur; a printed replay command names them.
Exit code: 0 success; 1 an invariant was violated; 2 the command could not be carried out.")]
pub(crate) struct Compare {
    /// Algorithms: `raft` for all its variants, `raft/plain` for one of them [default: all]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) algorithms: Option<Vec<String>>,
    /// Cluster sizes: the numbers of nodes
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "3,5,7",
        value_parser = nodes
    )]
    pub(crate) nodes: Vec<u64>,
    /// Built-in scenarios by name, `members` for all that change the members, or `random:KIND+…`
    /// for random faults of these kinds [default: all that do not change the members; with
    /// --scenario-file: none]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) scenarios: Option<Vec<String>>,
    /// A TOML file with your own scenario; can be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario_file: Vec<PathBuf>,
    /// Number of runs of each algorithm in each scenario at each size
    #[arg(long, value_name = "RUNS", default_value = "200", value_parser = runs)]
    pub(crate) runs: u64,
    /// Seed of the first run; run k has the seed SEED + k
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Number of threads [default: one per core]
    #[arg(long, value_name = "JOBS", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Folder for report.html, summary.csv, elections.csv and manifest.json
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Run only one of several parts, for example the third of 16; `elector merge` makes one
    /// comparison of all parts
    #[arg(
        long,
        value_name = "NUMBER/COUNT",
        value_parser = merge::shard,
        requires = "out",
        conflicts_with = "format"
    )]
    pub(crate) shard: Option<Shard>,
    /// Format of the output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

/// The output format of `elector compare` and `elector merge`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables for people; an overview if there are many rows
    Table,
    /// A JSON array with one object per algorithm, size and scenario
    Json,
    /// CSV with one row per algorithm, size and scenario
    Csv,
}

/// The arguments of `elector simulate`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  elector simulate --algorithm raft --scenario leader-crash
  elector simulate --algorithm bully --scenario minority-leader --nodes 5 --svg split.svg
  elector simulate --algorithm raft --variant plain --scenario churn --seed 42 --trace run.jsonl
  elector simulate --algorithm paxos --scenario random:crash+transfer+drift --seed 17

Exit code: 0 success; 1 an invariant was violated; 2 the command could not be carried out.")]
pub(crate) struct Simulate {
    /// Algorithm: `raft` or `raft/plain`
    #[arg(long, value_name = "NAME")]
    pub(crate) algorithm: String,
    /// Variant of the algorithm [default: the first one]
    #[arg(long, value_name = "NAME")]
    pub(crate) variant: Option<String>,
    /// Built-in scenario, or `random:KIND+…`; `elector scenarios random` lists the kinds
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "scenario_file",
        conflicts_with = "scenario_file"
    )]
    pub(crate) scenario: Option<String>,
    /// A TOML file with your own scenario
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario_file: Option<PathBuf>,
    /// Number of nodes
    #[arg(long, value_name = "N", default_value = "5", value_parser = nodes)]
    pub(crate) nodes: u64,
    /// Seed of the run; the same seed gives the same run
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Write all events into this file, one JSON object per line
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Draw the run into this file, as a space-time diagram
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Show every heartbeat instead of their number
    #[arg(long)]
    pub(crate) heartbeats: bool,
    /// Give nodes false suspicions all the time: wrong reports that a peer has failed. `elector
    /// compare` does this in a second run of each seed
    #[arg(long)]
    pub(crate) false_suspicions: bool,
}

fn nodes(text: &str) -> Result<u64, String> {
    within(text, MAX_NODES, "a cluster needs at least 1 node")
}

fn runs(text: &str) -> Result<u64, String> {
    within(text, MAX_RUNS, "at least 1 run is needed")
}

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let jobs = within(text, MAX_JOBS as u64, "at least 1 thread is needed")?;
    let jobs = usize::try_from(jobs).ok().and_then(NonZeroUsize::new);
    jobs.ok_or_else(|| "at least 1 thread is needed".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{self, Arguments};

    fn compare(arguments: &str) -> Result<Compare, String> {
        let arguments = std::iter::once("elector").chain(arguments.split(' '));
        match Arguments::try_parse_from(arguments) {
            Ok(Arguments {
                command: args::Command::Lab(Command::Compare(compare)),
            }) => Ok(compare),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    // The most important command must work without any argument.
    #[test]
    fn compare_has_defaults_for_everything() {
        let compare = compare("compare").unwrap();
        assert_eq!(compare.nodes, [3, 5, 7]);
        assert_eq!((compare.algorithms, compare.scenarios), (None, None));
        assert_eq!((compare.seed, compare.format), (1, Format::Table));
    }

    // Users write lists with commas. A list may have one element.
    #[test]
    fn lists_are_split_at_commas() {
        let compare = compare("compare --algorithms raft,bully/plain --nodes 4").unwrap();
        assert_eq!(compare.algorithms.unwrap(), ["raft", "bully/plain"]);
        assert_eq!(compare.nodes, [4]);
    }

    // The error for a wrong number must say which numbers are valid.
    #[test]
    fn numbers_out_of_range_name_the_limit() {
        for (arguments, reason) in [
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
            let error = compare(arguments).unwrap_err();
            assert!(error.contains(reason), "{arguments}: {error}");
        }
    }
}
