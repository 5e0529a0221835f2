use std::time::Duration;

use elector_core::actor::now;

use crate::{
    child,
    cluster::{Cluster, Setup},
};

/// Settings under which an election without a proof takes seconds.
const LONG_LEASE: &str = "
    [timing]
    lease_ms = 4000
    election_min_ms = 5000
    election_max_ms = 6000
";

const LEASE: Duration = Duration::from_secs(4);

/// How long after the leader was killed the next one led.
fn failover(setup: Setup) -> Duration {
    let mut cluster = Cluster::start(Setup {
        settings: LONG_LEASE.to_owned(),
        ..setup
    });
    replaced(&mut cluster)
}

/// Kills the leader; how long after that the next one led.
fn replaced(cluster: &mut Cluster) -> Duration {
    let (epoch, leader) = cluster.leader();
    let killed = now().nanos();
    cluster.kill(leader);
    let (_, next) = cluster.leader_after(epoch);
    let led = cluster
        .board
        .look(|pinned| pinned.knows(next).map(|said| said.at_ns));
    Duration::from_nanos(led.unwrap() - killed)
}

// The heir, or the guardian, proves to the peers that the node is dead: they need not wait for the end
// of its lease.
#[test]
fn a_killed_leader_is_replaced_at_once() {
    for algorithm in ["raft", "paxos"] {
        for command in [Vec::new(), child::command()] {
            let kind = command.len();
            let took = failover(Setup {
                command,
                ..Setup::new(algorithm, 3)
            });
            assert!(took < LEASE / 2, "{algorithm} {kind}: {took:?}");
        }
    }
}

// Each follower was seen to leave, and is back: the others must know that it takes its turn, for two
// that campaign at once elect nobody before the next election timeout.
#[test]
fn a_leader_is_replaced_at_once_after_its_followers_were_restarted() {
    for algorithm in ["raft", "paxos"] {
        let mut cluster = Cluster::start(Setup {
            settings: LONG_LEASE.to_owned(),
            ..Setup::new(algorithm, 3)
        });
        let (_, leader) = cluster.leader();
        for node in (1..=3).filter(|&node| node != leader) {
            cluster.kill(node);
            cluster.spawn(node);
            cluster.leader();
        }
        let took = replaced(&mut cluster);
        assert!(took < LEASE / 2, "{algorithm}: {took:?}");
    }
}

// Refused connections are what is left of a node without an heir: they prove nothing.
#[test]
fn a_killed_leader_without_an_heir_is_replaced_after_its_lease() {
    let took = failover(Setup {
        arguments: ["--heir", "false"].map(Into::into).into(),
        ..Setup::new("raft", 3)
    });
    assert!(took > LEASE / 2, "{took:?}");
}
