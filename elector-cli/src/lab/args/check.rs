use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args;
use elector_check::MAX_NODES;

use super::jobs;
use crate::args::within;

/// The maximum number of random walks (runs that choose each event at random) of one check. More
/// would take months.
const MAX_WALKS: u64 = 1_000_000_000_000;

/// The options that apply only to a search of all orders of events. They are rejected with
/// `--walks` (random runs) and with `--schedule` (the repetition of one run).
const SEARCH_OPTIONS: [&str; 9] = [
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

/// The arguments of `elector check`.
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
  elector check --algorithm raft --members --crashes 1 --timeouts 6
  elector check --algorithm paxos --members --walks 10000

Without --ticks there is no time: every timer may elapse at any moment. With --ticks, a heartbeat
interval and a round trip take one tick, a lease two, and an election timeout three to four. Timers
may be late, and messages may take any time. The search then checks leases, too: no two nodes hold
one at the same time.

The report says whether the search was exhaustive within the bounds or stopped early.

With --walks, random walks replace the search. They use the durations of the algorithm: each
message is prompt, late, lost or repeated, writes end one by one, nodes restart, and clocks run fast
or slow. The first walk with a violation is reduced to a short schedule. The command prints this
schedule, and a test that repeats it.

With --members, the last node does not vote at first. In a search, the commands add it, and remove
node 2. In walks, the leader gets commands to change the voters to any set of nodes.
Exit code: 0 no violation; 1 a violation was found; 2 the command could not be carried out.")]
pub(crate) struct Check {
    /// Algorithm: `raft` or `raft/plain`
    #[arg(long, value_name = "NAME")]
    pub(crate) algorithm: String,
    /// Variant of the algorithm [default: the first one]
    #[arg(long, value_name = "NAME")]
    pub(crate) variant: Option<String>,
    /// Let the voters change during a run: for raft and paxos, with at least 2 nodes
    #[arg(long)]
    pub(crate) members: bool,
    /// Number of nodes [default: 3; with --walks: 2 to 5, drawn for each walk, or 4 with --members]
    #[arg(long, value_name = "N", value_parser = nodes)]
    pub(crate) nodes: Option<u64>,
    /// Number of random walks, in place of the search
    #[arg(long, value_name = "COUNT", value_parser = walks, conflicts_with_all = SEARCH_OPTIONS)]
    pub(crate) walks: Option<u64>,
    /// Seed of the first walk; walk k has the seed SEED + k
    #[arg(long, value_name = "SEED", default_value_t = 1, requires = "walks")]
    pub(crate) seed: u64,
    /// Number of threads for walks [default: one per core]
    #[arg(long, value_name = "JOBS", value_parser = jobs, requires = "walks")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Run a schedule (a list of events) that a walk printed, and print what each event changes
    #[arg(long, value_name = "FILE", conflicts_with_all = SEARCH_OPTIONS, conflicts_with = "walks")]
    pub(crate) schedule: Option<PathBuf>,
    /// The highest epoch that the search enters
    #[arg(long, value_name = "EPOCH", default_value_t = 2)]
    pub(crate) max_epoch: u64,
    /// Number of ticks of discrete time in a run [default: no time]
    #[arg(long, value_name = "COUNT")]
    pub(crate) ticks: Option<u32>,
    /// Start in a state in which all nodes agree on a first leader; the bounds count from there
    #[arg(long)]
    pub(crate) led: bool,
    /// Maximum number of timeouts in a run, over all nodes [default: 4; with --ticks: unbounded]
    #[arg(long, value_name = "COUNT")]
    pub(crate) timeouts: Option<u32>,
    /// Maximum number of crashes in a run
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub(crate) crashes: u32,
    /// Maximum number of reports in a run that a peer failed: a proof of death if the peer is down,
    /// else a suspicion
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub(crate) suspicions: u32,
    /// Allow false proofs of death: reports about running peers are proofs, too, so that leases can
    /// overlap
    #[arg(long)]
    pub(crate) false_hints: bool,
    /// Maximum number of commands of the application in a run [default: 0; with --members: 2]
    #[arg(long, value_name = "COUNT")]
    pub(crate) commands: Option<u32>,
    /// Maximum number of messages that arrive in a later tick than the tick in which they were
    /// sent; all others arrive in that tick or are lost [default: unbounded]
    #[arg(long, value_name = "COUNT", requires = "ticks")]
    pub(crate) late: Option<u32>,
    /// Deliver every message at most once
    #[arg(long)]
    pub(crate) once: bool,
    /// Stop after this number of different states; a million states need about 100 MB of memory
    #[arg(long, value_name = "COUNT", default_value_t = 2_000_000)]
    pub(crate) states: usize,
}

fn walks(text: &str) -> Result<u64, String> {
    within(text, MAX_WALKS, "at least 1 walk is needed")
}

fn nodes(text: &str) -> Result<u64, String> {
    within(text, MAX_NODES, "a cluster needs at least 1 node")
}
