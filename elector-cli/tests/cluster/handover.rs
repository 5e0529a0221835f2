use std::{fs, time::Duration};

use elector_core::actor::now;
use rustix::process::Signal;

use crate::{
    child,
    cluster::{Cluster, Setup},
    command::{elector, finished, write_token},
};

/// Returns the parameters of a cluster that needs more than four seconds to notice that its leader
/// is silent.
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

/// The time limit of a hand-over. It is much shorter than the time in which the cluster of [`slow`]
/// notices that a leader is silent, and much longer than a hand-over takes.
const HANDOVER_LIMIT: Duration = Duration::from_secs(2);

// A deployment restarts one node after the other. When the leader is shut down, the next leader
// must lead at once, and not only after an election timeout has passed.
#[test]
fn a_leader_that_is_shut_down_hands_over() {
    for algorithm in ["raft", "paxos", "bully", "ring"] {
        let mut cluster = Cluster::start(slow(algorithm));
        let (epoch, leader) = cluster.leader();
        let shut_down = now().nanos();
        cluster.signal(leader, Signal::TERM);
        assert_eq!(cluster.ended(leader), 0, "{algorithm}");
        let complete = "shutdown complete: another node leads";
        cluster.logs.wait_for(leader, complete);
        let (_, next) = cluster.leader_after(epoch);
        let elected = cluster
            .logs
            .inspect(|lines| lines.view_of(next).unwrap().at_ns);
        let gap = Duration::from_nanos(elected - shut_down);
        assert!(gap < HANDOVER_LIMIT, "{algorithm}: {gap:?}");
    }
}

// With `elector run`, the command of a leader must have ended before the command of the next leader
// starts. The shutdown of a follower must not change the leader.
#[test]
fn a_command_ends_before_the_next_one_starts() {
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

// Operators query nodes and send commands to them over HTTP, with the program `elector`. A transfer
// and a step-down must move the leadership, and a node must reject a command without the token.
#[test]
fn nodes_are_queried_and_commanded_over_http() {
    let mut cluster = Cluster::stopped(Setup::new("raft", 3));
    let token = cluster.path("token");
    write_token(&token);
    for id in cluster.nodes() {
        assert_eq!(finished(cluster.command("node", id).arg("--init")).0, 0);
        let mut node = cluster.command("node", id);
        node.args(["--http", &cluster.http(id)])
            .arg("--token-file")
            .arg(&token);
        cluster.spawn_as(id, node);
    }
    let (epoch, leader) = cluster.leader();
    let query = |node: u64, arguments: &[&str]| {
        let mut command = elector(arguments);
        finished(command.args(["--http", &cluster.http(node)]))
    };
    let (others, token) = (cluster.others(leader), token.display().to_string());
    crate::until("it holds the leadership", || {
        query(leader, &["status"]).0 == 0
    });
    let (code, output) = query(others[0], &["status"]);
    assert_eq!(code, 1, "{output}");
    assert!(output.contains(&format!("leader     {leader}")), "{output}");

    let transfer = [
        "transfer",
        "--to",
        &others[1].to_string(),
        "--token-file",
        &token,
    ];
    let (code, output) = query(leader, &transfer);
    assert_eq!(code, 0, "{output}");
    assert!(
        output.contains(&format!("node {} leads epoch", others[1])),
        "{output}"
    );
    let (newer, next) = cluster.leader_after(epoch);
    assert_eq!(next, others[1]);

    let (code, output) = query(next, &["step-down"]);
    assert_eq!(code, 3, "without the token: {output}");
    assert_eq!(cluster.leader(), (newer, next));
    let (code, output) = query(next, &["step-down", "--token-file", &token]);
    assert_eq!(code, 0, "{output}");
    assert_ne!(cluster.leader_after(newer).1, next);
}
