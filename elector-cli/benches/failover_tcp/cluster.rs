//! A cluster of processes of the `elector` command.

use std::{
    env,
    io::{BufRead, BufReader, Write as _},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::{Duration, Instant},
};

use elector_core::actor;
use rustix::process::{Pid, Signal as Posix, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    TIMEOUT,
    figures::{Failover, Figures, Steps},
};

/// The environment variable that makes this bench program the command of `elector run`.
pub(crate) const COMMAND_VARIABLE: &str = "ELECTOR_BENCH_WORK";

/// The main function of the command of `elector run`: prints when the command started, and waits
/// until it is killed.
pub(crate) fn run_command() {
    let now = actor::now().nanos();
    let node = env::var("ELECTOR_NODE").unwrap_or_default();
    let epoch = env::var("ELECTOR_EPOCH").unwrap_or_default();
    println!("{{\"work\":{node},\"epoch\":{epoch},\"at_ns\":{now}}}");
    let _ = std::io::stdout().flush();
    loop {
        thread::park();
    }
}

/// How long a leader that was stopped by SIGSTOP stays stopped after the peers follow another
/// leader. This is longer than any silence that the peers tolerate.
const STOP_TIME: Duration = Duration::from_millis(500);

/// The subcommand of `elector` that the processes of the cluster run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The processes run `elector node`.
    Node,
    /// The processes run `elector run`.
    Run,
}

impl Kind {
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Node => "",
            Self::Run => ", run",
        }
    }
}

/// The signal that the bench sends to a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Kill,
    Stop,
}

/// A line of the log of a node, or of the output of its command.
#[derive(Clone, Debug)]
struct Line {
    node: u64,
    epoch: u64,
    at: u64,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Follows(Option<u64>),
    Works,
    /// The host of the node reported to the algorithm that this peer may have failed.
    Suspects(u64),
    /// A durable write has ended after this time.
    Saved(Duration),
}

pub(crate) struct Cluster {
    algorithm: String,
    kind: Kind,
    profile: &'static str,
    /// The log filter of the nodes.
    log: &'static str,
    peers: String,
    folder: TempDir,
    running: Vec<(u64, Child)>,
    lines: (Sender<Line>, Receiver<Line>),
    /// The epoch and the leader that each node has reported last. The index is the id of the node.
    known: Vec<(u64, Option<u64>)>,
    nodes: u64,
    /// The time of the last signal to a leader, in nanoseconds, and the lines that were read since
    /// then.
    killed_at: u64,
    lines_since_kill: Vec<Line>,
}

impl Cluster {
    pub(crate) fn start(algorithm: &str, nodes: u64, kind: Kind, profile: &'static str) -> Self {
        Self::start_with_log(
            algorithm,
            nodes,
            kind,
            profile,
            "elector=info,elector_net=error",
        )
    }

    /// Starts a cluster whose nodes log the steps of an election (reports about peers, and durable
    /// writes). This log makes them slower.
    pub(crate) fn with_step_log(algorithm: &str, nodes: u64) -> Self {
        let log = "elector=info,elector_net::hint=debug,elector_net::record=debug";
        Self::start_with_log(algorithm, nodes, Kind::Node, "default", log)
    }

    fn start_with_log(
        algorithm: &str,
        nodes: u64,
        kind: Kind,
        profile: &'static str,
        log: &'static str,
    ) -> Self {
        let reserved: Vec<_> = (0..nodes)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        let peers = (1..)
            .zip(&reserved)
            .map(|(id, listener): (u64, _)| format!("{id}={}", listener.local_addr().unwrap()));
        let peers = peers.collect::<Vec<_>>().join(",");
        drop(reserved);
        let entries = usize::try_from(nodes).unwrap() + 1;
        let mut cluster = Self {
            algorithm: algorithm.to_owned(),
            kind,
            profile,
            log,
            peers,
            folder: tempfile::tempdir().unwrap(),
            running: Vec::new(),
            lines: mpsc::channel(),
            known: vec![(0, None); entries],
            nodes,
            killed_at: 0,
            lines_since_kill: Vec::new(),
        };
        for id in 1..=nodes {
            let formatted = cluster.command("node", id).arg("--init").output().unwrap();
            assert!(formatted.status.success(), "{formatted:?}");
            cluster.spawn(id);
        }
        cluster
    }

