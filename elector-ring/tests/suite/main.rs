//! The tests of the ring elections, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")]

#[path = "../../../elector-sim/tests/algorithm/mod.rs"]
mod algorithm;
mod config;
mod counts;
mod faults;
mod node;
mod paper;
#[path = "../../../elector-sim/tests/algorithm/partition.rs"]
mod partition;
mod robust;
mod total;

use std::ops::RangeInclusive;

use elector_ring::{Ring as Algorithm, RingConfig};

const FAULT_SEEDS: RangeInclusive<u64> = 1..=5;

fn configurations() -> Vec<RingConfig> {
    algorithm::variants()
}
