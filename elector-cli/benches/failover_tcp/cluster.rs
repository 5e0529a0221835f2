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
    LONG,
    figures::{Failover, Figures, Steps},
};

/// The variable that makes this binary the command of `elector run`.
pub(crate) const WORK: &str = "ELECTOR_BENCH_WORK";

/// Says when it began, and waits to be ended.
pub(crate) fn work() {
    let now = actor::now().nanos();
    let node = env::var("ELECTOR_NODE").unwrap_or_default();
    let epoch = env::var("ELECTOR_EPOCH").unwrap_or_default();
    println!("{{\"work\":{node},\"epoch\":{epoch},\"at_ns\":{now}}}");
    let _ = std::io::stdout().flush();
    loop {
        thread::park();
    }
}

/// How long a leader that is stopped hangs, after it was replaced: longer than any silence is
/// tolerated.
const HANGS: Duration = Duration::from_millis(500);

/// What a process of the cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `elector node`
    Node,
    /// `elector run`
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

/// What happens to a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Kill,
    Stop,
}

/// A line of a node's log that says what it knows, or of its command.
#[derive(Clone, Debug)]
struct News {
    node: u64,
    epoch: u64,
    at: u64,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Follows(Option<u64>),
    Works,
    /// The algorithm was told that this peer is gone.
    Suspects(u64),
    /// A durable write has ended, and took so long.
    Saved(Duration),
}

pub(crate) struct Cluster {
    algorithm: String,
    kind: Kind,
    profile: &'static str,
    /// What is logged.
    log: &'static str,
    peers: String,
    folder: TempDir,
    running: Vec<(u64, Child)>,
    news: (Sender<News>, Receiver<News>),
    /// The last that each node said of whom it follows.
    known: Vec<(u64, Option<u64>)>,
    nodes: u64,
    /// When the last signal was sent, and what was said since.
    killed_at: u64,
    seen: Vec<News>,
}

impl Cluster {
    pub(crate) fn start(algorithm: &str, nodes: u64, kind: Kind, profile: &'static str) -> Self {
        Self::logging(
            algorithm,
            nodes,
            kind,
            profile,
            "elector=info,elector_net=error",
        )
    }

    /// A cluster whose nodes log each step on the way, which makes them slower.
    pub(crate) fn told_in_steps(algorithm: &str, nodes: u64) -> Self {
        let log = "elector=info,elector_net::hint=debug,elector_net::record=debug";
        Self::logging(algorithm, nodes, Kind::Node, "default", log)
    }

    fn logging(
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
        let places = usize::try_from(nodes).unwrap() + 1;
        let mut cluster = Self {
            algorithm: algorithm.to_owned(),
            kind,
            profile,
            log,
            peers,
            folder: tempfile::tempdir().unwrap(),
            running: Vec::new(),
            news: mpsc::channel(),
            known: vec![(0, None); places],
            nodes,
            killed_at: 0,
            seen: Vec::new(),
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
                    .env(WORK, "1");
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
            let tell = self.news.0.clone();
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    match read(id, &line) {
                        Some(news) => drop(tell.send(news)),
                        None if line.contains("ERROR") => eprintln!("node {id}: {line}"),
                        None => {}
                    }
                }
            });
        }
        self.running.push((id, child));
    }

    /// So many failovers, and what they took.
    pub(crate) fn failovers(&mut self, signal: Signal, times: usize) -> Figures {
        let mut figures = Figures::default();
        for _ in 0..times {
            figures.push(self.failover(signal));
        }
        figures
    }

    /// So many failovers after a kill, and where the time went.
    pub(crate) fn steps(&mut self, times: usize) -> Steps {
        let mut steps = Steps::default();
        for _ in 0..times {
            self.seen.clear();
            let failover = self.failover(Signal::Kill);
            let at = self.killed_at;
            let hints = self
                .seen
                .iter()
                .filter(|news| matches!(news.what, What::Suspects(_)));
            let hint = hints.map(|news| news.at).filter(|hint| *hint >= at).min();
            let saved = self.seen.iter().filter(|news| news.at >= at);
            let saved = saved.filter_map(|news| match news.what {
                What::Saved(took) => Some(took),
                What::Follows(_) | What::Works | What::Suspects(_) => None,
            });
            let detected = Duration::from_nanos(hint.unwrap_or(at).saturating_sub(at));
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
                // A shorter silence would be a hiccup, which teaches the others patience.
                thread::sleep(HANGS);
                kill_process(pid, Posix::CONT).unwrap();
            }
        }
        failover
    }

    /// Reads what the others say until all follow a new leader.
    fn followed(&mut self, at: u64, epoch: u64, gone: u64) -> Failover {
        let since = |then: u64| Duration::from_nanos(then.saturating_sub(at));
        let majority = usize::try_from(self.nodes / 2 + 1).unwrap();
        let mut knew: Vec<(u64, u64, u64)> = Vec::new();
        let mut worked: Vec<(u64, u64)> = Vec::new();
        loop {
            let news = self.next(at + u64::try_from(LONG.as_nanos()).unwrap());
            self.seen.push(news.clone());
            if news.node == gone || news.epoch <= epoch {
                continue;
            }
            match news.what {
                What::Follows(Some(leader)) => knew.push((news.epoch, leader, news.at)),
                What::Works => worked.push((news.epoch, news.at)),
                What::Follows(None) | What::Suspects(_) | What::Saved(_) => {}
            }
            // An election may be overtaken by another: the newest counts.
            let Some(&(newest, leader, _)) = knew.iter().max_by_key(|(epoch, ..)| *epoch) else {
                continue;
            };
            let mut stamps: Vec<u64> = knew
                .iter()
                .filter(|(epoch, known, _)| (*epoch, *known) == (newest, leader))
                .map(|(.., at)| *at)
                .collect();
            let work = worked.iter().find(|(epoch, _)| *epoch == newest);
            let all = u64::try_from(stamps.len()).unwrap() + 1 >= self.nodes;
            if all && (self.kind == Kind::Node || work.is_some()) {
                // In the order in which they came to know, and the winner is the first.
                stamps.sort_unstable();
                return Failover {
                    winner: since(stamps[0]),
                    majority: since(stamps[majority - 1]),
                    work: work.map(|(_, at)| since(*at)),
                };
            }
        }
    }

    /// Waits until all nodes follow one leader and have been quiet for a while, and names it.
    fn settle(&mut self) -> (u64, u64) {
        let deadline = Instant::now() + LONG;
        loop {
            while let Ok(news) = self.news.1.recv_timeout(Duration::from_millis(300)) {
                self.note(&news);
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

    fn next(&mut self, deadline: u64) -> News {
        let left = deadline.saturating_sub(actor::now().nanos());
        let news = self.news.1.recv_timeout(Duration::from_nanos(left));
        let news = news.unwrap_or_else(|_| panic!("no new leader: {:?}", self.known));
        self.note(&news);
        news
    }

    fn note(&mut self, news: &News) {
        if let What::Follows(leader) = news.what {
            self.known[usize::try_from(news.node).unwrap()] = (news.epoch, leader);
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

fn read(node: u64, line: &str) -> Option<News> {
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
    Some(News {
        node,
        epoch: number("epoch").unwrap_or(0),
        at: number("at_ns")?,
        what,
    })
}
