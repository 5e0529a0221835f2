use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    cluster::{Cluster, Setup},
    command::{elector, finished, own_ip, refused, single},
};

// A node whose disk was lost looks like one that has never run: it must not be started by chance,
// nor be formatted a second time.
#[test]
fn a_node_is_formatted_once_before_it_is_started() {
    let mut cluster = Cluster::stopped(Setup::new("raft", 1));
    let said = refused(&mut cluster.command("node", 1));
    assert!(
        said.contains("no record") && said.contains("--init"),
        "{said}"
    );

    let (code, said) = finished(cluster.command("node", 1).arg("--init"));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("without --init"), "{said}");
    let said = refused(cluster.command("node", 1).arg("--init"));
    assert!(said.contains("start the node without `--init`"), "{said}");

    cluster.spawn(1);
    assert_eq!(cluster.leader().1, 1);
    cluster.signal(1, Signal::TERM);
    assert_eq!(cluster.ended(1), 0);
}

// A folder that was mounted in the wrong place holds another's votes.
#[test]
fn the_folder_of_another_node_is_refused() {
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
        let said = refused(&mut node(name, id, algorithm));
        assert!(said.contains("start it with its own data folder"), "{said}");
        assert!(said.contains("billing") && said.contains(name), "{said}");
        assert!(said.contains("raft") && said.contains(algorithm), "{said}");
    }
}

// Two processes with one record would vote twice.
#[test]
fn a_folder_in_use_is_refused() {
    let mut cluster = Cluster::start(Setup::new("raft", 1));
    cluster.leader();
    // As a copy of a unit file would have it, with the port changed because it was taken.
    let mut second = cluster.bare("node", 1);
    second.args(["--listen", &format!("{}:7101", own_ip())]);
    let said = refused(&mut second);
    let first = cluster.pid(1).as_raw_nonzero().to_string();
    assert!(
        said.contains("in use by process") && said.contains(&first),
        "{said}"
    );
    assert!(cluster.is_running(1));
}

// A script that cleans up deletes lock files.
#[test]
fn a_folder_in_use_is_refused_without_its_lock_file_too() {
    let mut cluster = Cluster::start(Setup::new("raft", 1));
    cluster.leader();
    fs::remove_file(cluster.path("1").join("lock")).unwrap();
    let mut second = cluster.bare("node", 1);
    second.args(["--listen", &format!("{}:7101", own_ip())]);
    let said = refused(&mut second);
    assert!(said.contains("in use by another process"), "{said}");
    let mut show = elector(&["members", "show"]);
    let said = refused(show.arg(cluster.path("1")));
    assert!(said.contains("in use by another process"), "{said}");
    assert!(cluster.is_running(1));
}

// A node that went on would save its votes into a deleted file, and have forgotten them when it is
// started again.
#[test]
fn a_node_whose_folder_is_gone_ends() {
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
        cluster.board.hears(1, "deleted, moved or replaced");
    }
}

// A user of the machine who can write in the folder can put back a record of an earlier day.
#[test]
fn a_folder_that_others_can_write_in_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert_eq!(finished(single("node", &data).arg("--init")).0, 0);
    fs::set_permissions(&data, fs::Permissions::from_mode(0o757)).unwrap();
    let hint = format!("chmod 0755 {}", data.display());
    let said = refused(&mut single("node", &data));
    assert!(said.contains(&hint), "{said}");
    let said = refused(single("node", &data).arg("--check-config"));
    assert!(said.contains(&hint), "{said}");
}

// The same port twice is the commonest slip on one machine.
#[test]
fn an_address_in_use_is_named() {
    let cluster = Cluster::start(Setup::new("raft", 1));
    cluster.leader();
    let folder = tempfile::tempdir().unwrap();
    let address = cluster.address(1).to_string();
    let data = folder.path().join("data");
    assert_eq!(finished(single("node", &data).arg("--init")).0, 0);
    let said = refused(single("node", &data).args(["--listen", &address]));
    assert!(
        said.contains(&address) && said.contains("another node"),
        "{said}"
    );
}

// Without TLS whoever reaches the port can vote; that must be wanted.
#[test]
fn plain_text_stays_on_loopback() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert_eq!(finished(single("node", &data).arg("--init")).0, 0);
    let beyond = ["--listen", "0.0.0.0:0"];
    let said = refused(single("node", &data).args(beyond));
    assert!(
        said.contains("0.0.0.0") && said.contains("set up TLS"),
        "{said}"
    );

    let mut wanted = single("node", &data);
    wanted.args(beyond).arg("--plaintext-beyond-loopback");
    let mut node = wanted.stderr(Stdio::piped()).spawn().unwrap();
    let log = std::io::BufReader::new(node.stderr.take().unwrap());
    let leads = std::io::BufRead::lines(log).map_while(Result::ok);
    assert!(
        leads
            .into_iter()
            .any(|line| line.contains("this node leads"))
    );
    kill_process(Pid::from_child(&node), Signal::TERM).unwrap();
    assert!(node.wait().unwrap().success());

    // HTTP tells everybody who leads, and takes orders.
    let said = refused(single("node", &data).args(["--http", "0.0.0.0:0"]));
    assert!(
        said.contains("0.0.0.0") && said.contains("no TLS"),
        "{said}"
    );
}

// What was formatted is not looked for in the wrong place: the folder is made, not its parents'
// owner's whole tree.
#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let said = refused(single("node", &file.join("data")).arg("--init"));
    assert!(said.contains("file/data"), "{said}");
}
