//! Tests a node that can send but receives nothing, in a cluster that can elect a leader without
//! this node.

use std::time::Duration;

use elector_core::{Comparable, NodeId};
use elector_raft::{Raft, RaftConfig};
use elector_sim::{Setup, Simulation};

const CUT_OFF: NodeId = NodeId(3);
const RUNS: u64 = 5_000;

/// Returns the time from the start of the cluster until a node leads, in milliseconds of virtual
/// time.
fn time_to_leader_ms(config: &RaftConfig, nodes: u64, seed: u64) -> u64 {
    let mut setup = Setup::<Raft>::new(nodes);
    (setup.config, setup.seed) = (config.clone(), seed);
    let mut sim = Simulation::new(setup);
    let others = (1..=nodes).map(NodeId).filter(|&node| node != CUT_OFF);
    let links: Vec<_> = others.map(|other| (other, CUT_OFF)).collect();
    sim.cut(&links);
    for tenth in 1..=600 {
        sim.run_for(Duration::from_millis(100));
        if sim.leader().is_some() {
            return tenth * 100;
        }
    }
    60_000
}

// The node that receives nothing campaigns forever, and cannot win. Its voters must not wait longer
// after each of its campaigns, as they do after split votes: otherwise the node that receives
// nothing would always campaign before them.
#[test]
fn a_candidate_that_receives_nothing_does_not_slow_its_voters() {
    for variant in Raft::variants() {
        for nodes in [3, 5] {
            let times = (1..=RUNS).map(|seed| time_to_leader_ms(&variant.config, nodes, seed));
            let worst = Duration::from_millis(times.max().unwrap());
            let limit = 10 * variant.config.timing.election_max;
            let name = variant.name;
            assert!(worst <= limit, "{name}, n = {nodes}: {worst:?}");
        }
    }
}
