use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    cluster::{Cluster, PATIENT, Setup, children, gone, name},
    command::{elector, finished, own_ip, single},
    until,
};

/// `elector run` of a shell command, alone in its cluster.
fn shell(folder: &Path, arguments: &[&str], script: &str) -> Command {
    let data = folder.join("data");
    assert_eq!(finished(single("node", &data).arg("--init")).0, 0);
    let mut command = single("run", &data);
    command.args(arguments).args(["--", "sh", "-c", script]);
    command
}

// A command that has failed is told to whoever started the node, if that is wanted.
#[test]
fn the_end_of_the_command_can_be_that_of_the_node() {
    for (script, code) in [("exit 7", 7), ("exit 0", 0), ("kill -9 $$", 137)] {
        let folder = tempfile::tempdir().unwrap();
        let stop = ["--on-exit", "stop"];
        let (ended, said) = finished(&mut shell(folder.path(), &stop, script));
        assert_eq!(ended, code, "{script}: {said}");
        assert_eq!(said.contains("ERROR"), code != 0, "{script}: {said}");
    }
}

// Without its command a node must not even join.
#[test]
fn a_command_that_is_not_there_is_told_before_anything_else() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for command in ["no-such-command", "/etc"] {
        let (code, said) = finished(single("run", &data).args(["--", command]));
        assert_eq!(code, 2);
        assert!(said.contains(command), "{said}");
    }
}

// The token is what a command has to send along with every write; one that the node itself was
// started with is another's.
#[test]
fn the_command_knows_node_epoch_and_token() {
    for (algorithm, has_token) in [("raft", true), ("bully", false)] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let peers = format!("5={}:7101", own_ip());
        let node = |what: &str| {
            let mut command = elector(&[what, "--id", "5", "--peers", &peers]);
            command
                .args(["--algorithm", algorithm])
                .arg("--data-dir")
                .arg(&data);
            command
        };
        assert_eq!(finished(node("node").arg("--init")).0, 0);
        let mut run = node("run");
        run.args(["--on-exit", "stop", "--", "sh", "-c", "env > $0"]);
        run.arg(folder.path().join("env"));
        run.env("ELECTOR_FENCING_TOKEN", "999")
            .env("PASSED_ON", "yes");
        let (code, said) = finished(&mut run);
        assert_eq!(code, 0, "{said}");
        let env = fs::read_to_string(folder.path().join("env")).unwrap();
        let env: BTreeMap<_, _> = env
            .lines()
            .filter_map(|line| line.split_once('='))
            .collect();
        assert_eq!(env["ELECTOR_NODE"], "5");
        assert_eq!(env["PASSED_ON"], "yes");
        let epoch: u64 = env["ELECTOR_EPOCH"].parse().unwrap();
        let token = env.get("ELECTOR_FENCING_TOKEN").copied();
        assert_eq!(
            token,
            has_token
                .then(|| (epoch * 16_384 + 1).to_string())
                .as_deref(),
            "{algorithm}"
        );
    }
}

/// A process that ignores SIGTERM, and says who it is.
const STUBBORN: &str = "trap '' TERM; echo $$ > $CHILD_FOLDER/new; \
                        mv $CHILD_FOLDER/new $CHILD_FOLDER/pid; while :; do sleep 1000; done";

fn stubborn() -> Setup {
    let command = ["sh", "-c", STUBBORN].map(OsString::from);
    Setup {
        command: command.into(),
        arguments: ["--grace-ms", "3600000", "--leave-ms", "3600000"]
            .map(Into::into)
            .into(),
        ..Setup::new("raft", 3)
    }
}

fn pid_of_command(cluster: &Cluster) -> Pid {
    let path = cluster.shared("pid");
    until("the command runs", || path.exists());
    let pid = fs::read_to_string(path).unwrap();
    Pid::from_raw(pid.trim().parse().unwrap()).unwrap()
}

// An operator who is in a hurry says it twice. The first time, the command has all of its grace, an
// hour here.
#[test]
fn a_second_sigterm_ends_a_node_at_once() {
    let mut cluster = Cluster::start(stubborn());
    let (epoch, leader) = cluster.leader();
    let pid = pid_of_command(&cluster);
    cluster.signal(leader, Signal::TERM);
    cluster.board.hears(leader, "told to end: handing over");
    assert!(cluster.is_running(leader) && !gone(pid));
    cluster.signal(leader, Signal::TERM);
    cluster.ended(leader);
    assert!(gone(pid), "the node has ended, and its command has not");
    cluster.leader_after(epoch);
}

