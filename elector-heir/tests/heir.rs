//! The heir of a real process, seen from outside.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

/// Makes this binary the process whose heir is looked at: `mode`.
const PART: &str = "ELECTOR_HEIR_PART";

/// How long anything may take; nothing here is waited for that long unless it fails.
const LIMIT: Duration = Duration::from_secs(20);

/// The process, when this binary is started as one; otherwise nothing.
#[test]
fn the_process() {
    let Ok(port) = env::var(PART) else { return };
    // Open before there is an heir: the heir must not keep it open.
    let _connection = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
    let heir = elector_heir::appoint().unwrap();
    assert_eq!(elector_heir::appoint().unwrap(), heir);
    println!("\nheir {heir}");
    let mut order = String::new();
    std::io::stdin().read_line(&mut order).unwrap();
    if order.trim() == "exec" {
        let script = "echo still here; exec cat";
        let error = Command::new("sh").args(["-c", script]).exec();
        panic!("{error}");
    }
}

struct Process {
    child: Child,
    orders: Option<ChildStdin>,
    says: BufReader<ChildStdout>,
    connection: TcpStream,
    heir: Pid,
}

impl Process {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_process", "--nocapture"])
            .env(PART, listener.local_addr().unwrap().port().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let (connection, _) = listener.accept().unwrap();
        let mut says = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("heir ") {
            line.clear();
            assert_ne!(says.read_line(&mut line).unwrap(), 0, "it says nothing");
        }
        let heir = line.trim_start_matches("heir ").trim().parse().unwrap();
        Self {
            orders: child.stdin.take(),
            child,
            says,
            connection,
            heir: Pid::from_raw(heir).unwrap(),
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Has it `exec` a shell, and waits for that to say something.
    fn becomes_another(&mut self) {
        let orders = self.orders.as_mut().unwrap();
        orders.write_all(b"exec\n").unwrap();
        let mut said = String::new();
        self.says.read_line(&mut said).unwrap();
        assert_eq!(said, "still here\n");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let heir = self.heir;
        if !thread::panicking() {
            until("the heir is gone", || is_gone(heir));
        }
    }
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Whether it has ended; where nobody collects orphans it stays as a zombie.
fn is_gone(pid: Pid) -> bool {
    test_kill_process(pid).is_err() || stat(pid, "State:").is_none_or(|state| state.contains('Z'))
}

fn stat(pid: Pid, key: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    Some(line[key.len()..].trim().to_owned())
}

// That is what it is for. In what time is a matter for the bench.
#[test]
fn a_killed_process_closes_its_files_and_then_its_heir_ends() {
    let mut process = Process::start();
    process.child.kill().unwrap();
    assert_eq!(process.connection.read(&mut [0; 8]).unwrap_or(0), 0);
    let heir = process.heir;
    until("the heir is gone", || is_gone(heir));
}

#[test]
fn the_heir_of_a_process_that_ends_ends() {
    let mut process = Process::start();
    drop(process.orders.take());
    process.child.wait().unwrap();
    let heir = process.heir;
    until("the heir is gone", || is_gone(heir));
}

// It would keep the memory of a program that is there no more, for ever.
#[test]
fn the_heir_of_a_process_that_becomes_another_program_ends() {
    let mut process = Process::start();
    process.becomes_another();
    let heir = process.heir;
    until("the heir is gone", || is_gone(heir));
    assert!(process.child.try_wait().unwrap().is_none());
}

// A connection, a pipe or a lock that it kept would outlive its owner.
#[test]
fn the_heir_keeps_no_file_but_its_two() {
    let process = Process::start();
    let folder = format!("/proc/{}/fd", process.heir.as_raw_nonzero());
    let open = || -> Vec<String> {
        let entries = fs::read_dir(&folder).unwrap().map(Result::unwrap);
        let targets = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
        targets.map(|to| to.display().to_string()).collect()
    };
    until("two are open", || open().len() == 2);
    let open = open();
    assert!(
        open.iter().any(|file| file.starts_with("pipe:")),
        "{open:?}"
    );
    assert!(open.iter().any(|file| file.contains("pidfd")), "{open:?}");
}

// What is meant for the group, or for all processes of a service, is not meant for it.
#[test]
fn the_heir_is_deaf_and_of_no_group() {
    let process = Process::start();
    // It takes its name once it has left the group, and that may be after `appoint` has returned.
    until("the heir has its name", || {
        stat(process.heir, "Name:").as_deref() == Some("elector-heir")
    });
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::USR1] {
        kill_process(process.heir, signal).unwrap();
    }
    kill_process_group(process.pid(), Signal::STOP).unwrap();
    until("the process is stopped", || {
        stat(process.pid(), "State:").unwrap().starts_with('T')
    });
    // It would have acted on the signals by the time that it is seen asleep.
    until("the heir waits", || {
        stat(process.heir, "State:").unwrap().starts_with('S')
    });
}

#[test]
fn the_process_lives_on_without_its_heir() {
    let mut process = Process::start();
    kill_process(process.heir, Signal::KILL).unwrap();
    let heir = process.heir;
    until("the heir is gone", || is_gone(heir));
    process.becomes_another();
}
