use std::{ffi::OsString, fs};

use rustix::process::Signal;

use crate::{
    cluster::{Cluster, Setup},
    command::{elector, finished, write_token},
    until,
};

/// Returns a cluster whose command adds a line to a file and ends. `policy` is the value of
/// `--on-exit`.
fn finishing(nodes: u64, policy: &str) -> Cluster {
    let work = ["sh", "-c", "echo x >> $CHILD_FOLDER/runs"];
    let mut cluster = Cluster::formatted(Setup {
        command: work.map(OsString::from).into(),
        arguments: ["--on-exit", policy].map(Into::into).into(),
        ..Setup::new("raft", nodes)
    });
    let token = cluster.path("token");
    write_token(&token);
    for id in cluster.nodes() {
        let mut node = cluster.full_command(id);
        node.env("ELECTOR_HTTP", cluster.http(id));
        node.env("ELECTOR_TOKEN_FILE", &token);
        cluster.spawn_as(id, node);
    }
    cluster
}

fn runs(cluster: &Cluster) -> usize {
    let runs = fs::read_to_string(cluster.shared("runs"));
    runs.unwrap_or_default().lines().count()
}

/// Returns the value of a metric of a node.
fn metric(cluster: &Cluster, node: u64, name: &str) -> u64 {
    let answer = ureq::get(format!("http://{}/metrics", cluster.http(node))).call();
    let text = answer.unwrap().body_mut().read_to_string().unwrap();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value
        .unwrap_or_else(|| panic!("{name}: {text}"))
        .parse()
        .unwrap()
}

// With `--on-exit wait`, a job runs once in each tenure, the time in which a node leads one epoch.
// After the job, the leader logs that it continues to lead, continues to lead, and steps down on
// request.
#[test]
fn a_node_can_lead_after_the_end_of_its_command() {
    let cluster = finishing(3, "wait");
    let (epoch, leader) = cluster.leader();
    cluster.logs.wait_for(leader, "the node continues to lead");
    assert_eq!(runs(&cluster), 1);
    for (name, value) in [
        ("elector_command_starts_total", 1),
        ("elector_command_restarts_total", 0),
        ("elector_command_failures_total", 0),
        ("elector_command_kills_total", 0),
        ("elector_command_late_ends_total", 0),
        ("elector_command_running", 0),
    ] {
        assert_eq!(metric(&cluster, leader, name), value, "{name}");
    }
    let query = |arguments: &[&str]| {
        let mut command = elector(arguments);
        finished(command.args(["--http", &cluster.http(leader)]))
    };
    let (code, output) = query(&["status"]);
    assert_eq!(code, 0, "it holds the leadership: {output}");
    let token = cluster.path("token").display().to_string();
    let (code, output) = query(&["step-down", "--token-file", &token]);
    assert_eq!(code, 0, "{output}");
    let (_, next) = cluster.leader_after(epoch);
    cluster.logs.wait_for(next, "the node continues to lead");
    assert_eq!(runs(&cluster), 2);
}

// If an operator runs a short job as if it was a service, the job is started again and again, and
// the node must warn.
#[test]
fn a_command_that_ends_again_and_again_causes_a_warning() {
    let mut cluster = finishing(1, "restart");
    cluster.leader();
    cluster.logs.wait_for(1, "third time within a minute");
    until("it is counted", || {
        metric(&cluster, 1, "elector_command_restarts_total") >= 2
    });
    cluster.signal(1, Signal::TERM);
    assert_eq!(cluster.ended(1), 0);
}
