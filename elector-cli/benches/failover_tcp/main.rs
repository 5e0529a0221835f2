//! Measures the time without a leader in a cluster of real processes, with votes on disk and TCP on
//! loopback. The leader is killed (SIGKILL) or stopped (SIGSTOP). The bench measures from the
//! signal until the winner knows that it leads, until a majority knows, and until the new leader's
//! command (`elector run`) has started.
//!
//! For comparison, the same run measures the limits of the machine (the time until the kernel
//! reports a death, a round trip, a durable write), and plain code that does only "EOF, one round
//! of votes, durable votes". Compare the ratios: the absolute figures depend on the machine.
//!
//! `cargo bench -p elector-cli --bench failover_tcp` takes half an hour.
//! `-- --kills 500 --stops 50` does more, `-- --algorithms raft --nodes 3` less.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot continue must stop"
)]

mod cluster;
mod figures;
mod machine;
mod plain;

use std::{env, time::Duration};

use cluster::{Cluster, Kind, Signal};
use figures::{Figures, Steps};

/// The command-line arguments.
struct Arguments {
    algorithms: Vec<String>,
    nodes: Vec<u64>,
    kills: usize,
    stops: usize,
}

impl Arguments {
    fn parse() -> Self {
        let words: Vec<String> = env::args().collect();
        let value = |name: &str| {
            let at = words.iter().position(|word| word == name)?;
            words.get(at + 1).cloned()
        };
        let list = |name: &str, default: &str| -> Vec<String> {
            let list = value(name).unwrap_or_else(|| default.to_owned());
            list.split(',').map(str::to_owned).collect()
        };
        let number = |name: &str, default: usize| {
            value(name).map_or(default, |text| text.parse().expect("a number"))
        };
        // As a test (without `--bench`), this program makes only a few failovers, to show that the
        // bench works.
        let is_bench = words.iter().any(|word| word == "--bench");
        let (algorithms, nodes, kills, stops) = if is_bench {
            ("raft,paxos,bully,ring", "3,5", 200, 24)
        } else {
            ("raft", "3", 2, 1)
        };
        let nodes = list("--nodes", nodes).into_iter();
        Self {
            algorithms: list("--algorithms", algorithms),
            nodes: nodes.map(|n| n.parse().expect("a number")).collect(),
            kills: number("--kills", kills),
            stops: number("--stops", stops),
        }
    }
}

fn main() {
    if let Some(node) = env::var_os(plain::NODE_VARIABLE) {
        return plain::run_node(&node.into_string().expect("text"));
    }
    if let Ok(how) = env::var(machine::BIG_PROCESS_VARIABLE) {
        return machine::run_big_process(&how);
    }
    if env::var_os(cluster::COMMAND_VARIABLE).is_some() {
        return cluster::run_command();
    }
    let arguments = Arguments::parse();
    println!("{}", machine::measure(arguments.kills.max(20)));
    kills(&arguments);
    steps(&arguments);
    stops(&arguments);
}

fn kills(arguments: &Arguments) {
    println!(
        "From SIGKILL of the leader, in milliseconds: p50 / p99 / max of {}",
        arguments.kills
    );
    println!("{}", Figures::head());
    for &nodes in &arguments.nodes {
        for algorithm in &arguments.algorithms {
            // The plain code and both clusters take turns, so that other load on the machine
            // affects all of them in the same way.
            let mut plain = Figures::default();
            let mut clusters = [Kind::Node, Kind::Run].map(|kind| {
                let cluster = Cluster::start(algorithm, nodes, kind, "default");
                (kind, cluster, Figures::default())
            });
            for _ in 0..arguments.kills {
                plain.push(plain::failover(nodes));
                for (_, cluster, figures) in &mut clusters {
                    figures.push(cluster.failover(Signal::Kill));
                }
            }
            println!("{}", plain.row("plain code", nodes, None));
            for (kind, _, figures) in &clusters {
                let name = format!("{algorithm}{}", kind.suffix());
                println!("{}", figures.row(&name, nodes, Some(&plain)));
            }
        }
    }
}

fn steps(arguments: &Arguments) {
    let times = arguments.kills.min(MAX_STEPS);
    println!(
        "\nTime of each step, in milliseconds: medians of {times}; the nodes log each step, which \
         takes time, too"
    );
    println!("{}", Steps::head());
    for &nodes in &arguments.nodes {
        for algorithm in &arguments.algorithms {
            let steps = Cluster::with_step_log(algorithm, nodes).steps(times);
            println!("{}", steps.row(algorithm, nodes));
        }
    }
}

fn stops(arguments: &Arguments) {
    println!(
        "\nFrom SIGSTOP of the leader, in milliseconds: p50 / p99 / max of {}",
        arguments.stops
    );
    println!("{}", Figures::head());
    for profile in ["default", "lan"] {
        for &nodes in &arguments.nodes {
            for algorithm in &arguments.algorithms {
                let mut cluster = Cluster::start(algorithm, nodes, Kind::Node, profile);
                let figures = cluster.failovers(Signal::Stop, arguments.stops);
                let name = format!("{algorithm}, {profile}");
                println!("{}", figures.row(&name, nodes, None));
            }
        }
    }
}

/// The maximum number of failovers for the medians of the steps. With more failovers, the medians
/// would hardly change.
const MAX_STEPS: usize = 50;

/// The time limit for each wait of the bench.
const TIMEOUT: Duration = Duration::from_secs(60);
