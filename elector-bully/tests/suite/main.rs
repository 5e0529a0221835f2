//! The tests of the Bully algorithm, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")]

#[path = "../../../elector-sim/tests/algorithm/mod.rs"]
mod algorithm;
mod beyond;
mod config;
mod counts;
mod faults;
mod node;
mod paper;
#[path = "../../../elector-sim/tests/algorithm/partition.rs"]
mod partition;
mod total;

use std::ops::RangeInclusive;

use elector_bully::{Bully as Algorithm, BullyConfig};

const FAULT_SEEDS: RangeInclusive<u64> = 1..=5;

fn configurations() -> Vec<BullyConfig> {
    let mut configurations = algorithm::variants();
    let trusting = configurations.clone().into_iter();
    configurations.extend(trusting.map(|config| BullyConfig {
        skip_suspected: true,
        ..config
    }));
    configurations
}
