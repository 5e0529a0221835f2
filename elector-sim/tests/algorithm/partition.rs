//! Partitions of an algorithm without a quorum: both sides elect a leader.

use std::time::Duration;

use elector_core::{NodeId, Role, View};
use elector_sim::{Setup, Simulation};

use crate::{Algorithm, configurations};

const NODES: u64 = 5;

pub(crate) fn cluster() -> Setup<Algorithm> {
    Setup::new(NODES)
}

/// Asserts that all nodes have the same leader and epoch, and returns them.
pub(crate) fn agreed(sim: &Simulation<Algorithm>) -> View {
    let views: Vec<View> = (1..=NODES).map(|node| sim.view(NodeId(node))).collect();
    let tenure = |view: &View| (view.epoch, view.leader);
    let agree = views.iter().all(|view| tenure(view) == tenure(&views[0]));
    assert!(agree && views[0].leader.is_some(), "{views:?}");
    views[0]
}

/// Cuts nodes 1 to 3 off from nodes 4 and 5. Returns the views of the leaders of both sides.
pub(crate) fn split(sim: &mut Simulation<Algorithm>) -> (View, View) {
    for low in (1..=3).map(NodeId) {
        for high in (4..=5).map(NodeId) {
            sim.cut(&[(low, high), (high, low)]);
        }
    }
    sim.run_for(Duration::from_secs(1));
    let (low, high) = (sim.view(NodeId(3)), sim.view(NodeId(5)));
    assert_eq!((low.role, high.role), (Role::Leader, Role::Leader));
    (low, high)
}

/// Ends the partition. Returns the view on which all nodes agree.
pub(crate) fn heal(sim: &mut Simulation<Algorithm>) -> View {
    sim.heal();
    sim.run_for(Duration::from_secs(1));
    agreed(sim)
}

// Two leaders of one epoch are the worst case: both use the same fencing token, so a store cannot
// distinguish them. The leader that remains after the partition must move to a new epoch.
#[test]
fn a_shared_epoch_does_not_outlive_the_partition() {
    for config in configurations() {
        let mut setup = cluster();
        setup.config = config;
        let mut sim = Simulation::new(setup);
        let (low, high) = split(&mut sim);
        assert_eq!(low.epoch, high.epoch, "both sides elected their first");
        let survivor = heal(&mut sim);
        assert_eq!(survivor.leader, Some(NodeId(5)));
        assert!(survivor.epoch > high.epoch);
    }
}
