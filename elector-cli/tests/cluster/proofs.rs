use std::{process::Command, time::Duration};

use elector_core::actor::now;
use rustix::process::{Signal, kill_process};

use crate::{
    child,
    cluster::{Cluster, Setup, children},
    command::container,
};

/// Settings with a long lease: without a proof of death, the peers elect another leader only after
/// some seconds.
const LONG_LEASE: &str = "
    [timing]
    lease_ms = 4000
    election_min_ms = 5000
    election_max_ms = 6000
";

const LEASE: Duration = Duration::from_secs(4);

/// Starts a cluster and kills its leader. Returns the time from the kill until the next leader
/// leads.
fn failover(setup: Setup) -> Duration {
    let mut cluster = Cluster::start(Setup {
        settings: LONG_LEASE.to_owned(),
        ..setup
    });
    replaced(&mut cluster)
}

/// Kills the leader of a cluster. Returns the time from the kill until the next leader leads.
fn replaced(cluster: &mut Cluster) -> Duration {
    let (epoch, leader) = cluster.leader();
    let killed = now().nanos();
    cluster.kill(leader);
    let (_, next) = cluster.leader_after(epoch);
    Duration::from_nanos(cluster.led_at(next) - killed)
}

// If the leader is killed, a helper process proves its death to the peers: the heir under
// `elector node`, and the guardian under `elector run`. With the proof, the peers need not wait for
// the end of the leader's lease.
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

// After the death of a leader, its followers start elections one after the other. A follower that
// was seen to exit has no turn. After it has returned, its peers must count it again: otherwise two
// nodes could start an election at the same time, and there would be no leader before the next
// election timeout.
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

// In this test, the process that could prove the death of the leader is killed, too. But when the
// leader is started again, its new process gets a lock that the killed process, its guardian and
// its command held until they ended. This lock must prove the death to the peers.
#[test]
fn a_leader_that_restarts_at_once_proves_the_end_of_its_last_life() {
    for command in [Vec::new(), child::command()] {
        let kind = command.len();
        let mut cluster = Cluster::start(Setup {
            command,
            arguments: ["--heir", "false"].map(Into::into).into(),
            settings: LONG_LEASE.to_owned(),
            ..Setup::new("raft", 3)
        });
        let (epoch, leader) = cluster.leader();
        let killed = now().nanos();
        // The guardian is stopped before the node is killed, so that it cannot prove the death of
        // the node.
        let guardian = cluster.guardian(leader);
        let signal_guardian = |signal| {
            guardian
                .iter()
                .for_each(|&guardian| kill_process(guardian, signal).unwrap());
        };
        signal_guardian(Signal::STOP);
        cluster.signal(leader, Signal::KILL);
        signal_guardian(Signal::KILL);
        cluster.ended(leader);
        cluster.spawn(leader);
        let (_, next) = cluster.leader_after(epoch);
        let took = cluster.led_at(next) - killed;
        assert!(Duration::from_nanos(took) < LEASE / 2, "{kind}: {took} ns");
    }
}

// When the first process of a container ends, the kernel kills all other processes of the
// container, also the heir or the guardian, which would prove the node's death to its peers. So the
// node must not be the first process.
#[test]
fn a_node_that_is_killed_in_a_container_is_replaced_at_once() {
    let Some(container) = container() else {
        return;
    };
    for command in [Vec::new(), child::command()] {
        let mut cluster = Cluster::formatted(Setup {
            command,
            settings: LONG_LEASE.to_owned(),
            ..Setup::new("raft", 3)
        });
        for node in cluster.nodes() {
            let command = cluster.full_command(node);
            let mut unshare = Command::new(container[0]);
            unshare.args(&container[1..]).arg(command.get_program());
            unshare.args(command.get_args());
            let set = command.get_envs();
            unshare.envs(set.filter_map(|(name, value)| Some((name, value?))));
            cluster.spawn_as(node, unshare);
        }
        let (epoch, leader) = cluster.leader();
        let only = |of| *children(of).first().unwrap();
        let node = only(only(cluster.pid(leader)));
        let killed = now().nanos();
        kill_process(node, Signal::KILL).unwrap();
        assert_eq!(cluster.ended(leader), 128 + 9, "the exit code of a shell");
        let (_, next) = cluster.leader_after(epoch);
        let took = cluster.led_at(next) - killed;
        assert!(Duration::from_nanos(took) < LEASE / 2, "{took} ns");
        kill_process(only(cluster.pid(next)), Signal::TERM).unwrap();
        assert_eq!(cluster.ended(next), 0, "the signal is passed on");
    }
}

// Without an heir, the peers of a node that was killed only see refused connections, which do not
// prove its death. So they wait for the end of its lease.
#[test]
fn a_killed_leader_without_an_heir_is_replaced_after_its_lease() {
    let took = failover(Setup {
        arguments: ["--heir", "false"].map(Into::into).into(),
        ..Setup::new("raft", 3)
    });
    assert!(took > LEASE / 2, "{took:?}");
}
