//! A node that is heard and hears nothing, beside nodes that could elect a leader.

use std::time::Duration;

use elector_core::{Comparable, NodeId};
use elector_raft::{Raft, RaftConfig};
use elector_sim::{Setup, Simulation};

const DEAF: NodeId = NodeId(3);
const RUNS: u64 = 5_000;

/// How long from boot until one of the others leads, in milliseconds of virtual time.
fn until_led(config: &RaftConfig, nodes: u64, seed: u64) -> u64 {
    let mut setup = Setup::<Raft>::new(nodes);
    (setup.config, setup.seed) = (config.clone(), seed);
    let mut sim = Simulation::new(setup);
    let others = (1..=nodes).map(NodeId).filter(|&node| node != DEAF);
    let links: Vec<_> = others.map(|other| (other, DEAF)).collect();
    sim.cut(&links);
    for tenth in 1..=600 {
        sim.run_for(Duration::from_millis(100));
        if sim.leader().is_some() {
            return tenth * 100;
        }
    }
    60_000
}

// It campaigns without end, and cannot win. The votes that it gets must not make its voters slow,
// as votes that were split among candidates do: they would leave the next tries to it.
#[test]
fn a_deaf_candidate_does_not_slow_its_voters_down() {
    for variant in Raft::variants() {
        for nodes in [3, 5] {
            let times = (1..=RUNS).map(|seed| until_led(&variant.config, nodes, seed));
            let worst = Duration::from_millis(times.max().unwrap());
            let limit = 10 * variant.config.timing.election_max;
            let name = variant.name;
            assert!(worst <= limit, "{name}, n = {nodes}: {worst:?}");
        }
    }
}
