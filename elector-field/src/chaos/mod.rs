//! Random faults of every kind against clusters of real processes, each on a host of its own.
//! Whatever happens, no two leases and no two commands are there at once, and fencing tokens rise;
//! and when all is healed there is one leader whose command runs.

mod commands;
mod counts;
mod disk;
mod folder;
mod leases;
mod log;
mod member;
mod one;
mod plan;
mod player;
mod relay;
mod setup;
mod stalls;
mod undoing;
mod watch;

use std::path::PathBuf;

use clap::ValueEnum;
use comfy_table::{Table, presets::ASCII_MARKDOWN};

pub(crate) use self::relay::relay;
use self::{
    one::One,
    plan::Kind,
    setup::{Algorithm, Pace},
};
use crate::{error::Error, switch::Switch};

#[derive(Debug, clap::Args)]
pub(crate) struct Chaos {
    /// The command `elector`
    #[arg(long, default_value = "target/release/elector")]
    elector: PathBuf,
    /// How many faults each cluster has
    #[arg(long, default_value_t = 1000)]
    faults: usize,
    /// How many nodes a cluster has
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "3,5",
        value_parser = clap::value_parser!(u8).range(2..=9)
    )]
    nodes: Vec<u8>,
    /// Which algorithms are tried
    #[arg(long, value_delimiter = ',', default_value = "raft,paxos")]
    algorithms: Vec<Algorithm>,
    /// What the faults are drawn from [default: another each time]
    #[arg(long)]
    seed: Option<u64>,
    /// How long leases and faults are
    #[arg(long, default_value = "quick")]
    pace: Pace,
    /// Only faults of these kinds [default: all]
    #[arg(long, value_delimiter = ',', hide_possible_values = true)]
    kinds: Vec<Kind>,
    /// Further arguments of each node, in one word: under `--with=--trust-refused` the killed
    /// proxies and the rejects must lead to overlaps, or the check has gone blind
    #[arg(long, value_delimiter = ' ', allow_hyphen_values = true)]
    with: Vec<String>,
}

impl Chaos {
    /// The command line that does the faults of one cluster again.
    fn again(&self, algorithm: Algorithm, nodes: u8, seed: u64) -> String {
        let Self { faults, .. } = self;
        let mut again = format!(
            "cargo run --release -p elector-field -- chaos --faults {faults} --nodes {nodes} \
             --algorithms {} --pace {} --seed {seed}",
            algorithm.name(),
            self.pace.name(),
        );
        let kinds = self.kinds.iter().filter_map(ValueEnum::to_possible_value);
        let kinds: Vec<_> = kinds.map(|kind| kind.get_name().to_owned()).collect();
        if !kinds.is_empty() {
            again += &format!(" --kinds {}", kinds.join(","));
        }
        if !self.with.is_empty() {
            again += &format!(" --with='{}'", self.with.join(" "));
        }
        again
    }
}

/// Does so many faults to each kind of cluster.
///
/// # Errors
/// If a trial fails, or something is wrong that may not be.
pub(crate) fn chaos(asked: &Chaos) -> Result<(), Error> {
    let elector = asked.elector.canonicalize();
    let elector = elector.map_err(|error| Error::Elector(asked.elector.clone(), error))?;
    let seed = asked.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let switch = Switch::new(asked.nodes.iter().copied().max().unwrap_or_default())?;
    let mut wrong = 0;
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "algorithm",
        "nodes",
        "faults",
        "elections",
        "leases seen",
        "commands",
        "outlived their lease",
        "wrong",
        "longest stall of a processor",
        "slowest healing",
        "took",
    ]);
    for &algorithm in &asked.algorithms {
        for &nodes in &asked.nodes {
            println!(
                "{}, n = {nodes}. To do the same faults again, at about the same times:\n{}",
                algorithm.name(),
                asked.again(algorithm, nodes, seed),
            );
            let one = One {
                switch: &switch,
                elector: &elector,
                algorithm,
                nodes: nodes.into(),
                pace: asked.pace,
                kinds: &asked.kinds,
                with: &asked.with,
                faults: asked.faults,
                seed,
            };
            let endured = one.endure()?;
            wrong += endured.wrong;
            table.add_row(endured.row);
        }
    }
    println!("\n{table}");
    if wrong > 0 {
        return Err(Error::Wrong(wrong));
    }
    println!(
        "0 leases overlapped, 0 commands overlapped, and each token was higher than all before."
    );
    Ok(())
}
