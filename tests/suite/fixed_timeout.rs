//! Election timeouts without a random part: all nodes campaign at the same time, until the random
//! part grows.

use std::time::Duration;

use elector_core::{Configuration, ElectionAlgorithm};
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftConfig};
use elector_sim::{Disk, Network, Setup, Simulation};

/// Checks that nodes with equal clocks, disks and network delays elect a leader after boot, and
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

// The rules of the configuration allow `election_max == election_min`. Then the random part of the
// timeout is zero, and it must grow after failed elections. In an earlier version, the random part
// was multiplied by up to 64. So it stayed zero, and no leader was elected within a minute.
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
