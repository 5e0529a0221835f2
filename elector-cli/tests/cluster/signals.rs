use std::{
    ffi::{OsStr, OsString},
    fs,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    cluster::{Cluster, PATIENT, Setup, children, gone},
    until,
};

/// A command that tells what it was started to ignore, and when it is asked to end.
const HEEDS: &str = "trap 'echo > $CHILD_FOLDER/asked; exit 0' TERM; \
                     grep SigIgn: /proc/self/status > $CHILD_FOLDER/new; \
                     mv $CHILD_FOLDER/new $CHILD_FOLDER/ignored; \
                     while :; do sleep 1000 & wait $!; done";

/// What a process is started by that ignores nothing, whatever the tests were started by.
const FRESH: [&str; 2] = ["env", "--default-signal=HUP,INT,QUIT,USR1,USR2"];

/// A node that is alone, and runs the command above.
fn heeds() -> Cluster {
    Cluster::formatted(Setup {
        command: ["sh", "-c", HEEDS].map(OsString::from).into(),
        ..Setup::new("raft", 1)
    })
}

/// The same command line, started by another one in front of it.
fn by(starter: &[&str], work: &Command) -> Command {
    let mut command = Command::new(starter[0]);
    command.args(&starter[1..]).arg(work.get_program());
    command.args(work.get_args()).env_clear();
    let set = work.get_envs();
    command.envs(set.filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null());
    command
}

/// Starts it, and waits until its command runs; the mask of the signals that this one ignores.
fn started(cluster: &mut Cluster, starter: &[&str]) -> u64 {
    let work = by(starter, &cluster.work(1));
    cluster.spawn_as(1, work);
    ignored(cluster)
}

fn ignored(cluster: &Cluster) -> u64 {
    let path = cluster.shared("ignored");
    until("the command runs", || path.exists());
    let line = fs::read_to_string(path).unwrap();
    let mask = line.trim_start_matches("SigIgn:").trim();
    u64::from_str_radix(mask, 16).unwrap()
}

fn was_asked(cluster: &Cluster) -> bool {
    cluster.shared("asked").exists()
}

fn said(cluster: &Cluster, words: &str) -> bool {
    let heard = |pinned: &crate::board::Pinned| pinned.of(1).any(|line| line.text.contains(words));
    cluster.board.look(heard)
}

/// The masks of SIGHUP, SIGINT and SIGQUIT.
const THREE: u64 = 0b111;

// A node that is killed by a signal hands nothing over, and its command is killed without a word.
#[test]
fn each_signal_to_end_is_heeded() {
    for (signal, name) in [
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::TERM, "SIGTERM"),
    ] {
        let mut cluster = heeds();
        assert_eq!(started(&mut cluster, &FRESH) & THREE, 0);
        cluster.signal(1, signal);
        assert_eq!(cluster.ended(1), 0, "{name}");
        assert!(was_asked(&cluster), "{name}");
        cluster.board.hears(1, "told to end: handing over");
        assert!(said(&cluster, name), "{name}");
    }
}

// A service manager sends SIGHUP to have files read again, and tools send SIGUSR1 to what they take
// for something else. A service has no terminal.
#[test]
fn a_service_reads_again_on_sighup_and_ignores_what_it_does_not_know() {
    let mut cluster = heeds();
    let file = cluster.path("settings.toml");
    fs::write(&file, format!("log = \"error\"\n{PATIENT}")).unwrap();
    let [env, defaults] = FRESH;
    started(&mut cluster, &["setsid", env, defaults]);
    fs::write(&file, format!("log = \"info\"\n{PATIENT}")).unwrap();
    cluster.signal(1, Signal::HUP);
    cluster.board.hears(1, "the log filter was read");
    assert!(!said(&cluster, "this node leads"), "it was logged before");

    fs::write(&file, "pears = []").unwrap();
    cluster.signal(1, Signal::HUP);
    cluster.board.hears(1, "everything stays as it was");
    for (signal, name) in [(Signal::USR1, "SIGUSR1"), (Signal::USR2, "SIGUSR2")] {
        cluster.signal(1, signal);
        cluster.board.hears(1, name);
    }
    assert!(cluster.is_running(1) && !was_asked(&cluster));
    cluster.signal(1, Signal::TERM);
    assert_eq!(cluster.ended(1), 0);
    assert!(was_asked(&cluster));
}

