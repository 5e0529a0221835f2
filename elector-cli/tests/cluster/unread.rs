//! Nodes whose log is a pipe that no process reads, because a log collector hangs or a terminal is
//! paused.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::Write,
    net::TcpStream,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Command, Stdio},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{CWD, FileType, Mode, OFlags, mknodat},
    process::Signal,
};

use crate::{
    cluster::{Cluster, Setup},
    command::{elector, finished, write_token},
    until,
};

/// A named pipe with a reader that never reads.
struct Unread {
    _reader: File,
    writer: File,
}

impl Unread {
    fn new(path: &Path) -> Self {
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        let mut reads = OpenOptions::new();
        let reader = reads.read(true).custom_flags(nonblocking).open(path);
        let writer = OpenOptions::new().write(true).open(path).unwrap();
        Self {
            _reader: reader.unwrap(),
            writer,
        }
    }

    /// Makes the pipe standard output and standard error of this command.
    fn streams(&self, command: &mut Command) {
        let end = || Stdio::from(self.writer.try_clone().unwrap());
        command.stdout(end()).stderr(end());
    }

    /// Returns `true` if a process that writes to the pipe would have to wait.
    fn is_full(&self) -> bool {
        let mut writer = [PollFd::new(&self.writer, PollFlags::OUT)];
        poll(&mut writer, Some(&Timespec::default())).unwrap() == 0
    }
}

/// A shell script that writes more than a pipe can hold, so that its write waits for the reader. If
/// the write ends, the script sleeps.
const FILLS: &str = "head -c 100000 /dev/zero; exec sleep 1000";

// The node starts the command again after a crash. If it waited for the reader of its log, it would
// lead without a command.
#[test]
fn a_command_that_crashes_is_started_again() {
    let mut cluster = Cluster::stopped(Setup::new("raft", 1));
    let log = Unread::new(&cluster.path("log"));
    let runs = cluster.path("runs");
    assert_eq!(finished(cluster.command("node", 1).arg("--init")).0, 0);
    let mut run = cluster.command("run", 1);
    let crashes = format!("echo x >> $0; ({FILLS}) & sleep 0.2; exit 1");
    run.args(["--on-exit", "restart", "--", "sh", "-c", &crashes])
        .arg(&runs);
    log.streams(&mut run);
    cluster.spawn_to(1, run);
    until("the log is full", || log.is_full());
    until("the command is started again and again", || {
        let runs = fs::read_to_string(&runs).unwrap_or_default();
        runs.lines().count() >= 4
    });
    cluster.signal(1, Signal::TERM);
    assert_eq!(cluster.ended(1), 0);
}

// A node whose log is not read must answer requests, hand over and exit, although it logs
// connections of unknown peers and its own shutdown.
#[test]
fn a_leader_hands_over_and_exits() {
    let mut cluster = Cluster::stopped(Setup {
        command: ["sh", "-c", FILLS].map(OsString::from).into(),
        ..Setup::new("raft", 3)
    });
    let log = Unread::new(&cluster.path("log"));
    let token = cluster.path("token");
    write_token(&token);
    for id in cluster.nodes() {
        assert_eq!(finished(cluster.command("node", id).arg("--init")).0, 0);
        let mut run = cluster.command("run", id);
        run.args(["--http", &cluster.http(id)])
            .arg("--token-file")
            .arg(&token)
            .args(["--", "sh", "-c", FILLS]);
        if id == 1 {
            log.streams(&mut run);
            cluster.spawn_to(id, run);
        } else {
            cluster.spawn_as(id, run);
        }
    }
    let known = |cluster: &Cluster, node| {
        let knows = |lines: &crate::logs::Lines| lines.view_of(node)?.leader;
        cluster.logs.inspect(knows)
    };
    until("node 1 leads", || {
        let leader = known(&cluster, 2).filter(|&leader| leader != 1);
        if let Some(leader) = leader {
            let mut transfer = elector(&["transfer", "--to", "1"]);
            transfer.args(["--http", &cluster.http(leader)]);
            // The node refuses this command if it does not lead any more. Then the loop tries
            // again.
            finished(transfer.arg("--token-file").arg(&token));
        }
        [2, 3].map(|node| known(&cluster, node)) == [Some(1), Some(1)]
    });
    until("the log is full", || log.is_full());
    for _ in 0..10 {
        let unknown_peer = TcpStream::connect(cluster.address(1));
        // The node may close the connection before all bytes are sent.
        let _ = unknown_peer.unwrap().write_all(&[0xff; 4096]);
    }
    let get = |path| ureq::get(format!("http://{}{path}", cluster.http(1))).call();
    assert!(get("/livez").is_ok());
    let metrics = get("/metrics").unwrap().body_mut().read_to_string();
    let metrics = metrics.unwrap();
    for counter in ["log_lines_dropped", "command_late_ends"] {
        let counter = format!("elector_{counter}_total 0");
        assert!(metrics.contains(&counter), "{counter}");
    }

    cluster.signal(1, Signal::TERM);
    assert_eq!(cluster.ended(1), 0);
    let (_, next) = cluster
        .logs
        .wait_until("another leader", |lines| lines.agreed(&[2, 3]));
    assert_ne!(next, 1);
    assert!(log.is_full(), "the log was read, so nothing was tested");
}
