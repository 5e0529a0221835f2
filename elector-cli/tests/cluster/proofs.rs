use std::{process::Command, time::Duration};

use elector_core::actor::now;
use rustix::process::{Signal, kill_process};

use crate::{
    child,
    cluster::{Cluster, Setup, children},
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
    Duration::from_nanos(cluster.led_at(next) - killed)
}

// The heir, or the guardian, proves to the peers that the node is dead: they need not wait for the
// end of its lease.
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

// Each follower was seen to leave, and is back: the others must know that it takes its turn, for
// two that campaign at once elect no leader before the next election timeout.
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

// What could prove it was killed, too; but the next life has a lock that all processes of the one
// before had until they ended.
#[test]
fn a_leader_that_is_started_again_at_once_proves_its_end() {
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
        // One that is stopped proves nothing.
        let guardian = cluster.guardian(leader);
        let signalled = |signal| {
            guardian
                .iter()
                .for_each(|&guardian| kill_process(guardian, signal).unwrap());
        };
        signalled(Signal::STOP);
        cluster.signal(leader, Signal::KILL);
        signalled(Signal::KILL);
        cluster.ended(leader);
        cluster.spawn(leader);
        let (_, next) = cluster.leader_after(epoch);
        let took = cluster.led_at(next) - killed;
        assert!(Duration::from_nanos(took) < LEASE / 2, "{kind}: {took} ns");
    }
}

// The kernel kills all processes of a container when its first one ends; so that one is not the
// node.
#[test]
fn a_node_that_is_killed_in_a_container_is_replaced_at_once() {
    let inside = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    let may = Command::new("unshare").args(inside).arg("true").status();
    if !may.is_ok_and(|status| status.success()) {
        println!("skipped: this user may not make PID namespaces (unshare --pid)");
        return;
    }
    for command in [Vec::new(), child::command()] {
        let mut cluster = Cluster::formatted(Setup {
            command,
            settings: LONG_LEASE.to_owned(),
            ..Setup::new("raft", 3)
        });
        for node in cluster.nodes() {
            let work = cluster.work(node);
            let mut unshare = Command::new("unshare");
            unshare.args(inside).arg(work.get_program());
            unshare.args(work.get_args());
            let set = work.get_envs();
            unshare.envs(set.filter_map(|(name, value)| Some((name, value?))));
            cluster.spawn_as(node, unshare);
        }
        let (epoch, leader) = cluster.leader();
        let only = |of| *children(of).first().unwrap();
        let node = only(only(cluster.pid(leader)));
        let killed = now().nanos();
        kill_process(node, Signal::KILL).unwrap();
        assert_eq!(cluster.ended(leader), 128 + 9, "as a shell has it");
        let (_, next) = cluster.leader_after(epoch);
        let took = cluster.led_at(next) - killed;
        assert!(Duration::from_nanos(took) < LEASE / 2, "{took} ns");
        kill_process(only(cluster.pid(next)), Signal::TERM).unwrap();
        assert_eq!(cluster.ended(next), 0, "the signal is passed on");
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