    fn command(&self, what: &str, id: u64) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_elector"));
        command
            .arg(what)
            .args(["--id", &id.to_string(), "--peers", &self.peers])
            .args(["--algorithm", &self.algorithm, "--profile", self.profile])
            .args(["--log-format", "json", "--log", self.log])
            .arg("--data-dir")
            .arg(self.folder.path().join(id.to_string()));
        command
    }

    fn spawn(&mut self, id: u64) {
        let mut command = match self.kind {
            Kind::Node => self.command("node", id),
            Kind::Run => {
                let mut command = self.command("run", id);
                command
                    .arg("--")
                    .arg(env::current_exe().unwrap())
                    .env(COMMAND_VARIABLE, "1");
                command
            }
        };
        let streams = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = streams.spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        for stream in [
            Box::new(out) as Box<dyn std::io::Read + Send>,
            Box::new(err),
        ] {
            let sender = self.lines.0.clone();
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    match read(id, &line) {
                        Some(parsed) => drop(sender.send(parsed)),
                        None if line.contains("ERROR") => eprintln!("node {id}: {line}"),
                        None => {}
                    }
                }
            });
        }
        self.running.push((id, child));
    }

    /// Sends this signal to the leader `times` times, and each time waits until another node leads.
    /// Returns the times of these failovers.
    pub(crate) fn failovers(&mut self, signal: Signal, times: usize) -> Figures {
        let mut figures = Figures::default();
        for _ in 0..times {
            figures.push(self.failover(signal));
        }
        figures
    }

    /// Kills the leader `times` times. Returns how long the steps of each failover took.
    pub(crate) fn steps(&mut self, times: usize) -> Steps {
        let mut steps = Steps::default();
        for _ in 0..times {
            self.lines_since_kill.clear();
            let failover = self.failover(Signal::Kill);
            let at = self.killed_at;
            let suspicions = self
                .lines_since_kill
                .iter()
                .filter(|line| matches!(line.what, What::Suspects(_)));
            let suspicion = suspicions
                .map(|line| line.at)
                .filter(|suspicion| *suspicion >= at)
                .min();
            let saved = self.lines_since_kill.iter().filter(|line| line.at >= at);
            let saved = saved.filter_map(|line| match line.what {
                What::Saved(took) => Some(took),
                What::Follows(_) | What::Works | What::Suspects(_) => None,
            });
            let detected = Duration::from_nanos(suspicion.unwrap_or(at).saturating_sub(at));
            steps.push(&failover, detected, saved.max().unwrap_or_default());
        }
        steps
    }

    pub(crate) fn failover(&mut self, signal: Signal) -> Failover {
        let (epoch, leader) = self.settle();
        let place = self
            .running
            .iter()
            .position(|(id, _)| *id == leader)
            .unwrap();
        let pid = Pid::from_child(&self.running[place].1);
        let posix = match signal {
            Signal::Kill => Posix::KILL,
            Signal::Stop => Posix::STOP,
        };
        let at = actor::now().nanos();
        self.killed_at = at;
        kill_process(pid, posix).unwrap();
        let failover = self.followed(at, epoch, leader);
        match signal {
            Signal::Kill => {
                let (_, mut child) = self.running.remove(place);
                child.wait().unwrap();
                self.known[usize::try_from(leader).unwrap()] = (0, None);
                self.spawn(leader);
            }
            Signal::Stop => {
                // If the node continued after a shorter silence, the failure detectors of the peers
                // would take such a silence for usual, and would notice the next stop later.
                thread::sleep(STOP_TIME);
                kill_process(pid, Posix::CONT).unwrap();
            }
        }
        failover
    }

    /// Reads the lines of the other nodes until all of them follow a new leader and, under `elector
    /// run`, until its command has started.
    fn followed(&mut self, at: u64, epoch: u64, old_leader: u64) -> Failover {
        let since = |then: u64| Duration::from_nanos(then.saturating_sub(at));
        let majority = usize::try_from(self.nodes / 2 + 1).unwrap();
        let mut followers: Vec<(u64, u64, u64)> = Vec::new();
        let mut commands: Vec<(u64, u64)> = Vec::new();
        loop {
            let line = self.next(at + u64::try_from(TIMEOUT.as_nanos()).unwrap());
            self.lines_since_kill.push(line.clone());
            if line.node == old_leader || line.epoch <= epoch {
                continue;
            }
            match line.what {
                What::Follows(Some(leader)) => followers.push((line.epoch, leader, line.at)),
                What::Works => commands.push((line.epoch, line.at)),
                What::Follows(None) | What::Suspects(_) | What::Saved(_) => {}
            }
            // If a second election begins before all nodes know the result of the first one, only
            // the newest election counts.
            let Some(&(newest, leader, _)) = followers.iter().max_by_key(|(epoch, ..)| *epoch)
            else {
                continue;
            };
            let mut stamps: Vec<u64> = followers
                .iter()
                .filter(|(epoch, known, _)| (*epoch, *known) == (newest, leader))
                .map(|(.., at)| *at)
                .collect();
            let work = commands.iter().find(|(epoch, _)| *epoch == newest);
            let all = u64::try_from(stamps.len()).unwrap() + 1 >= self.nodes;
            if all && (self.kind == Kind::Node || work.is_some()) {
                // The winner is the first node that knows the result, so the earliest time is the
                // winner's.
                stamps.sort_unstable();
                return Failover {
                    winner: since(stamps[0]),
                    majority: since(stamps[majority - 1]),
                    work: work.map(|(_, at)| since(*at)),
                };
            }
        }
    }

    /// Waits until all nodes follow one leader, and no node has printed a line for 300 ms. Returns
    /// the epoch and the leader.
    fn settle(&mut self) -> (u64, u64) {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            while let Ok(line) = self.lines.1.recv_timeout(Duration::from_millis(300)) {
                self.note(&line);
            }
            let first = self.known[1];
            let one = self.known[1..].iter().all(|known| *known == first);
            if let (epoch, Some(leader)) = first
                && one
            {
                return (epoch, leader);
            }
            assert!(Instant::now() < deadline, "no leader: {:?}", self.known);
        }
    }

    fn next(&mut self, deadline: u64) -> Line {
        let left = deadline.saturating_sub(actor::now().nanos());
        let line = self.lines.1.recv_timeout(Duration::from_nanos(left));
        let line = line.unwrap_or_else(|_| panic!("no new leader: {:?}", self.known));
        self.note(&line);
        line
    }

    fn note(&mut self, line: &Line) {
        if let What::Follows(leader) = line.what {
            self.known[usize::try_from(line.node).unwrap()] = (line.epoch, leader);
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for (_, child) in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn read(node: u64, line: &str) -> Option<Line> {
    let line: Value = serde_json::from_str(line).ok()?;
    let number = |key: &str| line.get(key).and_then(Value::as_u64);
    let text = |key: &str| line.get(key).and_then(Value::as_str);
    let what = match text("target") {
        Some("elector_net::hint") => What::Suspects(text("peer")?.parse().ok()?),
        Some("elector_net::record") => What::Saved(Duration::from_nanos(number("took_ns")?)),
        Some(_) => What::Follows(match text("leader")? {
            "none" => None,
            id => Some(id.parse().ok()?),
        }),
        None => What::Works,
    };
    Some(Line {
        node,
        epoch: number("epoch").unwrap_or(0),
        at: number("at_ns")?,
        what,
    })
}
