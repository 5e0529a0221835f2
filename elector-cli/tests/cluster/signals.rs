use std::{
    ffi::{OsStr, OsString},
    fs,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    cluster::{Cluster, PATIENT, Setup, children, has_ended},
    command::container,
    until,
};

/// A shell script that writes which signals it ignores to a file, and writes another file when it
/// gets SIGTERM.
const SCRIPT: &str = "trap 'echo > $CHILD_FOLDER/sigterm; exit 0' TERM; \
                     grep SigIgn: /proc/self/status > $CHILD_FOLDER/new; \
                     mv $CHILD_FOLDER/new $CHILD_FOLDER/ignored; \
                     while :; do sleep 1000 & wait $!; done";

/// The beginning of a command line. It starts the rest of the command line as a process that
/// ignores none of these signals, even if this test was started with ignored signals.
const NO_IGNORED_SIGNALS: [&str; 2] = ["env", "--default-signal=HUP,INT,QUIT,USR1,USR2"];

/// Returns a cluster of one node, whose command is the script [`SCRIPT`].
fn one_node() -> Cluster {
    Cluster::formatted(Setup {
        command: ["sh", "-c", SCRIPT].map(OsString::from).into(),
        ..Setup::new("raft", 1)
    })
}

/// Returns the command line of `node`, with the words of `starter` in front.
fn started_by(starter: &[&str], node: &Command) -> Command {
    let mut command = Command::new(starter[0]);
    command.args(&starter[1..]).arg(node.get_program());
    command.args(node.get_args()).env_clear();
    let set = node.get_envs();
    command.envs(set.filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null());
    command
}

/// Starts the node of the cluster, with the words of `starter` in front of its command line, and
/// waits until its command runs. Returns the mask of the signals that the command ignores.
fn start(cluster: &mut Cluster, starter: &[&str]) -> u64 {
    let node = started_by(starter, &cluster.full_command(1));
    cluster.spawn_as(1, node);
    ignored_by_command(cluster)
}

fn ignored_by_command(cluster: &Cluster) -> u64 {
    let path = cluster.shared("ignored");
    until("the command runs", || path.exists());
    let line = fs::read_to_string(path).unwrap();
    let mask = line.trim_start_matches("SigIgn:").trim();
    u64::from_str_radix(mask, 16).unwrap()
}

/// Returns `true` if the command got SIGTERM.
fn command_got_sigterm(cluster: &Cluster) -> bool {
    cluster.shared("sigterm").exists()
}

fn has_logged(cluster: &Cluster, text: &str) -> bool {
    let has_text = |lines: &crate::logs::Lines| lines.of(1).any(|line| line.text.contains(text));
    cluster.logs.inspect(has_text)
}

/// The bits of SIGHUP, SIGINT and SIGQUIT in a mask of signals.
const THREE: u64 = 0b111;

// If one of these signals killed the node, it could not hand over, and its command would get no
// SIGTERM.
#[test]
fn each_shutdown_signal_is_handled() {
    for (signal, name) in [
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::TERM, "SIGTERM"),
    ] {
        let mut cluster = one_node();
        assert_eq!(start(&mut cluster, &NO_IGNORED_SIGNALS) & THREE, 0);
        cluster.signal(1, signal);
        assert_eq!(cluster.ended(1), 0, "{name}");
        assert!(command_got_sigterm(&cluster), "{name}");
        cluster.logs.wait_for(1, "shutdown requested");
        assert!(has_logged(&cluster, name), "{name}");
    }
}

// A service manager sends SIGHUP to make a service read its files again. Tools may send SIGUSR1 to
// a node by mistake. The node is started without a terminal, like a service.
#[test]
fn a_service_reloads_on_sighup_and_ignores_unknown_signals() {
    let mut cluster = one_node();
    let file = cluster.path("settings.toml");
    fs::write(&file, format!("log = \"error\"\n{PATIENT}")).unwrap();
    let [env, defaults] = NO_IGNORED_SIGNALS;
    start(&mut cluster, &["setsid", env, defaults]);
    fs::write(&file, format!("log = \"info\"\n{PATIENT}")).unwrap();
    cluster.signal(1, Signal::HUP);
    cluster.logs.wait_for(1, "log filter reloaded");
    assert!(
        !has_logged(&cluster, "this node leads"),
        "the first filter drops this line"
    );

    fs::write(&file, "pears = []").unwrap();
    cluster.signal(1, Signal::HUP);
    cluster.logs.wait_for(1, "the log filter stays as it was");
    for (signal, name) in [(Signal::USR1, "SIGUSR1"), (Signal::USR2, "SIGUSR2")] {
        cluster.signal(1, signal);
        cluster.logs.wait_for(1, name);
    }
    assert!(cluster.is_running(1) && !command_got_sigterm(&cluster));
    cluster.signal(1, Signal::TERM);
    assert_eq!(cluster.ended(1), 0);
    assert!(command_got_sigterm(&cluster));
}

