//! The heir of a real process, seen from outside.
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

/// Makes this binary the process whose heir is looked at: `mode`.
const PART: &str = "ELECTOR_HEIR_PART";

/// Behind the port in [`PART`]: the process entrusts its heir with [`WORDS`].
const TRUSTS: &str = "!";
const WORDS: &[u8] = b"it has ended";

/// How long anything may take; nothing here is waited for that long unless it fails.
const LIMIT: Duration = Duration::from_secs(20);

/// The process, when this binary is started as one; otherwise nothing.
#[test]
fn the_process() {
    let Ok(port) = env::var(PART) else { return };
    // Open before there is an heir: the heir must not keep it open.
    let address = format!("127.0.0.1:{}", port.trim_end_matches(TRUSTS));
    let connection = TcpStream::connect(address).unwrap();
    let heir = elector_heir::appoint_privileged().unwrap();
    assert_eq!(elector_heir::appoint().unwrap(), heir);
    if port.ends_with(TRUSTS) {
        elector_heir::entrust(WORDS, connection.as_fd()).unwrap();
    }
    println!("\nheir {heir}");
    let mut order = String::new();
    std::io::stdin().read_line(&mut order).unwrap();
    if order.trim() == "fork and exec" {
        #[expect(unsafe_code, reason = "a child without exec has no safe form")]
        // SAFETY: the child does nothing but wait for a signal.
        unsafe {
            match libc::fork() {
                0 => loop {
                    libc::pause();
                },
                child => println!("child {child}"),
            }
        }
    }
    if order.trim().ends_with("exec") {
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
        Self::start_with("")
    }

    fn start_with(mode: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_process", "--nocapture"])
            .env(
                PART,
                format!("{}{mode}", listener.local_addr().unwrap().port()),
            )
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

    fn order(&mut self, order: &[u8]) -> String {
        let orders = self.orders.as_mut().unwrap();
        orders.write_all(order).unwrap();
        self.line()
    }

    fn line(&mut self) -> String {
        let mut said = String::new();
        self.says.read_line(&mut said).unwrap();
        said
    }

    /// Has it `exec` a shell, and waits for that to say something.
    fn becomes_another(&mut self) {
        assert_eq!(self.order(b"exec\n"), "still here\n");
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
        open.iter().any(|file| file.starts_with("socket:")),
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

// Code that can write the memory of the heir can make it run anything: it must have no rights.
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
    // Its process keeps what it has.
    assert_eq!(
        stat(process.pid(), "Seccomp:"),
        stat(rustix::process::getpid(), "Seccomp:")
    );
}

// Privileges that are dropped later would stay with the heir: that must not happen by accident.
#[test]
fn a_process_with_privileges_is_refused() {
    let me = rustix::process::getpid();
    let caps = u64::from_str_radix(&stat(me, "CapPrm:").unwrap(), 16).unwrap();
    let privileged = rustix::process::geteuid().is_root() || caps != 0;
    let appointed = elector_heir::appoint();
    let refused = matches!(appointed, Err(elector_heir::HeirError::Privileged(_)));
    assert_eq!(refused, privileged, "{appointed:?}");
}

// A stopped heir would keep the memory of a process that is gone until it is woken.
#[test]
fn a_stopped_heir_ends_with_its_process() {
    let mut process = Process::start();
    kill_process(process.heir, Signal::STOP).unwrap();
    until("the heir is stopped", || {
        stat(process.heir, "State:").unwrap().starts_with('T')
    });
    process.child.kill().unwrap();
    let heir = process.heir;
    until("the heir is gone", || is_gone(heir));
}

// A child that was forked, and never becomes another program, has a copy of every pipe.
#[test]
fn a_forked_child_does_not_keep_the_heir() {
    let mut process = Process::start();
    let child = process.order(b"fork and exec\n");
    let child = child.trim_start_matches("child ").trim().parse().unwrap();
    assert_eq!(process.line(), "still here\n");
    let heir = process.heir;
    until("the heir is gone", || is_gone(heir));
    kill_process(Pid::from_raw(child).unwrap(), Signal::KILL).unwrap();
}

/// All that comes from the process until its end, which its heir has a part in.
fn said(process: &mut Process) -> Vec<u8> {
    let mut said = Vec::new();
    let mut connection = &process.connection;
    // A process that leaves something unread resets its connections.
    let _ = connection.read_to_end(&mut said);
    said
}

// Peers elect another leader when they read this: it must come with the end, however that came.
#[test]
fn what_is_entrusted_is_said_when_the_process_has_ended() {
    let mut killed = Process::start_with(TRUSTS);
    killed.child.kill().unwrap();
    assert_eq!(said(&mut killed), WORDS);
    let mut ended = Process::start_with(TRUSTS);
    drop(ended.orders.take());
    assert_eq!(said(&mut ended), WORDS);
}

// A process that is stopped may hold a lease when it goes on, and one that has become another
// program goes on at once.
#[test]
fn nothing_is_said_of_a_process_that_lives() {
    let mut process = Process::start_with(TRUSTS);
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
    process.becomes_another();
    assert_eq!(said(&mut process), b"");
    assert!(process.child.try_wait().unwrap().is_none());
}

// A heir that kept connections of the past would have no room for those of today.
#[test]
fn a_connection_that_has_ended_is_let_go() {
    let process = Process::start_with(TRUSTS);
    let folder = format!("/proc/{}/fd", process.heir.as_raw_nonzero());
    let open = || fs::read_dir(&folder).unwrap().count();
    until("it has the connection, too", || open() == 3);
    process.connection.shutdown(Shutdown::Both).unwrap();
    until("it has let go of it", || open() == 2);
}

// Without an heir there is nobody who could say it, and the caller must know.
#[test]
fn nothing_can_be_entrusted_without_an_heir() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = elector_heir::entrust(WORDS, listener.as_fd()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    for words in [&b""[..], &[0; 65]] {
        let error = elector_heir::entrust(words, listener.as_fd()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
}
