//! The tests of Raft, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")]

#[path = "../../../elector-sim/tests/algorithm/mod.rs"]
mod algorithm;
mod campaign;
mod counts;
mod dissertation;
mod log;
mod node;
mod one_way;
mod paper;
mod total;

use std::ops::RangeInclusive;

use elector_raft::{Raft as Algorithm, RaftConfig};

const FAULT_SEEDS: RangeInclusive<u64> = 1..=10;

fn configurations() -> Vec<RaftConfig> {
    algorithm::variants()
}
