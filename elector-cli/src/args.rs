use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

#[cfg(target_os = "linux")]
use crate::node::{Members, NodeArguments, RunArguments};
use crate::{certs::Certs, client};

/// The most nodes a simulated cluster may have: beyond it one run takes minutes and gigabytes.
pub(crate) const MOST_NODES: u64 = 10_000;
/// The most runs of one cell: every run is kept until the end.
pub(crate) const MOST_RUNS: u64 = 1_000_000;
/// The most nodes a cluster may have whose every order of events is tried.
pub(crate) const MOST_CHECKED: u64 = 9;
/// The most random walks of one check: beyond it they take months.
pub(crate) const MOST_WALKS: u64 = 1_000_000_000_000;
/// The most threads.
pub(crate) const MOST_JOBS: usize = 1_024;

/// The arguments of the `elector` command.
#[derive(Debug, Parser)]
#[command(
    name = "elector",
    version,
    about = "Leader election, compared: which algorithm holds what it promises, at what cost",
    after_help = "\
Begin with:
  elector compare                                       every algorithm in every scenario
  elector simulate --algorithm raft --scenario leader-crash --svg run.svg
  elector algorithms                                    what there is, and what it promises
  elector scenarios                                     what can go wrong
  elector check --algorithm raft --nodes 2              every order of events, within bounds
  elector status                                        who leads, asked of a node that runs

Exit code: 0 all went well; 1 an invariant was violated; 2 the command could not be done. Commands
that ask a node have their own: `elector status --help`."
)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run algorithms side by side under the same faults, and say what was seen
    Compare(Compare),
    /// Run one cluster once, and tell what happened: a timeline and a space-time diagram
    Simulate(Simulate),
    /// Search every order of events within bounds for a broken promise: the model checker
    Check(Check),
    /// Run a node of a real cluster
    #[cfg(target_os = "linux")]
    Node(Box<NodeArguments>),
    /// Run a node, and a command of any kind while that node leads
    #[cfg(target_os = "linux")]
    Run(Box<RunArguments>),
    /// Show and change the list of nodes of a cluster whose nodes are stopped
    #[cfg(target_os = "linux")]
    Members {
        /// Which
        #[command(subcommand)]
        command: Members,
    },
    /// List the algorithms and their variants, and what each promises
    Algorithms,
    /// List the scenarios; with a name, print that scenario's file, to copy and change
    #[command(after_help = "\
Examples:
  elector scenarios
  elector scenarios minority-leader > mine.toml
  elector compare --scenario-file mine.toml
  elector scenarios random                              what random faults are made of")]
    Scenarios {
        /// The scenario to print
        name: Option<String>,
    },
    /// Make certificates, so that nodes know each other
    Certs {
        /// Which
        #[command(subcommand)]
        command: Certs,
    },
    /// Ask a node who leads
    Status(client::Status),
    /// Follow what happens to a node, one line an event
    Watch(client::Watch),
    /// Tell a node to give its leadership back
    StepDown(client::StepDown),
    /// Tell a node to hand its leadership to another
    Transfer(client::Transfer),
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

/// The options of a search that walks and schedules have no use for.
const OF_SEARCH: [&str; 9] = [
    "max_epoch",
    "ticks",
    "led",
    "timeouts",
    "crashes",
    "suspicions",
    "commands",
    "late",
    "states",
];

/// `elector check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  elector check --algorithm raft --nodes 2 --crashes 1
  elector check --algorithm paxos --nodes 3 --max-epoch 1 --timeouts 2 --crashes 1
  elector check --algorithm bully --nodes 3 --timeouts 2 --crashes 0
  elector check --algorithm raft/plain --ticks 4 --led --timeouts 3 --late 0
  elector check --algorithm raft --walks 100000
  elector check --algorithm raft --walks 1 --seed 17
  elector check --algorithm raft --schedule found.txt

Without --ticks there is no time: every timer may elapse at once. With it, a heartbeat and a round
trip take a tick, a lease two, and an election timeout three to four; timers may be late and messages
take any time. Then leases are checked, too: no two nodes hold one at the same time.

The report says whether the search was exhaustive within the bounds, or was cut short.