/// The beginning of a command line. It is a shell that ignores some signals, and then becomes the
/// program in the rest of the command line.
const NOHUP: [&str; 4] = [
    "sh",
    "-c",
    "trap '' HUP INT QUIT TERM; exec \"$@\"",
    "nohup",
];

// A node that an operator starts with `nohup`, or in the background of a script, must continue to
// run when these signals arrive.
#[test]
fn signals_that_were_ignored_at_the_start_stay_ignored() {
    let mut cluster = one_node();
    let [env, defaults] = NO_IGNORED_SIGNALS;
    let starter = [&[env, defaults], &NOHUP[..]].concat();
    assert_eq!(start(&mut cluster, &starter) & THREE, THREE);
    for signal in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::USR1] {
        cluster.signal(1, signal);
    }
    // The kernel delivers signals with lower numbers than SIGUSR1 first. So when SIGUSR1 is logged,
    // all other signals have been delivered.
    cluster.logs.wait_for(1, "SIGUSR1");
    assert!(cluster.is_running(1) && !command_got_sigterm(&cluster));
    // SIGTERM must not stay ignored, so that there is a way to stop the node and its command.
    cluster.signal(1, Signal::TERM);
    assert_eq!(cluster.ended(1), 0);
    assert!(command_got_sigterm(&cluster));
    assert!(!has_logged(&cluster, "reload"));
}

// The first process of a container passes signals on to its child. It must not pass on the signals
// that its child ignores.
#[test]
fn signals_that_were_ignored_at_the_start_stay_ignored_in_a_container() {
    let Some(container) = container() else {
        return;
    };
    let mut cluster = one_node();
    let starter = [&container[..], &NOHUP[..]].concat();
    assert_eq!(start(&mut cluster, &starter) & THREE, THREE);
    let init = children(cluster.pid(1))[0];
    kill_process(init, Signal::HUP).unwrap();
    kill_process(init, Signal::USR1).unwrap();
    cluster.logs.wait_for(1, "SIGUSR1");
    assert!(!command_got_sigterm(&cluster));
    kill_process(init, Signal::TERM).unwrap();
    assert_eq!(cluster.ended(1), 0);
    assert!(command_got_sigterm(&cluster));
}

fn quoted(word: &OsStr) -> String {
    format!("'{}'", word.to_str().unwrap().replace('\'', r"'\''"))
}

// When an SSH connection breaks, the terminal of the session is closed. The node must hand over,
// and its command must get SIGTERM.
#[test]
fn a_node_whose_terminal_is_closed_hands_over() {
    if Command::new("script").arg("--version").output().is_err() {
        println!("skipped: the program `script`, which creates a terminal, is not installed");
        return;
    }
    let cluster = one_node();
    let command = started_by(&NO_IGNORED_SIGNALS, &cluster.full_command(1));
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<String> = words.map(quoted).collect();
    let [pid, log] = ["pid", "log"].map(|name| cluster.path(name));
    let line = format!(
        "echo $$ > {}; exec {} 2> {}",
        quoted(pid.as_os_str()),
        words.join(" "),
        quoted(log.as_os_str()),
    );
    let set = command.get_envs();
    let mut terminal = Command::new("script");
    terminal.args(["-q", "-c", &line, "/dev/null"]).env_clear();
    terminal.envs(set.filter_map(|(name, value)| Some((name, value?))));
    terminal.stdin(Stdio::null()).stdout(Stdio::null());
    let mut terminal = terminal.spawn().unwrap();
    ignored_by_command(&cluster);
    let node = fs::read_to_string(pid).unwrap();
    let node = Pid::from_raw(node.trim().parse().unwrap()).unwrap();
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    until("the node has ended", || has_ended(node));
    let log = fs::read_to_string(log).unwrap();
    assert!(command_got_sigterm(&cluster), "{log}");
    assert!(
        log.contains("shutdown requested") && log.contains("SIGHUP"),
        "{log}"
    );
    assert!(!log.contains("exits at once"), "{log}");
}