// A leader that is stopped cannot stop its command: its guardian must, before the lease ends. And
// the leader must not take itself for one when it wakes.
#[test]
fn a_stopped_leader_wakes_without_leadership_and_command() {
    let cluster = Cluster::start(stubborn());
    let (epoch, leader) = cluster.leader();
    let pid = pid_of_command(&cluster);
    let said = || cluster.board.look(|pinned| pinned.of(leader).count());
    cluster.signal(leader, Signal::STOP);
    until("its command is dead", || gone(pid));
    let before = said();
    let others = cluster.others(leader);
    let (newer, next) = cluster
        .board
        .wait("another leader", |pinned| pinned.agreed(&others));
    assert!(newer > epoch && next != leader);
    cluster.signal(leader, Signal::CONT);
    cluster.leader_after(epoch);
    let claims = cluster.board.look(|pinned| {
        let since = pinned.of(leader).skip(before);
        since
            .filter_map(|line| line.said.clone())
            .filter(|said| said.leads)
            .count()
    });
    assert_eq!(claims, 0, "it claimed to lead after it woke");
}

// It is what makes a crash seen at once (see elector-heir); and it can be done without.
#[test]
fn a_node_has_an_heir_unless_told_otherwise() {
    for (arguments, heirs) in [(&[][..], 1), (&["--heir", "false"], 0)] {
        let mut cluster = Cluster::start(Setup {
            arguments: arguments.iter().map(Into::into).collect(),
            ..Setup::new("raft", 3)
        });
        let (epoch, leader) = cluster.leader();
        let of = |id| {
            let mut children = children(cluster.pid(id));
            children.retain(|pid| name(*pid) == "elector-heir");
            children
        };
        until("they have their names", || of(leader).len() == heirs);
        let heir = of(leader);
        cluster.kill(leader);
        until("it has ended, too", || heir.iter().all(|pid| gone(*pid)));
        cluster.leader_after(epoch);
    }
}

// Without a guardian nobody would stop the command, should the node be killed. So a follower whose
// guardian is gone must not wait for its election to notice.
#[test]
fn a_follower_ends_with_its_guardian() {
    let mut cluster = Cluster::start(stubborn());
    let (epoch, leader) = cluster.leader();
    let follower = cluster.others(leader)[0];
    kill_process(cluster.guardian(follower).unwrap(), Signal::KILL).unwrap();
    assert_eq!(cluster.ended(follower), 4);
    assert_eq!(
        cluster.leader(),
        (epoch, leader),
        "it was nobody else's affair"
    );
    // Read before: the leader may hand over before it ends, and then there is another command.
    let pid = pid_of_command(&cluster);
    kill_process(cluster.guardian(leader).unwrap(), Signal::KILL).unwrap();
    assert_eq!(cluster.ended(leader), 4);
    assert!(gone(pid));
}

// Services are killed as one: nothing may be left that holds the node's port, or a zombie's hand.
#[test]
fn nothing_is_left_of_a_node_that_was_killed() {
    let mut cluster = Cluster::start(stubborn());
    let (epoch, leader) = cluster.leader();
    let pid = pid_of_command(&cluster);
    let guardian = cluster.guardian(leader).unwrap();
    assert!(children(guardian).contains(&pid));
    cluster.kill(leader);
    until("both are gone", || gone(guardian) && gone(pid));
    cluster.leader_after(epoch);
    cluster.spawn(leader);
    cluster.leader_after(epoch);
}

// The kernel frees the memory of a process before that is dead. Who gives too little time for it
// must hear of it before the lease ends, not after. `tail` keeps a line that does not end.
#[test]
fn a_command_too_large_for_its_margin_is_told() {
    let large = "head -c 60000000 /dev/zero | tail -n 1 | sleep 1000";
    let command = ["sh", "-c", large].map(OsString::from);
    let mut cluster = Cluster::start(Setup {
        command: command.into(),
        settings: PATIENT.replace("margin_ms = 400", "margin_ms = 2"),
        ..Setup::new("raft", 1)
    });
    let (_, leader) = cluster.leader();
    cluster.board.hears(leader, "resident_mib");
    cluster.signal(leader, Signal::TERM);
    assert_eq!(cluster.ended(leader), 0);
}

// A shell must be able to tell a node that was ended from one that failed.
#[test]
fn a_node_that_is_told_to_end_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let began = folder.path().join("began");
    let script = format!("touch {}; exec sleep 1000", began.display());
    let mut node = shell(folder.path(), &[], &script);
    let mut node = node.stderr(Stdio::null()).spawn().unwrap();
    until("the command runs", || began.exists());
    kill_process(Pid::from_child(&node), Signal::TERM).unwrap();
    let mut ended = None;
    until("it ends", || {
        ended = node.try_wait().unwrap();
        ended.is_some()
    });
    assert_eq!(ended.unwrap().code(), Some(0));
}
