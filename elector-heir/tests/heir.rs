//! Tests of the heir of a real process, seen from outside.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::{fd::AsFd, unix::process::CommandExt},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

/// The environment variable that makes this binary the observed process. Its value is the port,
/// with or without the suffix [`ENTRUSTS`].
const PORT_AND_MODE: &str = "ELECTOR_HEIR_PART";

/// The suffix after the port that makes the process entrust its heir with [`MESSAGE`].
const ENTRUSTS: &str = "!";
const MESSAGE: &[u8] = b"it has ended";

/// The time limit for every wait of these tests. A wait takes this long only if a test fails.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Runs the observed process, if this binary was started with [`PORT_AND_MODE`]. Otherwise this
/// test does nothing.
#[test]
fn the_process() {
    let Ok(port) = env::var(PORT_AND_MODE) else {
        return;
    };
    // The connection is open before there is an heir: the heir must not keep it open.
    let address = format!("127.0.0.1:{}", port.trim_end_matches(ENTRUSTS));
    let connection = TcpStream::connect(address).unwrap();
    let heir = elector_heir::appoint_privileged().unwrap();
    assert_eq!(elector_heir::appoint().unwrap(), heir);
    if port.ends_with(ENTRUSTS) {
        elector_heir::entrust(MESSAGE, connection.as_fd()).unwrap();
    }
    println!("\nheir {heir}");
    let mut command = String::new();
    std::io::stdin().read_line(&mut command).unwrap();
    if command.trim() == "fork and exec" {
        #[expect(unsafe_code, reason = "a child without exec has no safe form")]
        // SAFETY: the child only waits for a signal.
        unsafe {
            match libc::fork() {
                0 => loop {
                    libc::pause();
                },
                child => println!("child {child}"),
            }
        }
    }
    if command.trim().ends_with("exec") {
        let script = "echo still here; exec cat";
        let error = Command::new("sh").args(["-c", script]).exec();
        panic!("{error}");
    }
}

struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    connection: TcpStream,
    heir: Pid,
}

impl Process {
    fn start() -> Self {
        Self::start_with("")
    }

