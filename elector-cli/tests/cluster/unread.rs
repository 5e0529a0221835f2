//! Nodes whose log is a pipe that is not read: what collects logs hangs, or a terminal is paused.

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
        let waits_for_nobody = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        let mut reads = OpenOptions::new();
        let reader = reads.read(true).custom_flags(waits_for_nobody).open(path);
        let writer = OpenOptions::new().write(true).open(path).unwrap();
        Self {
            _reader: reader.unwrap(),
            writer,
        }
    }

    /// Gives this as standard output and standard error.
    fn streams(&self, command: &mut Command) {
        let end = || Stdio::from(self.writer.try_clone().unwrap());
        command.stdout(end()).stderr(end());
    }

    /// Whether a process that writes into it waits.
    fn is_full(&self) -> bool {
        let mut writer = [PollFd::new(&self.writer, PollFlags::OUT)];
        poll(&mut writer, Some(&Timespec::default())).unwrap() == 0
    }
}

/// More than a pipe takes; then the command waits for the reader, or for its end.
const FILLS: &str = "head -c 100000 /dev/zero; exec sleep 1000";

// A supervisor that waits for the reader of its log starts no command, and the node leads on.
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

// Such a node must do what it is told, answer, and be replaced by another: whatever it has to say
// of strangers, and of its own end.
#[test]
fn a_leader_hands_over_and_ends() {
    let mut cluster = Cluster::stopped(Setup {
        command: ["sh", "-c", FILLS].map(OsString::from).into(),
        ..Setup::new("raft", 3)
    });
    let log = Unread::new(&cluster.path("log"));
    let secret = cluster.path("token");
    write_token(&secret);
    for id in cluster.nodes() {
        assert_eq!(finished(cluster.command("node", id).arg("--init")).0, 0);
        let mut run = cluster.command("run", id);
        run.args(["--http", &cluster.http(id)])
            .arg("--token-file")
            .arg(&secret)
            .args(["--", "sh", "-c", FILLS]);
        if id == 1 {
            log.streams(&mut run);
            cluster.spawn_to(id, run);
        } else {
            cluster.spawn_as(id, run);
        }
    }
    let known = |cluster: &Cluster, node| {
        let knows = |pinned: &crate::board::Pinned| pinned.knows(node)?.leader;
        cluster.board.look(knows)
    };
    until("node 1 leads", || {
        let leader = known(&cluster, 2).filter(|&leader| leader != 1);
        if let Some(leader) = leader {
            let mut transfer = elector(&["transfer", "--to", "1"]);
            transfer.args(["--http", &cluster.http(leader)]);
            // Refused, if it does not lead any more.
            finished(transfer.arg("--token-file").arg(&secret));
        }
        [2, 3].map(|node| known(&cluster, node)) == [Some(1), Some(1)]
    });
    until("the log is full", || log.is_full());
    for _ in 0..10 {
        let stranger = TcpStream::connect(cluster.address(1));
        // It may be cut off before all is sent.
        let _ = stranger.unwrap().write_all(&[0xff; 4096]);
    }
    let asks = |path| ureq::get(format!("http://{}{path}", cluster.http(1))).call();
    assert!(asks("/livez").is_ok());
    let metrics = asks("/metrics").unwrap().body_mut().read_to_string();
    let metrics = metrics.unwrap();
    for counter in ["log_lines_dropped", "command_late_ends"] {
        let counter = format!("elector_{counter}_total 0");
        assert!(metrics.contains(&counter), "{counter}");
    }

    cluster.signal(1, Signal::TERM);
    assert_eq!(cluster.ended(1), 0);
    let (_, next) = cluster
        .board
        .wait("another leader", |pinned| pinned.agreed(&[2, 3]));
    assert_ne!(next, 1);
    assert!(log.is_full(), "it was read, and nothing was tested");
}
