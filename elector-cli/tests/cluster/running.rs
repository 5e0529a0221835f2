use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    cluster::{Cluster, PATIENT, Setup, children, has_ended, name},
    command::{elector, finished, own_ip, single},
    until,
};

/// Formats a node that is the only node of its cluster. Returns the command line that runs a shell
/// script as the command of this node.
fn shell(folder: &Path, arguments: &[&str], script: &str) -> Command {
    let data = folder.join("data");
    assert_eq!(finished(single("node", &data).arg("--init")).0, 0);
    let mut command = single("run", &data);
    command.args(arguments).args(["--", "sh", "-c", script]);
    command
}

// With `--on-exit stop`, the exit code of the command must be the exit code of the node.
#[test]
fn the_end_of_the_command_can_stop_the_node() {
    for (script, code) in [("exit 7", 7), ("exit 0", 0), ("kill -9 $$", 137)] {
        let folder = tempfile::tempdir().unwrap();
        let stop = ["--on-exit", "stop"];
        let (ended, output) = finished(&mut shell(folder.path(), &stop, script));
        assert_eq!(ended, code, "{script}: {output}");
        assert_eq!(output.contains("ERROR"), code != 0, "{script}: {output}");
    }
}

// A node that cannot run its command must not join the cluster. So the error must come before the
// node is started.
#[test]
fn a_missing_command_is_reported_before_anything_else() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for command in ["no-such-command", "/etc"] {
        let (code, output) = finished(single("run", &data).args(["--", command]));
        assert_eq!(code, 2);
        assert!(output.contains(command), "{output}");
    }
}

