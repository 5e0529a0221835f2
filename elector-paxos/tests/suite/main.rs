//! The tests of Paxos, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")]

#[path = "../../../elector-sim/tests/algorithm/mod.rs"]
mod algorithm;
mod campaign;
mod counts;
mod lease;
mod log;
mod node;
mod paper;
mod tenure;
mod total;
mod vouching;

use std::ops::RangeInclusive;

use elector_paxos::{Paxos as Algorithm, PaxosConfig};

const FAULT_SEEDS: RangeInclusive<u64> = 1..=8;

fn configurations() -> Vec<PaxosConfig> {
    algorithm::variants()
}
