use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args;

use super::jobs;
use crate::args::within;

/// The most nodes a cluster may have whose every order of events is tried.
const MOST_CHECKED: u64 = 9;
/// The most random walks of one check: beyond it they take months.
const MOST_WALKS: u64 = 1_000_000_000_000;

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
