//! A check as deep as your time and memory allow, with bounds from the command line. This one takes
//! 12 million states, 0.9 GB and about half a minute:
//!
//! `cargo run --release -p elector-check --example deep -- raft-plain --max-epoch 2 --timeouts 4`

use std::{process::ExitCode, time::Instant};

use clap::{Parser, ValueEnum};
use elector_bully::{Bully, BullyConfig};
use elector_check::{Check, CheckConfig, CheckError, Report};
use elector_core::{ElectionAlgorithm, Settings};
use elector_paxos::{Paxos, PaxosConfig};
use elector_raft::{Raft, RaftConfig};
use elector_ring::{Ring, RingConfig};

#[derive(Clone, Copy, ValueEnum)]
enum Algorithm {
    /// Raft with pre-vote and check-quorum.
    Raft,
    /// Raft without pre-vote.
    RaftPlain,
    /// Raft's figure 2 alone.
    RaftPaper,
    /// Paxos, one instance an epoch.
    Paxos,
    /// Garcia-Molina's Bully.
    Bully,
    /// The ring election that collects ids.
    Ring,
}

#[derive(Parser)]
struct Bounds {
    algorithm: Algorithm,
    #[arg(long, default_value_t = 3)]
    nodes: u64,
    #[arg(long, default_value_t = 1)]
    max_epoch: u64,
    #[arg(long, default_value_t = 0)]
    crashes: u32,
    #[arg(long, default_value_t = 0)]
    suspicions: u32,
    #[arg(long, default_value_t = 0)]
    commands: u32,
    /// How many times timers may elapse; unbounded if not given.
    #[arg(long)]
    timeouts: Option<u32>,
    /// Deliver each message at most once.
    #[arg(long)]
    once: bool,
    /// Give up after about so many states, repeats included. A million takes 0.1 to 0.5 GB.
    #[arg(long, default_value_t = 20_000_000)]
    states: usize,
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

impl Bounds {
    fn check<A: ElectionAlgorithm<Config: Settings>>(
        &self,
        config: A::Config,
    ) -> Result<Report, CheckError> {
        Check::<A>::new(CheckConfig {
            nodes: self.nodes,
            config,
            max_epoch: self.max_epoch,
            crashes: self.crashes,
            suspicions: self.suspicions,
            commands: self.commands,
            timeouts: self.timeouts,
            duplicating: !self.once,
            max_states: Some(self.states),
            threads: self.threads,
        })
        .run()
    }
}

fn main() -> Result<ExitCode, CheckError> {
    let bounds = Bounds::parse();
    let started = Instant::now();
    let report = match bounds.algorithm {
        Algorithm::Raft => bounds.check::<Raft>(RaftConfig::default()),
        Algorithm::RaftPlain => bounds.check::<Raft>(RaftConfig {
            pre_vote: false,
            ..RaftConfig::default()
        }),
        Algorithm::RaftPaper => bounds.check::<Raft>(RaftConfig {
            pre_vote: false,
            check_quorum: false,
            ..RaftConfig::default()
        }),
        Algorithm::Paxos => bounds.check::<Paxos>(PaxosConfig::default()),
        Algorithm::Bully => bounds.check::<Bully>(BullyConfig::default()),
        Algorithm::Ring => bounds.check::<Ring>(RingConfig::default()),
    }?;
    println!("{report}\n{:.1} s", started.elapsed().as_secs_f64());
    Ok(if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