/// A shell that ignores some signals becomes the rest of the command line.
const NOHUP: [&str; 4] = [
    "sh",
    "-c",
    "trap '' HUP INT QUIT TERM; exec \"$@\"",
    "nohup",
];

// Who starts a node by `nohup`, or in the background of a script, wants it to stay.
#[test]
fn what_was_ignored_at_the_start_stays_ignored() {
    let mut cluster = heeds();
    let [env, defaults] = FRESH;
    let starter = [&[env, defaults], &NOHUP[..]].concat();
    assert_eq!(started(&mut cluster, &starter) & THREE, THREE);
    for signal in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::USR1] {
        cluster.signal(1, signal);
    }
    // Signals with lower numbers are delivered before it.
    cluster.board.hears(1, "SIGUSR1");
    assert!(cluster.is_running(1) && !was_asked(&cluster));
    // There must be a way to stop it, and its command.
    cluster.signal(1, Signal::TERM);
    assert_eq!(cluster.ended(1), 0);
    assert!(was_asked(&cluster));
    assert!(!said(&cluster, "told to read again"));
}

// The first process of a container passes signals on, and must not hear for its child what that is
// to ignore.
#[test]
fn what_was_ignored_at_the_start_stays_ignored_in_a_container() {
    let inside = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    let may = Command::new("unshare").args(inside).arg("true").status();
    if !may.is_ok_and(|status| status.success()) {
        println!("skipped: this user may not make PID namespaces (unshare --pid)");
        return;
    }
    let mut cluster = heeds();
    let starter = [&["unshare"], &inside[..], &NOHUP[..]].concat();
    assert_eq!(started(&mut cluster, &starter) & THREE, THREE);
    let init = children(cluster.pid(1))[0];
    kill_process(init, Signal::HUP).unwrap();
    kill_process(init, Signal::USR1).unwrap();
    cluster.board.hears(1, "SIGUSR1");
    assert!(!was_asked(&cluster));
    kill_process(init, Signal::TERM).unwrap();
    assert_eq!(cluster.ended(1), 0);
    assert!(was_asked(&cluster));
}

fn quoted(word: &OsStr) -> String {
    format!("'{}'", word.to_str().unwrap().replace('\'', r"'\''"))
}

// A connection by SSH breaks, and with it the terminal: the node hands over, and its command ends
// in good order.
#[test]
fn a_node_whose_terminal_is_closed_hands_over() {
    if Command::new("script").arg("--version").output().is_err() {
        println!("skipped: there is no `script` to make a terminal");
        return;
    }
    let cluster = heeds();
    let work = by(&FRESH, &cluster.work(1));
    let words = [work.get_program()].into_iter().chain(work.get_args());
    let words: Vec<String> = words.map(quoted).collect();
    let [pid, log] = ["pid", "log"].map(|name| cluster.path(name));
    let line = format!(
        "echo $$ > {}; exec {} 2> {}",
        quoted(pid.as_os_str()),
        words.join(" "),
        quoted(log.as_os_str()),
    );
    let set = work.get_envs();
    let mut terminal = Command::new("script");
    terminal.args(["-q", "-c", &line, "/dev/null"]).env_clear();
    terminal.envs(set.filter_map(|(name, value)| Some((name, value?))));
    terminal.stdin(Stdio::null()).stdout(Stdio::null());
    let mut terminal = terminal.spawn().unwrap();
    ignored(&cluster);
    let node = fs::read_to_string(pid).unwrap();
    let node = Pid::from_raw(node.trim().parse().unwrap()).unwrap();
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    until("the node has ended", || gone(node));
    let log = fs::read_to_string(log).unwrap();
    assert!(was_asked(&cluster), "{log}");
    assert!(
        log.contains("told to end: handing over") && log.contains("SIGHUP"),
        "{log}"
    );
    assert!(!log.contains("ending at once"), "{log}");
}