    fn start_with(mode: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_process", "--nocapture"])
            .env(
                PORT_AND_MODE,
                format!("{}{mode}", listener.local_addr().unwrap().port()),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let (connection, _) = listener.accept().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("heir ") {
            line.clear();
            assert_ne!(
                stdout.read_line(&mut line).unwrap(),
                0,
                "the process wrote nothing"
            );
        }
        let heir = line.trim_start_matches("heir ").trim().parse().unwrap();
        Self {
            stdin: child.stdin.take(),
            child,
            stdout,
            connection,
            heir: Pid::from_raw(heir).unwrap(),
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn command(&mut self, command: &[u8]) -> String {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(command).unwrap();
        self.line()
    }

    fn line(&mut self) -> String {
        let mut received = String::new();
        self.stdout.read_line(&mut received).unwrap();
        received
    }

    /// Makes the process `exec` a shell, and waits for the shell's first line.
    fn become_another_program(&mut self) {
        assert_eq!(self.command(b"exec\n"), "still here\n");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let heir = self.heir;
        if !thread::panicking() {
            until("the heir has ended", || has_ended(heir));
        }
    }
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < TIMEOUT, "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Returns `true` if the process has ended. A process whose parent does not wait for it stays as a
/// zombie, which counts as ended.
fn has_ended(pid: Pid) -> bool {
    test_kill_process(pid).is_err() || stat(pid, "State:").is_none_or(|state| state.contains('Z'))
}

fn stat(pid: Pid, key: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    Some(line[key.len()..].trim().to_owned())
}

// This is the purpose of the heir: peers see the connections of a killed process end. The benchmark
// `failover_tcp` measures how long this takes.
#[test]
fn a_killed_process_closes_its_files_and_then_its_heir_ends() {
    let mut process = Process::start();
    process.child.kill().unwrap();
    assert_eq!(process.connection.read(&mut [0; 8]).unwrap_or(0), 0);
    let heir = process.heir;
    until("the heir has ended", || has_ended(heir));
}

#[test]
fn the_heir_of_a_process_that_ends_ends() {
    let mut process = Process::start();
    drop(process.stdin.take());
    process.child.wait().unwrap();
    let heir = process.heir;
    until("the heir has ended", || has_ended(heir));
}

// An heir that continued to run would keep the memory of the former program for ever.
#[test]
fn the_heir_of_a_process_that_becomes_another_program_ends() {
    let mut process = Process::start();
    process.become_another_program();
    let heir = process.heir;
    until("the heir has ended", || has_ended(heir));
    assert!(process.child.try_wait().unwrap().is_none());
}

// A connection, a pipe or a lock that the heir keeps would outlive the process that owned it.
#[test]
fn the_heir_keeps_only_two_files() {
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
        open.iter().any(|file| file.starts_with("socket:")),
        "{open:?}"
    );
    assert!(open.iter().any(|file| file.contains("pidfd")), "{open:?}");
}

// Signals to the process group, or to all processes of a service, are not meant for the heir. An
// heir that such a signal ended or stopped could not report the end of its process.
#[test]
fn the_heir_ignores_signals_and_leaves_the_group() {
    let process = Process::start();
    // The heir sets its name after it has left the group, and that may be after `appoint` has
    // returned.
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
    // If the heir acted on the signals, it would have done so before this test sees it asleep.
    until("the heir waits", || {
        stat(process.heir, "State:").unwrap().starts_with('S')
    });
}

#[test]
fn the_process_lives_on_without_its_heir() {
    let mut process = Process::start();
    kill_process(process.heir, Signal::KILL).unwrap();
    let heir = process.heir;
    until("the heir has ended", || has_ended(heir));
    process.become_another_program();
}

// Code that can write the memory of the heir can make it run anything, so the heir must have no
// rights.
#[test]
fn the_heir_has_no_rights() {
    let process = Process::start();
    let is = |key: &str| stat(process.heir, key).unwrap();
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(u64::from_str_radix(&is(set), 16), Ok(0), "{set}");
    }
    assert_eq!(
        (is("NoNewPrivs:"), is("Seccomp:")),
        ("1".into(), "2".into())
    );
    let kill_and_stop = (1_u64 << 8) | (1 << 18);
    let blocked = u64::from_str_radix(&is("SigBlk:"), 16).unwrap();
    assert_eq!(blocked, !kill_and_stop, "32 and 33 too");
    // The process keeps its rights.
    assert_eq!(
        stat(process.pid(), "Seccomp:"),
        stat(rustix::process::getpid(), "Seccomp:")
    );
}

// The heir would keep privileges that the process drops later. An heir with privileges must not be
// started by accident.
#[test]
fn a_process_with_privileges_is_rejected() {
    let me = rustix::process::getpid();
    let caps = u64::from_str_radix(&stat(me, "CapPrm:").unwrap(), 16).unwrap();
    let privileged = rustix::process::geteuid().is_root() || caps != 0;
    let appointed = elector_heir::appoint();
    let refused = matches!(appointed, Err(elector_heir::HeirError::Privileged(_)));
    assert_eq!(refused, privileged, "{appointed:?}");
}

// A stopped heir would keep the memory of a process that has ended, until a signal wakes the heir.
#[test]
fn a_stopped_heir_ends_with_its_process() {
    let mut process = Process::start();
    kill_process(process.heir, Signal::STOP).unwrap();
    until("the heir is stopped", || {
        stat(process.heir, "State:").unwrap().starts_with('T')
    });
    process.child.kill().unwrap();
    let heir = process.heir;
    until("the heir has ended", || has_ended(heir));
}

// A forked child that never becomes another program has a copy of every descriptor of the process,
// also of the channel to the heir. If the copy of the channel stayed open, the heir would not
// notice that the process has become another program.
#[test]
fn a_forked_child_does_not_keep_the_heir() {
    let mut process = Process::start();
    let child = process.command(b"fork and exec\n");
    let child = child.trim_start_matches("child ").trim().parse().unwrap();
    assert_eq!(process.line(), "still here\n");
    let heir = process.heir;
    until("the heir has ended", || has_ended(heir));
    kill_process(Pid::from_raw(child).unwrap(), Signal::KILL).unwrap();
}

/// Returns everything that the process and its heir send until the end of the connection.
fn received(process: &mut Process) -> Vec<u8> {
    let mut received = Vec::new();
    let mut connection = &process.connection;
    // The read may fail: the kernel resets the connections of a process that ends with unread data.
    // The bytes that arrived before are in `received`.
    let _ = connection.read_to_end(&mut received);
    received
}

// Peers elect another leader when they receive this message, so the heir must send it when the
// process ends in any way.
#[test]
fn the_entrusted_message_is_sent_when_the_process_has_ended() {
    let mut killed = Process::start_with(ENTRUSTS);
    killed.child.kill().unwrap();
    assert_eq!(received(&mut killed), MESSAGE);
    let mut ended = Process::start_with(ENTRUSTS);
    drop(ended.stdin.take());
    assert_eq!(received(&mut ended), MESSAGE);
}

// A stopped process may hold a lease when it resumes, and a process that has become another program
// is still running.
#[test]
fn no_message_is_sent_while_the_process_lives() {
    let mut process = Process::start_with(ENTRUSTS);
    kill_process(process.pid(), Signal::STOP).unwrap();
    until("the process is stopped", || {
        stat(process.pid(), "State:").unwrap().starts_with('T')
    });
    let connection = &process.connection;
    connection.set_nonblocking(true).unwrap();
    let error = (&*connection).read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    connection.set_nonblocking(false).unwrap();
    kill_process(process.pid(), Signal::CONT).unwrap();
    process.become_another_program();
    assert_eq!(received(&mut process), b"");
    assert!(process.child.try_wait().unwrap().is_none());
}

// If the heir kept connections that have ended, it would have no room for new ones, and the peers
// of the new ones would get no proof of death.
#[test]
fn the_heir_closes_a_connection_that_has_ended() {
    let process = Process::start_with(ENTRUSTS);
    let folder = format!("/proc/{}/fd", process.heir.as_raw_nonzero());
    let open = || fs::read_dir(&folder).unwrap().count();
    until("the heir has the connection", || open() == 3);
    process.connection.shutdown(Shutdown::Both).unwrap();
    until("the heir has closed it", || open() == 2);
}

// Without an heir, no process sends the message when the process has ended, so the caller must get
// an error.
#[test]
fn nothing_can_be_entrusted_without_an_heir() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = elector_heir::entrust(MESSAGE, listener.as_fd()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    for message in [&b""[..], &[0; 65]] {
        let error = elector_heir::entrust(message, listener.as_fd()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
}
