use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    cluster::{Cluster, Setup},
    command::{finished, refused, single},
};

// Who reads JSON logs by machine reads the reason why a node did not start in the same way.
#[test]
fn the_last_error_is_a_line_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let json = ["--log-format", "json"];
    fs::write(path("file"), "log_format = \"json\"\n").unwrap();
    fs::write(path("wrong"), "pears = []\n").unwrap();
    let node = || single("node", &path("data"));
    for (mut command, told) in [
        // The log has begun.
        (node(), "--init"),
        // It has not.
        (node(), "pears"),
        (node(), "--log"),
        (single("run", &path("data")), "no-such-command"),
    ] {
        command.args(json);
        match told {
            "pears" => command.arg("--config").arg(path("wrong")),
            "--log" => command.args(["--log", "a=b=c"]),
            "no-such-command" => command.args(["--", told]),
            _ => &mut command,
        };
        is_json(&refused(&mut command), told);
    }
    // No filter keeps it away, and the file can say how it is to look.
    let mut command = node();
    command.arg("--config").arg(path("file"));
    is_json(&refused(command.args(["--log", "off"])), "--init");
    let (_, said) = finished(&mut node());
    assert!(said.starts_with("error: "), "{said}");
}

// A field that is a number in some lines and text in others is lost in most stores of logs.
#[test]
fn a_node_is_a_number_in_every_line() {
    let mut cluster = Cluster::start(Setup {
        arguments: ["--log", "debug"].map(Into::into).into(),
        ..Setup::new("raft", 3)
    });
    let (epoch, leader) = cluster.leader();
    cluster.signal(leader, Signal::TERM);
    assert_eq!(cluster.ended(leader), 0);
    cluster.leader_after(epoch);
    let told = cluster.board.look(|pinned| {
        let lines = cluster.nodes().into_iter().flat_map(|node| pinned.of(node));
        let nodes = lines.filter_map(|line| {
            let value: Value = serde_json::from_str(&line.text).ok()?;
            let node = value.get("node")?;
            assert!(node.is_u64(), "{}", line.text);
            node.as_u64()
        });
        nodes.count()
    });
    assert!(told > 3, "{told} lines tell of a node");
}

/// Whether all lines are JSON, and the last one tells of this as an error.
fn is_json(said: &str, told: &str) {
    let line = |line| {
        let line = serde_json::from_str::<Value>(line);
        line.unwrap_or_else(|error| panic!("{error}: {said}"))
    };
    let lines: Vec<Value> = said.lines().map(line).collect();
    let last = lines.last().unwrap();
    assert_eq!(last["level"], "ERROR", "{said}");
    assert!(last["message"].as_str().unwrap().contains(told), "{said}");
    assert!(last["timestamp"].is_string() && last["target"] == "elector");
}
