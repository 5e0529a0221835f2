//! Tests partitions. While a partition lasts, several nodes may lead.

use std::time::Duration;

use elector_core::NodeId;
use elector_sim::Simulation;

use crate::{
    configurations,
    partition::{cluster, heal, split},
};

// A partition causes a split brain, as the documentation warns. When the partition has ended, the
// leader of the newer epoch stays.
#[test]
fn a_partition_has_two_leaders_until_it_heals() {
    for config in configurations() {
        let mut setup = cluster();
        setup.config = config;
        let mut sim = Simulation::new(setup);
        sim.run_until_settled(Duration::from_secs(2)).unwrap();
        let (low, high) = split(&mut sim);
        assert!(low.epoch > high.epoch);
        let survivor = heal(&mut sim);
        assert_eq!(survivor.leader, Some(NodeId(3)));
        assert_eq!(survivor.epoch, low.epoch);
    }
}
