//! Tests recoveries, partitions and pauses. While a partition or a pause lasts, several nodes may
//! lead.

use std::time::Duration;

use elector_bully::Bully;
use elector_core::{NodeId, Role};
use elector_sim::{Scenario, Setup, Simulation, run};

use crate::{
    configurations,
    partition::{agreed, cluster, heal, split},
};

// A recovering node may have missed many tenures. It must not claim the epoch of the coordinator
// that it takes over from: on a network without faults an epoch has one leader.
#[test]
fn a_recovery_shares_no_epoch() {
    let scenarios = Scenario::builtin().unwrap();
    let clean = [
        "boot",
        "leader-restart",
        "rolling-restart",
        "cascade",
        "handover",
    ];
    for scenario in scenarios
        .iter()
        .filter(|scenario| clean.contains(&&*scenario.name))
    {
        for seed in 1..=20 {
            let mut setup = Setup::<Bully>::new(5);
            setup.seed = seed;
            let (outcome, _) = run::run(setup, scenario).unwrap();
            assert_eq!(
                outcome.most_leaders_of_an_epoch, 1,
                "{} seed {seed}",
                scenario.name
            );
        }
    }
}

// A partition causes a split brain, as the documentation warns. When the partition has ended, the
// epoch that the nodes then agree on belonged to at most one side of the partition, so the fencing
// tokens of the two sides are different.
#[test]
fn a_partition_has_two_coordinators_until_it_heals() {
    for config in configurations() {
        let mut setup = cluster();
        setup.config = config.clone();
        let mut sim = Simulation::new(setup);
        sim.run_until_settled(Duration::from_secs(2)).unwrap();
        let (low, high) = split(&mut sim);
        assert!(low.epoch > high.epoch);
        let survivor = heal(&mut sim);
        if config.preempt {
            assert_eq!(survivor.leader, Some(NodeId(5)), "the higher id takes over");
            assert!(survivor.epoch > low.epoch, "the epoch is above both");
        } else {
            assert_eq!((survivor.epoch, survivor.leader), (low.epoch, low.leader));
        }
    }
}

// The paper assumes that a node never pauses, which is false on every real machine. A coordinator
// that was paused still leads when it runs again, but only until the answer to its first heartbeat
// arrives.
#[test]
fn a_resumed_coordinator_learns_within_a_round_trip() {
    let mut setup = cluster();
    setup.config.preempt = false;
    let mut sim = Simulation::new(setup);
    sim.run_until_settled(Duration::from_secs(2)).unwrap();
    sim.pause(NodeId(5));
    sim.run_for(Duration::from_secs(1));
    sim.reset_counts();
    sim.resume(NodeId(5));
    assert_eq!(sim.view(NodeId(5)).role, Role::Leader, "two coordinators");
    assert_eq!(sim.view(NodeId(4)).role, Role::Leader, "two coordinators");
    sim.run_for(Duration::from_millis(4));
    assert_eq!(agreed(&sim).leader, Some(NodeId(4)));
}
