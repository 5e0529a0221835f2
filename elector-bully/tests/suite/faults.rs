//! All faults of the simulator: when they have ended, all nodes agree on one coordinator, and there
//! are no more elections.

use std::time::Duration;

use elector_bully::{Bully, BullyConfig};
use elector_core::{Comparable, NodeId, Role, View};
use elector_sim::{Scenario, Setup, Simulation, Trial, run};

fn configurations() -> Vec<BullyConfig> {
    let mut configurations: Vec<BullyConfig> = Bully::variants()
        .into_iter()
        .map(|variant| variant.config)
        .collect();
    let trusting = configurations.iter().map(|config| BullyConfig {
        skip_suspected: true,
        ..config.clone()
    });
    configurations.extend(trusting.collect::<Vec<_>>());
    configurations
}

// Bully guarantees little while faults last. When they have ended, it guarantees agreement within a
// bound, and then half a second without an election.
#[test]
fn every_fault_ends_with_one_coordinator() {
    let trial = Trial {
        nodes: vec![3, 4, 5, 7],
        seeds: 1..=5,
    };
    for config in configurations() {
        let failures = trial.failures::<Bully>(&config).unwrap();
        assert!(failures.is_empty(), "{config:?}: {failures:#?}");
    }
}

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

const NODES: u64 = 5;

fn views(sim: &Simulation<Bully>) -> Vec<View> {
    (1..=NODES).map(|node| sim.view(NodeId(node))).collect()
}

fn agreed(sim: &Simulation<Bully>) -> bool {
    let views = views(sim);
    let tenure = |view: &View| (view.epoch, view.leader);
    views[0].leader.is_some() && views.iter().all(|view| tenure(view) == tenure(&views[0]))
}

/// Cuts nodes 1 to 3 off from nodes 4 and 5.
fn split(sim: &mut Simulation<Bully>) {
    for low in (1..=3).map(NodeId) {
        for high in (4..=5).map(NodeId) {
            sim.cut(&[(low, high), (high, low)]);
        }
    }
}

// A partition causes a split brain, as the documentation warns. When it heals, the epoch that stays
// belonged to at most one of the sides, so the fencing tokens of the two sides are different.
#[test]
fn a_partition_has_two_coordinators_until_it_heals() {
    for config in configurations() {
        let mut setup = Setup::<Bully>::new(NODES);
        setup.config = config.clone();
        let mut sim = Simulation::new(setup);
        sim.run_until_settled(Duration::from_secs(2)).unwrap();
        split(&mut sim);
        sim.run_for(Duration::from_secs(1));
        let (low, high) = (sim.view(NodeId(3)), sim.view(NodeId(5)));
        assert_eq!((low.role, high.role), (Role::Leader, Role::Leader));
        assert!(low.epoch > high.epoch);
        sim.heal();
        sim.run_for(Duration::from_secs(1));
        assert!(agreed(&sim));
        let survivor = sim.view(NodeId(1));
        if config.preempt {
            assert_eq!(survivor.leader, Some(NodeId(5)), "the higher id takes over");
            assert!(survivor.epoch > low.epoch, "the epoch is above both");
        } else {
            assert_eq!((survivor.epoch, survivor.leader), (low.epoch, low.leader));
        }
    }
}

// Two coordinators of one epoch are the worst case: their fencing tokens are the same. The one that
// stays must move to a new epoch.
#[test]
fn a_shared_epoch_does_not_outlive_the_partition() {
    for config in configurations() {
        let mut setup = Setup::<Bully>::new(NODES);
        setup.config = config;
        let mut sim = Simulation::new(setup);
        split(&mut sim);
        sim.run_for(Duration::from_secs(1));
        let (low, high) = (sim.view(NodeId(3)), sim.view(NodeId(5)));
        assert_eq!((low.role, high.role), (Role::Leader, Role::Leader));
        assert_eq!(low.epoch, high.epoch, "both sides elected their first");
        sim.heal();
        sim.run_for(Duration::from_secs(1));
        assert!(agreed(&sim));
        assert_eq!(sim.view(NodeId(1)).leader, Some(NodeId(5)));
        assert!(sim.view(NodeId(1)).epoch > high.epoch);
    }
}

// The paper assumes that a node never pauses, which is false on every real machine. A coordinator
// that was paused still leads when it comes back, but only for a round trip.
#[test]
fn a_resumed_coordinator_learns_within_a_round_trip() {
    let mut setup = Setup::<Bully>::new(NODES);
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
    assert_eq!(sim.view(NodeId(5)).leader, Some(NodeId(4)));
    assert!(agreed(&sim));
}
