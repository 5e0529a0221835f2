use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    cluster::{Cluster, Setup},
    command::{failed, finished, single},
};

// A program that reads JSON logs must also be able to read why a node could not be started.
#[test]
fn the_last_error_is_a_line_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let json = ["--log-format", "json"];
    fs::write(path("file"), "log_format = \"json\"\n").unwrap();
    fs::write(path("wrong"), "pears = []\n").unwrap();
    let node = || single("node", &path("data"));
    for (mut command, hint) in [
        // In this case the error occurs after the log was started.
        (node(), "--init"),
        // In these cases the error occurs before the log is started.
        (node(), "pears"),
        (node(), "--log"),
        (single("run", &path("data")), "no-such-command"),
    ] {
        command.args(json);
        match hint {
            "pears" => command.arg("--config").arg(path("wrong")),
            "--log" => command.args(["--log", "a=b=c"]),
            "no-such-command" => command.args(["--", hint]),
            _ => &mut command,
        };
        check_json(&failed(&mut command), hint);
    }
    // The log filter must not drop the error that ends the process. The format of the log may also
    // come from the settings file.
    let mut command = node();
    command.arg("--config").arg(path("file"));
    check_json(&failed(command.args(["--log", "off"])), "--init");
    let (_, output) = finished(&mut node());
    // Lines about signals that were ignored when this test was started may precede the error.
    let last = output.lines().last().unwrap();
    assert!(last.starts_with("error: "), "{output}");
}

// The field `node` must be a number in every line of the log. Most log stores drop a field that is
// a number in some lines and a text in other lines.
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
    let count = cluster.logs.inspect(|lines| {
        let lines = cluster.nodes().into_iter().flat_map(|node| lines.of(node));
        let nodes = lines.filter_map(|line| {
            let value: Value = serde_json::from_str(&line.text).ok()?;
            let node = value.get("node")?;
            assert!(node.is_u64(), "{}", line.text);
            node.as_u64()
        });
        nodes.count()
    });
    assert!(count > 3, "{count} lines name a node");
}

/// Checks that all lines are JSON, and that the last line is an error that contains the text
/// `hint`.
fn check_json(output: &str, hint: &str) {
    let line = |line| {
        let line = serde_json::from_str::<Value>(line);
        line.unwrap_or_else(|error| panic!("{error}: {output}"))
    };
    let lines: Vec<Value> = output.lines().map(line).collect();
    let last = lines.last().unwrap();
    assert_eq!(last["level"], "ERROR", "{output}");
    assert!(last["message"].as_str().unwrap().contains(hint), "{output}");
    assert!(last["timestamp"].is_string() && last["target"] == "elector");
}
