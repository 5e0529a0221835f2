//! All faults of the simulator: when they have ended, all nodes agree on one leader, and there are
//! no more elections.

use std::time::Duration;

use elector_core::{Comparable, NodeId, Role, View};
use elector_ring::{Ring, RingConfig};
use elector_sim::{Setup, Simulation, Trial};

fn configurations() -> Vec<RingConfig> {
    let variants = Ring::variants().into_iter();
    variants.map(|variant| variant.config).collect()
}

// Ring guarantees little while faults last. When they have ended, it guarantees agreement within a
// bound, and then half a second without an election.
#[test]
fn every_fault_ends_with_one_leader() {
    let trial = Trial {
        nodes: vec![3, 4, 5, 7],
        seeds: 1..=5,
    };
    for config in configurations() {
        let failures = trial.failures::<Ring>(&config).unwrap();
        assert!(failures.is_empty(), "{config:?}: {failures:#?}");
    }
}

const NODES: u64 = 5;

fn views(sim: &Simulation<Ring>) -> Vec<View> {
    (1..=NODES).map(|node| sim.view(NodeId(node))).collect()
}

fn agreed(sim: &Simulation<Ring>) -> bool {
    let views = views(sim);
    let tenure = |view: &View| (view.epoch, view.leader);
    views[0].leader.is_some() && views.iter().all(|view| tenure(view) == tenure(&views[0]))
}

/// Cuts nodes 1 to 3 off from nodes 4 and 5.
fn split(sim: &mut Simulation<Ring>) {
    for low in (1..=3).map(NodeId) {
        for high in (4..=5).map(NodeId) {
            sim.cut(&[(low, high), (high, low)]);
        }
    }
}

// A partition causes a split brain, as the documentation warns. When it heals, the newer tenure
// stays.
#[test]
fn a_partition_has_two_leaders_until_it_heals() {
    for config in configurations() {
        let mut setup = Setup::<Ring>::new(NODES);
        setup.config = config;
        let mut sim = Simulation::new(setup);
        sim.run_until_settled(Duration::from_secs(2)).unwrap();
        split(&mut sim);
        sim.run_for(Duration::from_secs(1));
        let (low, high) = (sim.view(NodeId(3)), sim.view(NodeId(5)));
        assert_eq!((low.role, high.role), (Role::Leader, Role::Leader));
        assert!(low.epoch > high.epoch);
        sim.heal();
        sim.run_for(Duration::from_secs(1));
        assert!(agreed(&sim), "{:?}", views(&sim));
        assert_eq!(sim.view(NodeId(1)).leader, Some(NodeId(3)));
        assert_eq!(sim.view(NodeId(1)).epoch, low.epoch);
    }
}

// Two leaders of one epoch are the worst case: their fencing tokens are the same. The one that
// stays must move to a new epoch.
#[test]
fn a_shared_epoch_does_not_outlive_the_partition() {
    for config in configurations() {
        let mut setup = Setup::<Ring>::new(NODES);
        setup.config = config;
        let mut sim = Simulation::new(setup);
        split(&mut sim);
        sim.run_for(Duration::from_secs(1));
        let (low, high) = (sim.view(NodeId(3)), sim.view(NodeId(5)));
        assert_eq!((low.role, high.role), (Role::Leader, Role::Leader));
        assert_eq!(low.epoch, high.epoch, "both sides elected their first");
        sim.heal();
        sim.run_for(Duration::from_secs(1));
        assert!(agreed(&sim), "{:?}", views(&sim));
        assert_eq!(sim.view(NodeId(1)).leader, Some(NodeId(5)));
        assert!(sim.view(NodeId(1)).epoch > high.epoch);
    }
}
