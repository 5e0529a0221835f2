use std::process::Command;

use rustix::process::{Resource, Rlimit, Signal, prlimit};

use crate::cluster::{Cluster, Setup};

// A leader killed with -9 must be replaced, and must find its promises again where it left them:
// on its disk, with nobody there to remind it.
#[test]
fn a_killed_leader_comes_back_from_its_disk() {
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
        let first = cluster.board.wait("what it knows by itself", |pinned| {
            pinned.knows(next).cloned()
        });
        assert!(first.epoch >= newer, "{algorithm}: {first:?} after {newer}");
    }
}

// A disk that takes no more votes ends the node, loudly, and with a code of its own: it must not
// vote without one, nor be taken for one that was told to end.
#[test]
fn a_node_whose_disk_fails_ends_and_says_so() {
    let mut cluster = Cluster::start(Setup::new("raft", 3));
    let (epoch, leader) = cluster.leader();
    let [broken, sound] = cluster.others(leader)[..] else {
        unreachable!("there are three");
    };
    cluster.signal(broken, Signal::TERM);
    cluster.ended(broken);
    // What is over the limit of a file's size cannot be written, as on a disk that is full; the
    // signal that comes with it would kill the process.
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
    // Now the two others have to elect, and this one has to save a vote for that.
    cluster.kill(leader);
    assert_eq!(cluster.ended(broken), 3);
    cluster.board.hears(broken, "could not be written");
    cluster.board.hears(broken, "See to the disk");
    cluster.spawn(broken);
    let (newer, _) = cluster.leader_after(epoch);
    assert!(newer > epoch);
    assert!(cluster.is_running(sound));
}
