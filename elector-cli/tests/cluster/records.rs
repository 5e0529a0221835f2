//! Tests of the data folders under algorithms with fixed members. The list of nodes is in the data
//! folder, and only `elector record set` changes it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::Signal;

use crate::{
    cluster::{Cluster, Setup},
    command::{elector, failed, finished},
};

/// Returns the command line of a node whose cluster has the nodes in `list`. Its data is in a
/// folder inside `folder`. These nodes never open a port.
fn node(subcommand: &str, folder: &Path, id: u64, list: &[u64]) -> Command {
    let peers: Vec<String> = list
        .iter()
        .map(|id| format!("{id}=127.0.0.1:{id}"))
        .collect();
    let mut command = elector(&[subcommand, "--algorithm", "bully", "--id", &id.to_string()]);
    command.args(["--peers", &peers.join(","), "--data-dir"]);
    command.arg(data_dir(folder, id));
    command
}

fn data_dir(folder: &Path, id: u64) -> PathBuf {
    folder.join(id.to_string())
}

/// Runs a command that must succeed. Returns its output.
fn succeeded(command: &mut Command) -> String {
    let (code, output) = finished(command);
    assert_eq!(code, 0, "{output}");
    output
}

// A node must reject another list of nodes than the list in its record. Otherwise it could be
// restarted with five nodes in its list instead of three: in an earlier version, this led to two
// leaders in one epoch.
#[test]
fn another_list_is_rejected_by_every_subcommand() {
    let folder = tempfile::tempdir().unwrap();
    succeeded(node("node", folder.path(), 1, &[1, 2, 3]).arg("--init"));
    let list = [1, 2, 3, 4, 5];
    let outputs = [
        failed(&mut node("node", folder.path(), 1, &list)),
        failed(node("node", folder.path(), 1, &list).arg("--check-config")),
        failed(node("run", folder.path(), 1, &list).args(["--", "true"])),
        failed(node("run", folder.path(), 1, &list).args(["--check-config", "--", "true"])),
    ];
    for output in outputs {
        assert!(output.contains("1, 2, 3 (generation 1)"), "{output}");
        assert!(output.contains("elector record set"), "{output}");
    }
    let output = succeeded(node("node", folder.path(), 1, &[3, 2, 1]).arg("--check-config"));
    assert!(output.contains("are valid"), "{output}");
}

// The steps in `elector record set --help` must work. This test takes all of them, in the order of
// the help.
#[test]
fn the_list_is_changed_while_all_nodes_are_stopped() {
    let mut cluster = Cluster::start(Setup::new("bully", 3));
    let (epoch, _) = cluster.leader();
    let folder = |id: u64| cluster.path(&id.to_string());
    let folders = [folder(1), folder(2), folder(3)];
    let show = |folders: &[PathBuf]| {
        let mut command = elector(&["record", "show"]);
        command.args(folders);
        command
    };
    let output = failed(&mut show(&folders));
    assert!(output.contains("in use by process"), "{output}");
    for id in 1..=3 {
        cluster.signal(id, Signal::TERM);
    }
    for id in 1..=3 {
        assert_eq!(cluster.ended(id), 0);
    }

    let output = succeeded(&mut show(&folders[..2]));
    assert!(output.contains("Not shown: nodes 3"), "{output}");
    let output = succeeded(&mut show(&folders));
    assert!(!output.contains("Not shown"), "{output}");
    assert!(output.contains("highest generation  1"), "{output}");
    let highest = output.split("highest epoch").nth(1).unwrap();
    let highest: u64 = highest.split_whitespace().next().unwrap().parse().unwrap();
    assert!(highest >= epoch, "{output}");

    let set = |folders: &[PathBuf]| {
        let floor = highest.to_string();
        let arguments = [
            "--nodes",
            "1,2,4",
            "--generation",
            "2",
            "--epoch-floor",
            &floor,
        ];
        let mut command = elector(&["record", "set"]);
        command.args(arguments).args(folders);
        command
    };
    let output = failed(&mut set(&folders[2..]));
    assert!(output.contains("node 3 is not in the list"), "{output}");
    let root = tempfile::tempdir().unwrap();
    succeeded(node("node", root.path(), 4, &[1, 2, 4]).args(["--name", "elector", "--init"]));
    let fourth = data_dir(root.path(), 4);
    let all = [folders[0].clone(), folders[1].clone(), fourth];
    assert_eq!(succeeded(&mut set(&all)).matches(": changed\n").count(), 3);
    assert_eq!(
        succeeded(&mut set(&all)).matches("already changed").count(),
        3
    );
    let output = succeeded(&mut show(&all));
    let above = format!("highest epoch       {}", highest + 1);
    assert!(
        output.contains(&above) && output.contains("1,2,4"),
        "{output}"
    );

    let output = failed(&mut cluster.command("node", 1));
    assert!(output.contains("1, 2, 4 (generation 2)"), "{output}");
    let mut forget = elector(&["record", "forget", "--node", "2"]);
    let output = succeeded(forget.arg(&folders[0]));
    assert!(output.contains("is forgotten"), "{output}");
}