// The command must send its fencing token with every write. If the node was started with a token in
// its environment, this token belongs to another leadership, and the command must not get it.
#[test]
fn the_command_gets_node_epoch_and_token() {
    for (algorithm, has_token) in [("raft", true), ("bully", false)] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let peers = format!("5={}:7101", own_ip());
        let node = |subcommand: &str| {
            let mut command = elector(&[subcommand, "--id", "5", "--peers", &peers]);
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
        let (code, output) = finished(&mut run);
        assert_eq!(code, 0, "{output}");
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

/// A shell script that ignores SIGTERM, and writes its process id to a file.
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

// An operator who wants to stop a node at once sends SIGTERM twice. After the first signal, the
// command still has all of its grace, which is an hour here.
#[test]
fn a_second_sigterm_stops_a_node_at_once() {
    let mut cluster = Cluster::start(stubborn());
    let (epoch, leader) = cluster.leader();
    let pid = pid_of_command(&cluster);
    cluster.signal(leader, Signal::TERM);
    cluster.logs.wait_for(leader, "shutdown requested");
    assert!(cluster.is_running(leader) && !has_ended(pid));
    cluster.signal(leader, Signal::TERM);
    cluster.ended(leader);
    assert!(has_ended(pid), "the command has outlived the node");
    cluster.leader_after(epoch);
}

// A leader that is stopped (SIGSTOP) cannot stop its command, so its guardian (a separate process)
// must stop the command before the lease ends. When the leader continues, it must not believe that
// it still leads.
#[test]
fn a_stopped_leader_continues_without_leadership_and_command() {
    let cluster = Cluster::start(stubborn());
    let (epoch, leader) = cluster.leader();
    let pid = pid_of_command(&cluster);
    let line_count = || cluster.logs.inspect(|lines| lines.of(leader).count());
    cluster.signal(leader, Signal::STOP);
    until("its command is dead", || has_ended(pid));
    let before = line_count();
    let others = cluster.others(leader);
    let (newer, next) = cluster
        .logs
        .wait_until("another leader", |lines| lines.agreed(&others));
    assert!(newer > epoch && next != leader);
    cluster.signal(leader, Signal::CONT);
    cluster.leader_after(epoch);
    let claims = cluster.logs.inspect(|lines| {
        let since = lines.of(leader).skip(before);
        since
            .filter_map(|line| line.view.clone())
            .filter(|view| view.leads)
            .count()
    });
    assert_eq!(claims, 0, "it claimed to lead after it continued");
}

// With an heir, which is a helper process (see elector-heir), the peers of a node notice its crash
// at once. So each node must have an heir, unless `--heir false` switches it off. The heir must end
// soon after its node.
#[test]
fn a_node_has_an_heir_unless_it_is_switched_off() {
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
        until("the heirs have their names", || of(leader).len() == heirs);
        let heir = of(leader);
        cluster.kill(leader);
        until("the heir has ended, too", || {
            heir.iter().all(|pid| has_ended(*pid))
        });
        cluster.leader_after(epoch);
    }
}

// If a node has no guardian (the process that stops the command) and is killed, no process stops
// its command. So a follower must notice the end of its guardian at once, and not only when it is
// elected.
#[test]
fn a_follower_stops_when_its_guardian_is_killed() {
    let mut cluster = Cluster::start(stubborn());
    let (epoch, leader) = cluster.leader();
    let follower = cluster.others(leader)[0];
    kill_process(cluster.guardian(follower).unwrap(), Signal::KILL).unwrap();
    assert_eq!(cluster.ended(follower), 4);
    assert_eq!(cluster.leader(), (epoch, leader), "the leader must stay");
    // The process id must be read before the signal: the leader may hand over, and the command of
    // the next leader writes its process id to the same file.
    let pid = pid_of_command(&cluster);
    kill_process(cluster.guardian(leader).unwrap(), Signal::KILL).unwrap();
    assert_eq!(cluster.ended(leader), 4);
    assert!(has_ended(pid));
}

// After a node is killed, its command, and the guardian (the process that stops the command), must
// end. A process that keeps the port of the node open would prevent a restart of the node.
#[test]
fn no_process_is_left_of_a_node_that_was_killed() {
    let mut cluster = Cluster::start(stubborn());
    let (epoch, leader) = cluster.leader();
    let pid = pid_of_command(&cluster);
    let guardian = cluster.guardian(leader).unwrap();
    assert!(children(guardian).contains(&pid));
    cluster.kill(leader);
    until("both have ended", || has_ended(guardian) && has_ended(pid));
    cluster.leader_after(epoch);
    cluster.spawn(leader);
    cluster.leader_after(epoch);
}

// A process is dead only when the kernel has freed its memory. If this takes longer than the
// margin, the time from SIGKILL to the end of the lease, the node must warn the operator while the
// command runs, and not after a late end. `tail` keeps the whole input in memory, because the input
// is one line that does not end.
#[test]
fn a_command_that_is_too_large_for_its_margin_causes_a_warning() {
    let large = "head -c 60000000 /dev/zero | tail -n 1 | sleep 1000";
    let command = ["sh", "-c", large].map(OsString::from);
    let mut cluster = Cluster::start(Setup {
        command: command.into(),
        settings: PATIENT.replace("margin_ms = 400", "margin_ms = 2"),
        ..Setup::new("raft", 1)
    });
    let (_, leader) = cluster.leader();
    cluster.logs.wait_for(leader, "resident_mib");
    cluster.signal(leader, Signal::TERM);
    assert_eq!(cluster.ended(leader), 0);
}

// A script must be able to distinguish a node that was shut down from a node that failed.
#[test]
fn a_node_that_is_shut_down_exits_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let began = folder.path().join("began");
    let script = format!("touch {}; exec sleep 1000", began.display());
    let mut node = shell(folder.path(), &[], &script);
    let mut node = node.stderr(Stdio::null()).spawn().unwrap();
    until("the command runs", || began.exists());
    kill_process(Pid::from_child(&node), Signal::TERM).unwrap();
    let mut ended = None;
    until("the node ends", || {
        ended = node.try_wait().unwrap();
        ended.is_some()
    });
    assert_eq!(ended.unwrap().code(), Some(0));
}
