use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    cluster::{Cluster, Setup},
    command::{elector, failed, finished, own_ip, single},
};

// If a node has lost its disk, its folder looks like the folder of a node that has never run. So a
// node must not start without an explicit `--init` before, and `--init` must not format a folder
// twice.
#[test]
fn a_node_is_formatted_once_before_its_first_start() {
    let mut cluster = Cluster::stopped(Setup::new("raft", 1));
    let output = failed(&mut cluster.command("node", 1));
    assert!(
        output.contains("no record") && output.contains("--init"),
        "{output}"
    );

    let (code, output) = finished(cluster.command("node", 1).arg("--init"));
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("without --init"), "{output}");
    let output = failed(cluster.command("node", 1).arg("--init"));
    assert!(
        output.contains("start the node without `--init`"),
        "{output}"
    );

    cluster.spawn(1);
    assert_eq!(cluster.leader().1, 1);
    cluster.signal(1, Signal::TERM);
    assert_eq!(cluster.ended(1), 0);
}

// If the folder of another node is mounted by mistake, it contains the votes of that node, and this
// node must not use it.
#[test]
fn the_folder_of_another_node_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let peers = format!("1={0}:7101,2={0}:7102", own_ip());
    let node = |name: &str, id: &str, algorithm: &str| {
        let mut command = elector(&["node", "--name", name, "--id", id, "--peers", &peers]);
        command
            .args(["--algorithm", algorithm])
            .arg("--data-dir")
            .arg(&data);
        command
    };
    assert_eq!(finished(node("billing", "1", "raft").arg("--init")).0, 0);
    for (name, id, algorithm) in [
        ("billing", "2", "raft"),
        ("orders", "1", "raft"),
        ("billing", "1", "paxos"),
    ] {
        let output = failed(&mut node(name, id, algorithm));
        assert!(
            output.contains("start it with its own data folder"),
            "{output}"
        );
        assert!(
            output.contains("billing") && output.contains(name),
            "{output}"
        );
        assert!(
            output.contains("raft") && output.contains(algorithm),
            "{output}"
        );
    }
}

// If two processes used the same record, which contains the votes of a node, both could vote in one
// epoch. So the second process must not start.
#[test]
fn a_folder_in_use_is_rejected() {
    let mut cluster = Cluster::start(Setup::new("raft", 1));
    cluster.leader();
    // The second node is like a copied unit file in which the operator has changed only the port,
    // because the port was in use.
    let mut second = cluster.bare("node", 1);
    second.args(["--listen", &format!("{}:7101", own_ip())]);
    let output = failed(&mut second);
    let first = cluster.pid(1).as_raw_nonzero().to_string();
    assert!(
        output.contains("in use by process") && output.contains(&first),
        "{output}"
    );
    assert!(cluster.is_running(1));
}

// A script that cleans folders up may delete the lock file of a folder. A second process must then
// still reject the folder while the node runs.
#[test]
fn a_folder_in_use_is_rejected_even_without_its_lock_file() {
    let mut cluster = Cluster::start(Setup::new("raft", 1));
    cluster.leader();
    fs::remove_file(cluster.path("1").join("lock")).unwrap();
    let mut second = cluster.bare("node", 1);
    second.args(["--listen", &format!("{}:7101", own_ip())]);
    let output = failed(&mut second);
    assert!(output.contains("in use by another process"), "{output}");
    let mut show = elector(&["record", "show"]);
    let output = failed(show.arg(cluster.path("1")));
    assert!(output.contains("in use by another process"), "{output}");
    assert!(cluster.is_running(1));
}

// If the node continued, it would save its votes to a deleted file. After its restart it would not
// know these votes.
#[test]
fn a_node_whose_folder_was_deleted_or_replaced_stops() {
    for replaced in [false, true] {
        let mut cluster = Cluster::start(Setup::new("raft", 1));
        cluster.leader();
        let (data, aside) = (cluster.path("1"), cluster.path("aside"));
        if replaced {
            fs::rename(&data, &aside).unwrap();
            fs::create_dir(&data).unwrap();
            fs::copy(aside.join("record"), data.join("record")).unwrap();
        } else {
            fs::remove_dir_all(&data).unwrap();
        }
        assert_eq!(cluster.ended(1), 3);
        cluster.logs.wait_for(1, "deleted, moved or replaced");
    }
}

// Another user who can write to the folder could restore an old record, in which votes are missing.
#[test]
fn a_folder_that_other_users_can_write_to_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert_eq!(finished(single("node", &data).arg("--init")).0, 0);
    fs::set_permissions(&data, fs::Permissions::from_mode(0o757)).unwrap();
    let hint = format!("chmod 0755 {}", data.display());
    let output = failed(&mut single("node", &data));
    assert!(output.contains(&hint), "{output}");
    let output = failed(single("node", &data).arg("--check-config"));
    assert!(output.contains(&hint), "{output}");
}

// On one machine, operators often give two nodes the same port by mistake. The error must name the
// address that is in use.
#[test]
fn an_address_in_use_is_named() {
    let cluster = Cluster::start(Setup::new("raft", 1));
    cluster.leader();
    let folder = tempfile::tempdir().unwrap();
    let address = cluster.address(1).to_string();
    let data = folder.path().join("data");
    assert_eq!(finished(single("node", &data).arg("--init")).0, 0);
    let output = failed(single("node", &data).args(["--listen", &address]));
    assert!(
        output.contains(&address) && output.contains("another node"),
        "{output}"
    );
}

// Without TLS, any program that reaches the port can vote, so the operator must allow other
// machines explicitly.
#[test]
fn connections_without_tls_are_limited_to_loopback() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert_eq!(finished(single("node", &data).arg("--init")).0, 0);
    let beyond = ["--listen", "0.0.0.0:0"];
    let output = failed(single("node", &data).args(beyond));
    assert!(
        output.contains("0.0.0.0") && output.contains("set up TLS"),
        "{output}"
    );

    let mut allowed = single("node", &data);
    allowed.args(beyond).arg("--plaintext-beyond-loopback");
    let mut node = allowed.stderr(Stdio::piped()).spawn().unwrap();
    let log = std::io::BufReader::new(node.stderr.take().unwrap());
    let mut lines = std::io::BufRead::lines(log).map_while(Result::ok);
    assert!(lines.any(|line| line.contains("this node leads")));
    kill_process(Pid::from_child(&node), Signal::TERM).unwrap();
    assert!(node.wait().unwrap().success());

    // HTTP shows the status of the node, and accepts commands. So HTTP must also be limited to
    // loopback addresses.
    let output = failed(single("node", &data).args(["--http", "0.0.0.0:0"]));
    assert!(
        output.contains("0.0.0.0") && output.contains("no TLS"),
        "{output}"
    );
}

// The error must name the folder, so that the operator can correct the path.
#[test]
fn a_folder_that_cannot_be_created_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let output = failed(single("node", &file.join("data")).arg("--init"));
    assert!(output.contains("file/data"), "{output}");
}