With --walks the cluster is followed on random walks instead, in the algorithm's own durations: each
message is prompt, late, lost or repeated, writes end one by one, nodes restart, clocks run fast or
slow. The first walk that breaks a promise is shrunk, and printed as a schedule and as a test.
Exit code: 0 no promise was broken; 1 one was; 2 the command could not be done.")]
pub(crate) struct Check {
    /// The algorithm, as `raft` or `raft/plain`
    #[arg(long, value_name = "NAME")]
    pub(crate) algorithm: String,
    /// Its variant [default: its first]
    #[arg(long, value_name = "NAME")]
    pub(crate) variant: Option<String>,
    /// The size of the cluster [default: 3; with --walks: 2 to 5, drawn for each walk]
    #[arg(long, value_name = "N", value_parser = few)]
    pub(crate) nodes: Option<u64>,
    /// Follow so many random walks, in place of the search
    #[arg(long, value_name = "COUNT", value_parser = walks, conflicts_with_all = OF_SEARCH)]
    pub(crate) walks: Option<u64>,
    /// The seed of the first walk; walk k has seed SEED + k
    #[arg(long, value_name = "SEED", default_value_t = 1, requires = "walks")]
    pub(crate) seed: u64,
    /// Threads of the walks [default: one per core]
    #[arg(long, value_name = "JOBS", value_parser = jobs, requires = "walks")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Play a schedule that a walk has printed, and say what each event shows
    #[arg(long, value_name = "FILE", conflicts_with_all = OF_SEARCH, conflicts_with = "walks")]
    pub(crate) schedule: Option<PathBuf>,
    /// The highest epoch that is followed
    #[arg(long, value_name = "EPOCH", default_value_t = 2)]
    pub(crate) max_epoch: u64,
    /// How many ticks of discrete time a run has [default: no time]
    #[arg(long, value_name = "COUNT")]
    pub(crate) ticks: Option<u32>,
    /// Begin where all nodes agree on a first leader, not with their start; bounds count from there
    #[arg(long)]
    pub(crate) led: bool,
    /// How many timeouts there are in a run, in all nodes together [default: 4; with --ticks:
    /// unbounded]
    #[arg(long, value_name = "COUNT")]
    pub(crate) timeouts: Option<u32>,
    /// How many crashes
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub(crate) crashes: u32,
    /// How many hints that a peer is gone, given while it is down
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub(crate) suspicions: u32,
    /// Hints may be wrong: they are given while the peer runs, too (leases may overlap then)
    #[arg(long)]
    pub(crate) false_hints: bool,
    /// How many commands of the application
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub(crate) commands: u32,
    /// How many messages may arrive in a later tick than they were sent in; the others arrive
    /// within their tick or are lost [default: unbounded]
    #[arg(long, value_name = "COUNT", requires = "ticks")]
    pub(crate) late: Option<u32>,
    /// Deliver every message at most once
    #[arg(long)]
    pub(crate) once: bool,
    /// Stop after so many different states; a million takes about a tenth of a gigabyte
    #[arg(long, value_name = "COUNT", default_value_t = 2_000_000)]
    pub(crate) states: usize,
}

fn walks(text: &str) -> Result<u64, String> {
    within(
        text,
        MOST_WALKS,
        "at least 1 walk is needed to see anything",
    )
}

fn few(text: &str) -> Result<u64, String> {
    within(text, MOST_CHECKED, "a cluster has at least 1 node")
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

pub(crate) fn within(text: &str, most: u64, none: &str) -> Result<u64, String> {
    let wrong = || format!("not a whole number from 1 to {most}");
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    // Digits that do not fit are a number beyond every limit.
    match text.parse::<u64>().unwrap_or(u64::MAX) {
        0 => Err(none.to_owned()),
        value if value > most => Err(format!("the limit is {most}")),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn compare(line: &str) -> Result<Compare, String> {
        let words = std::iter::once("elector").chain(line.split(' '));
        match Arguments::try_parse_from(words) {
            Ok(Arguments {
                command: Command::Compare(compare),
            }) => Ok(compare),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    // clap checks its own rules (names that clash, defaults that do not parse) only when asked.
    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
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
