//! Injects random faults of every kind into clusters of real processes. Each node has its own host,
//! which is a network namespace.
//!
//! At no time may two leases be valid, or two commands run. A command is the program that a node
//! runs while it leads. Each fencing token must be higher than all tokens before it. After all
//! faults are repaired there must be one leader, and its command must run.

mod cluster_trial;
mod commands;
mod counts;
mod disk;
mod executor;
mod folder;
mod leases;
mod log;
mod member;
mod plan;
mod relay;
mod repair;
mod setup;
mod stalls;
mod watch;

use std::path::PathBuf;

use clap::ValueEnum;
use comfy_table::{Table, presets::ASCII_MARKDOWN};

pub(crate) use self::relay::relay;
use self::{
    cluster_trial::ClusterTrial,
    plan::Kind,
    setup::{Algorithm, Pace},
};
use crate::{error::Error, switch::Switch};

#[derive(Debug, clap::Args)]
pub(crate) struct Chaos {
    /// Path of the program `elector`
    #[arg(long, default_value = "target/release/elector")]
    elector: PathBuf,
    /// Number of faults for each cluster
    #[arg(long, default_value_t = 1000)]
    faults: usize,
    /// Cluster sizes to try
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "3,5",
        value_parser = clap::value_parser!(u8).range(2..=9)
    )]
    nodes: Vec<u8>,
    /// Algorithms to try
    #[arg(long, value_delimiter = ',', default_value = "raft,paxos")]
    algorithms: Vec<Algorithm>,
    /// Seed of the random faults [default: a new one for each run]
    #[arg(long)]
    seed: Option<u64>,
    /// Durations of leases and faults
    #[arg(long, default_value = "quick")]
    pace: Pace,
    /// Kinds of faults to inject [default: all]
    #[arg(long, value_delimiter = ',', hide_possible_values = true)]
    kinds: Vec<Kind>,
    /// More arguments for each node, in one shell word. With `--with=--trust-refused` the killed
    /// proxies and the rejects must cause overlaps: if they do not, the check itself is broken
    #[arg(long, value_delimiter = ' ', allow_hyphen_values = true)]
    with: Vec<String>,
}

impl Chaos {
    /// Returns the command line that repeats the faults of the trial of one cluster.
    fn replay_command(&self, algorithm: Algorithm, nodes: u8, seed: u64) -> String {
        let Self { faults, .. } = self;
        let mut command = format!(
            "cargo run --release -p elector-field -- chaos --faults {faults} --nodes {nodes} \
             --algorithms {} --pace {} --seed {seed}",
            algorithm.name(),
            self.pace.name(),
        );
        let kinds = self.kinds.iter().filter_map(ValueEnum::to_possible_value);
        let kinds: Vec<_> = kinds.map(|kind| kind.get_name().to_owned()).collect();
        if !kinds.is_empty() {
            command += &format!(" --kinds {}", kinds.join(","));
        }
        if !self.with.is_empty() {
            command += &format!(" --with='{}'", self.with.join(" "));
        }
        command
    }
}

/// Runs one trial for each algorithm and cluster size.
///
/// # Errors
/// Returns an error if a trial cannot be carried out, or if it finds a violation.
pub(crate) fn chaos(arguments: &Chaos) -> Result<(), Error> {
    let elector = arguments.elector.canonicalize();
    let elector = elector.map_err(|error| Error::Elector(arguments.elector.clone(), error))?;
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let switch = Switch::new(arguments.nodes.iter().copied().max().unwrap_or_default())?;
    let mut violations = 0;
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "algorithm",
        "nodes",
        "faults",
        "elections",
        "leases seen",
        "commands",
        "outlived their lease",
        "violations",
        "longest stall of a processor",
        "slowest recovery",
        "duration",
    ]);
    for &algorithm in &arguments.algorithms {
        for &nodes in &arguments.nodes {
            println!(
                "{}, n = {nodes}. To repeat these faults at about the same times:\n{}",
                algorithm.name(),
                arguments.replay_command(algorithm, nodes, seed),
            );
            let trial = ClusterTrial {
                switch: &switch,
                elector: &elector,
                algorithm,
                nodes: nodes.into(),
                pace: arguments.pace,
                kinds: &arguments.kinds,
                with: &arguments.with,
                faults: arguments.faults,
                seed,
            };
            let result = trial.run()?;
            violations += result.violations;
            table.add_row(result.row);
        }
    }
    println!("\n{table}");
    if violations > 0 {
        return Err(Error::Violations(violations));
    }
    println!(
        "0 leases overlapped, 0 commands overlapped, and each token was higher than all before."
    );
    Ok(())
}
