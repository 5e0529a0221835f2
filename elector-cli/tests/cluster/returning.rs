use std::process::Command;

use rustix::process::{Resource, Rlimit, Signal, prlimit};

use crate::cluster::{Cluster, Setup};

// The cluster must replace a leader that was killed. After its restart, the node must find its last
// epoch on its own disk, without help from other nodes.
#[test]
fn a_killed_leader_restores_its_state_from_its_disk() {
    for algorithm in ["raft", "paxos", "bully", "ring"] {
        let mut cluster = Cluster::start(Setup::new(algorithm, 3));
        let (epoch, leader) = cluster.leader();
        cluster.kill(leader);
        let (newer, next) = cluster.leader_after(epoch);
        assert_ne!(next, leader, "{algorithm}");
        cluster.spawn(leader);
        cluster.leader();
        for node in cluster.nodes() {
            cluster.kill(node);
        }
        cluster.spawn(next);
        let first = cluster
            .logs
            .wait_until("the first view after the restart", |lines| {
                lines.view_of(next).cloned()
            });
        assert!(first.epoch >= newer, "{algorithm}: {first:?} after {newer}");
    }
}

// A node that cannot save its vote must not vote. It must stop with an error, and with an exit code
// that differs from the code of a node that was shut down.
#[test]
fn a_node_whose_disk_fails_stops_with_an_error() {
    let mut cluster = Cluster::start(Setup::new("raft", 3));
    let (epoch, leader) = cluster.leader();
    let [broken, sound] = cluster.others(leader)[..] else {
        unreachable!("there are three nodes");
    };
    cluster.signal(broken, Signal::TERM);
    cluster.ended(broken);
    // With a limit for the size of files, writes fail as on a full disk. The kernel also sends the
    // signal SIGXFSZ at the limit. This signal must be ignored, because it would kill the process.
    let node = cluster.command("node", broken);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
    shell
        .arg(node.get_program())
        .args(node.get_args())
        .env_clear();
    cluster.spawn_as(broken, shell);
    cluster.leader();
    let nothing = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    prlimit(Some(cluster.pid(broken)), Resource::Fsize, nothing).unwrap();
    // Now the two nodes that are left must elect a leader, and `broken` must save its vote.
    cluster.kill(leader);
    assert_eq!(cluster.ended(broken), 3);
    cluster.logs.wait_for(broken, "could not be written");
    cluster.logs.wait_for(broken, "Check the disk");
    cluster.spawn(broken);
    let (newer, _) = cluster.leader_after(epoch);
    assert!(newer > epoch);
    assert!(cluster.is_running(sound));
}
