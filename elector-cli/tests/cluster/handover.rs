use std::{fs, time::Duration};

use elector_core::actor::now;
use rustix::process::Signal;

use crate::{
    child,
    cluster::{Cluster, Setup},
    command::{elector, finished, write_token},
};

/// A cluster that takes four seconds and more to notice a leader that says nothing.
fn slow(algorithm: &'static str) -> Setup {
    Setup {
        settings: "
            [timing]
            heartbeat_ms = 50
            lease_ms = 3000
            election_min_ms = 4000
            election_max_ms = 4200
            round_trip_ms = 200
            [run]
            margin_ms = 400
        "
        .to_owned(),
        ..Setup::new(algorithm, 3)
    }
}

/// Far below the time in which silence would be noticed, far above what a handover takes.
const AT_ONCE: Duration = Duration::from_secs(2);

// A deployment restarts every node in turn: each time the leader is told to end, the next one must
// lead at once, and not after an election timeout.
#[test]
fn a_leader_that_is_told_to_end_hands_over() {
    for algorithm in ["raft", "paxos", "bully", "ring"] {
        let mut cluster = Cluster::start(slow(algorithm));
        let (epoch, leader) = cluster.leader();
        let told = now().nanos();
        cluster.signal(leader, Signal::TERM);
        assert_eq!(cluster.ended(leader), 0, "{algorithm}");
        cluster.board.hears(leader, "handed over");
        let (_, next) = cluster.leader_after(epoch);
        let knew = cluster
            .board
            .look(|pinned| pinned.knows(next).unwrap().at_ns);
        let gap = Duration::from_nanos(knew - told);
        assert!(gap < AT_ONCE, "{algorithm}: {gap:?}");
    }
}

// The same with a command, which must have ended before the next one begins; and a follower that is
// told to end is nobody's concern.
#[test]
fn a_command_ends_before_the_next_one_begins() {
    let mut cluster = Cluster::start(Setup {
        command: child::command(),
        ..slow("raft")
    });
    let (epoch, leader) = cluster.leader();
    let follower = cluster.others(leader)[0];
    cluster.signal(follower, Signal::TERM);
    assert_eq!(cluster.ended(follower), 0);
    assert_eq!(cluster.leader(), (epoch, leader));
    cluster.spawn(follower);
    cluster.leader();
    let notes = cluster.shared(child::NOTES);
    let began = |times: usize| {
        let notes = fs::read_to_string(&notes).unwrap_or_default();
        notes.matches("began").count() == times
    };
    crate::until("the first command runs", || began(1));
    cluster.signal(leader, Signal::TERM);
    assert_eq!(cluster.ended(leader), 0);
    crate::until("the second command runs", || began(2));
    let notes = fs::read_to_string(&notes).unwrap();
    assert!(!notes.contains("overlaps"), "{notes}");
}

// What an operator does over HTTP, with the same command as from the node's own machine.
#[test]
fn a_node_is_asked_and_told_over_http() {
    let mut cluster = Cluster::stopped(Setup::new("raft", 3));
    let secret = cluster.path("token");
    write_token(&secret);
    for id in cluster.nodes() {
        assert_eq!(finished(cluster.command("node", id).arg("--init")).0, 0);
        let mut node = cluster.command("node", id);
        node.args(["--http", &cluster.http(id)])
            .arg("--token-file")
            .arg(&secret);
        cluster.spawn_as(id, node);
    }
    let (epoch, leader) = cluster.leader();
    let ask = |node: u64, arguments: &[&str]| {
        let mut command = elector(arguments);
        finished(command.args(["--http", &cluster.http(node)]))
    };
    let (others, told) = (cluster.others(leader), secret.display().to_string());
    crate::until("it holds the leadership", || {
        ask(leader, &["status"]).0 == 0
    });
    let (code, said) = ask(others[0], &["status"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&format!("leader     {leader}")), "{said}");

    let transfer = [
        "transfer",
        "--to",
        &others[1].to_string(),
        "--token-file",
        &told,
    ];
    let (code, said) = ask(leader, &transfer);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains(&format!("node {} leads epoch", others[1])),
        "{said}"
    );
    let (newer, next) = cluster.leader_after(epoch);
    assert_eq!(next, others[1]);

    let (code, said) = ask(next, &["step-down"]);
    assert_eq!(code, 3, "without the token: {said}");
    assert_eq!(cluster.leader(), (newer, next));
    let (code, said) = ask(next, &["step-down", "--token-file", &told]);
    assert_eq!(code, 0, "{said}");
    assert_ne!(cluster.leader_after(newer).1, next);
}
