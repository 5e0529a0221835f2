//! How long a cluster of real processes is without a leader: the leader is killed (SIGKILL) or
//! stopped (SIGSTOP), with votes on disk, over TCP on loopback. From the signal until the winner
//! knows, until a majority knows, and until the new leader's command (`elector run`) has begun.
//!
//! Beside it, in the same run: what the machine cannot do faster (the kernel's report of a death, a
//! round trip, a durable write), and plain code that does nothing but "EOF, one vote round, durable
//! votes". Compare the ratios: the figures themselves are the machine's.
//!
//! `cargo bench -p elector-cli --bench failover_tcp` (half an hour); `-- --kills 500 --stops 50`
//! for more, `-- --algorithms raft --nodes 3` for less.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot go on must stop"
)]

mod cluster;
mod figures;
mod floor;
mod plain;

use std::{env, time::Duration};

use cluster::{Cluster, Kind, Signal};
use figures::{Figures, Steps};

/// What is to be done.
struct Plan {
    algorithms: Vec<String>,
    nodes: Vec<u64>,
    kills: usize,
    stops: usize,
}

impl Plan {
    fn from_arguments() -> Self {
        let arguments: Vec<String> = env::args().collect();
        let value = |name: &str| {
            let at = arguments.iter().position(|argument| argument == name)?;
            arguments.get(at + 1).cloned()
        };
        let list = |name: &str, stock: &str| -> Vec<String> {
            let list = value(name).unwrap_or_else(|| stock.to_owned());
            list.split(',').map(str::to_owned).collect()
        };
        let number = |name: &str, stock: usize| {
            value(name).map_or(stock, |text| text.parse().expect("a number"))
        };
        // As a test it shows that it works, and measures nothing.
        let is_bench = arguments.iter().any(|argument| argument == "--bench");
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
    if let Some(part) = env::var_os(plain::PART) {
        return plain::play(&part.into_string().expect("text"));
    }
    if let Ok(how) = env::var(floor::BIG) {
        return floor::be_big(&how);
    }
    if env::var_os(cluster::WORK).is_some() {
        return cluster::work();
    }
    let plan = Plan::from_arguments();
    println!("{}", floor::measured(plan.kills.max(20)));
    kills(&plan);
    steps(&plan);
    stops(&plan);
}

fn kills(plan: &Plan) {
    println!(
        "From SIGKILL of the leader, in milliseconds: p50 / p99 / max of {}",
        plan.kills
    );
    println!("{}", Figures::head());
    for &nodes in &plan.nodes {
        for algorithm in &plan.algorithms {
            // In turns, so that what else the machine does meets all alike.
            let mut plain = Figures::default();
            let mut clusters = [Kind::Node, Kind::Run].map(|kind| {
                let cluster = Cluster::start(algorithm, nodes, kind, "default");
                (kind, cluster, Figures::default())
            });
            for _ in 0..plan.kills {
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

fn steps(plan: &Plan) {
    let times = plan.kills.min(MOST_STEPS);
    println!(
        "\nWhere the time goes, in milliseconds: medians of {times}, of nodes that log each step, \
         which costs time itself"
    );
    println!("{}", Steps::head());
    for &nodes in &plan.nodes {
        for algorithm in &plan.algorithms {
            let steps = Cluster::told_in_steps(algorithm, nodes).steps(times);
            println!("{}", steps.row(algorithm, nodes));
        }
    }
}

fn stops(plan: &Plan) {
    println!(
        "\nFrom SIGSTOP of the leader, in milliseconds: p50 / p99 / max of {}",
        plan.stops
    );
    println!("{}", Figures::head());
    for profile in ["default", "lan"] {
        for &nodes in &plan.nodes {
            for algorithm in &plan.algorithms {
                let mut cluster = Cluster::start(algorithm, nodes, Kind::Node, profile);
                let figures = cluster.failovers(Signal::Stop, plan.stops);
                let name = format!("{algorithm}, {profile}");
                println!("{}", figures.row(&name, nodes, None));
            }
        }
    }
}

/// Medians need no more failovers than these.
const MOST_STEPS: usize = 50;

/// How long anything may take.
const LONG: Duration = Duration::from_secs(60);
