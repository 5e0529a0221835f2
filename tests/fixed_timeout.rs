//! A timeout without a spread: all nodes campaign at once, until the spread has widened.

use std::time::Duration;

use elector_core::{Configuration, ElectionAlgorithm};
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftConfig};
use elector_sim::{Disk, Network, Setup, Simulation};

/// Nodes whose clocks, disks and network all take the same time elect a leader after a start, and
/// after a crash of that leader.
fn elects<A: ElectionAlgorithm>(config: &A::Config) {
    for nodes in [3, 5] {
        for seed in 1..=20 {
            let mut setup = Setup::<A>::new(nodes);
            setup.config = config.clone();
            let timing = setup.config.timing_mut();
            timing.election_max = timing.election_min;
            setup.network = Network::constant(Duration::from_millis(1));
            setup.disk = Disk::constant(Duration::ZERO);
            setup.seed = seed;
            let mut sim = Simulation::new(setup);
            let limit = Duration::from_secs(10);
            for what in ["at boot", "after a crash"] {
                let settled = sim.run_until_settled(limit);
                let elected = settled.unwrap_or_else(|| {
                    panic!("{}, {nodes} nodes, seed {seed}: no leader {what}", A::NAME)
                });
                sim.crash(elected.leader);
            }
            assert!(sim.violations().is_empty(), "{:?}", sim.violations());
        }
    }
}

// The rules allow `election_max == election_min`, and 64 times a spread of zero is zero: no leader
// was elected in a minute.
#[test]
fn a_fixed_election_timeout_elects() {
    elects::<Raft>(&RaftConfig::default());
    let plain = RaftConfig {
        pre_vote: false,
        ..RaftConfig::default()
    };
    elects::<Raft>(&plain);
    elects::<Paxos>(&Default::default());
}
