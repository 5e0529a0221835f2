//! The list of nodes is that of the data folder, and is changed by `elector members` alone.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::Signal;

use crate::{
    cluster::{Cluster, Setup},
    command::{elector, finished, refused},
};

/// A node of this list, in this folder; none of them ever listens.
fn node(what: &str, folder: &Path, id: u64, list: &[u64]) -> Command {
    let peers: Vec<String> = list
        .iter()
        .map(|id| format!("{id}=127.0.0.1:{id}"))
        .collect();
    let mut command = elector(&[what, "--id", &id.to_string()]);
    command.args(["--peers", &peers.join(","), "--data-dir"]);
    command.arg(place(folder, id));
    command
}

fn place(folder: &Path, id: u64) -> PathBuf {
    folder.join(id.to_string())
}

fn done(command: &mut Command) -> String {
    let (code, said) = finished(command);
    assert_eq!(code, 0, "{said}");
    said
}

// Growing from three to five by restarting a node with the new list made two leaders in one epoch.
#[test]
fn another_list_is_refused_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    done(node("node", folder.path(), 1, &[1, 2, 3]).arg("--init"));
    let list = [1, 2, 3, 4, 5];
    let refusals = [
        refused(&mut node("node", folder.path(), 1, &list)),
        refused(node("node", folder.path(), 1, &list).arg("--check-config")),
        refused(node("run", folder.path(), 1, &list).args(["--", "true"])),
        refused(node("run", folder.path(), 1, &list).args(["--check-config", "--", "true"])),
    ];
    for said in refusals {
        assert!(said.contains("1, 2, 3 (generation 1)"), "{said}");
        assert!(said.contains("elector members"), "{said}");
    }
    let said = done(node("node", folder.path(), 1, &[3, 2, 1]).arg("--check-config"));
    assert!(said.contains("can be used"), "{said}");
}

// The way that the texts lead to, from one end to the other.
#[test]
fn the_list_is_changed_while_all_nodes_are_stopped() {
    let mut cluster = Cluster::start(Setup::new("raft", 3));
    let (epoch, _) = cluster.leader();
    let folder = |id: u64| cluster.path(&id.to_string());
    let folders = [folder(1), folder(2), folder(3)];
    let show = |folders: &[PathBuf]| {
        let mut command = elector(&["members", "show"]);
        command.args(folders);
        command
    };
    let said = refused(&mut show(&folders));
    assert!(said.contains("in use by process"), "{said}");
    for id in 1..=3 {
        cluster.signal(id, Signal::TERM);
    }
    for id in 1..=3 {
        assert_eq!(cluster.ended(id), 0);
    }

    let said = done(&mut show(&folders[..2]));
    assert!(said.contains("Not shown: nodes 3"), "{said}");
    let said = done(&mut show(&folders));
    assert!(!said.contains("Not shown"), "{said}");
    assert!(said.contains("highest generation  1"), "{said}");
    let highest = said.split("highest epoch").nth(1).unwrap();
    let highest: u64 = highest.split_whitespace().next().unwrap().parse().unwrap();
    assert!(highest >= epoch, "{said}");

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
        let mut command = elector(&["members", "set"]);
        command.args(arguments).args(folders);
        command
    };
    let said = refused(&mut set(&folders[2..]));
    assert!(said.contains("node 3 is not in the list"), "{said}");
    let root = tempfile::tempdir().unwrap();
    done(node("node", root.path(), 4, &[1, 2, 4]).args(["--name", "elector", "--init"]));
    let fourth = place(root.path(), 4);
    let all = [folders[0].clone(), folders[1].clone(), fourth];
    assert_eq!(done(&mut set(&all)).matches(": changed\n").count(), 3);
    assert_eq!(done(&mut set(&all)).matches("changed before").count(), 3);
    let said = done(&mut show(&all));
    let above = format!("highest epoch       {}", highest + 1);
    assert!(said.contains(&above) && said.contains("1,2,4"), "{said}");

    let said = refused(&mut cluster.command("node", 1));
    assert!(said.contains("1, 2, 4 (generation 2)"), "{said}");
    let mut forget = elector(&["members", "forget", "--node", "2"]);
    let said = done(forget.arg(&folders[0]));
    assert!(said.contains("is forgotten"), "{said}");
}
