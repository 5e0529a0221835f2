//! Random faults in a cluster of `elector run`, whose leader runs a command: nodes are killed,
//! stopped, shut down and cut off.
//!
//! Under a quorum algorithm, two commands must never be alive at the same time, and fencing tokens
//! must never go back. When all faults are repaired, there must be one leader, and its command must
//! write.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{Read, Seek, SeekFrom},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use elector_core::{FencingToken, GuaranteeKind, actor::now};
use rustix::process::{Signal, kill_process};

use crate::{
    alone, child,
    cluster::{Cluster, Setup},
    history::{Entry, Findings, Writer},
    number_from,
    plan::{Fault, Step, Victim, plan},
    proxy::Mode,
    until,
};

// Under Raft, two commands must never run at the same time, also in the smallest cluster that
// survives the crash of a node.
#[test]
fn raft_3() {
    chaos("raft", 3, GuaranteeKind::Quorum);
}

// Under Raft, two commands must never run at the same time, also with five nodes. Such a cluster
// survives the loss of two nodes, so a fault may hit a cluster that has lost one node already.
#[test]
fn raft_5() {
    chaos("raft", 5, GuaranteeKind::Quorum);
}

// Under Paxos, as under Raft, two commands must never run at the same time.
#[test]
fn paxos_3() {
    chaos("paxos", 3, GuaranteeKind::Quorum);
}

// Under Paxos, two commands must never run at the same time, also with five nodes. Then some
// majorities contain a node that has come back and knows only an earlier epoch, and other
// majorities do not.
#[test]
fn paxos_5() {
    chaos("paxos", 5, GuaranteeKind::Quorum);
}

// Bully ensures one leader only when all faults are repaired. Times with two commands before that
// are counted, and are no violation.
#[test]
fn bully_3() {
    chaos("bully", 3, GuaranteeKind::BestEffort);
}

// Ring, like Bully, ensures one leader only when all faults are repaired.
#[test]
fn ring_3() {
    chaos("ring", 3, GuaranteeKind::BestEffort);
}

/// The number of faults in a round. After each round all faults are repaired, and there must be a
/// leader.
const ROUND: usize = 20;

/// The settings for the short version of the test in `cargo test`. The durations are long enough
/// for a guardian (the process that stops the command) on a busy machine.
pub(crate) const PATIENT: &str = "
    [timing]
    heartbeat_ms = 50
    lease_ms = 300
    election_min_ms = 400
    election_max_ms = 550
    round_trip_ms = 30
    [run]
    margin_ms = 150
";

fn chaos(algorithm: &'static str, nodes: u64, guarantee: GuaranteeKind) {
    let _alone = alone();
    let full = number_from::<usize>("ELECTOR_CHAOS");
    let faults = full.unwrap_or(12);
    let seed = number_from("ELECTOR_CHAOS_SEED").unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::from(since.subsec_nanos()) ^ since.as_secs() << 32
    });
    let (settings, lease) = match full {
        Some(_) => ("", 120),
        None => (PATIENT, 300),
    };
    println!(
        "{algorithm}, n = {nodes}, seed {seed}. To repeat the same faults:\n\
         ELECTOR_CHAOS={faults} ELECTOR_CHAOS_SEED={seed} cargo test -p elector-cli \
         --test cluster chaos::{algorithm}_{nodes} -- --nocapture"
    );
    let start = Instant::now();
    let mut trial = Trial::start(Setup {
        command: child::command(),
        settings: settings.to_owned(),
        has_wires: true,
        ..Setup::new(algorithm, nodes)
    });
    trial.converge();
    let steps = plan(seed, nodes, faults, Duration::from_millis(lease));
    for round in steps.chunks(ROUND) {
        trial.run(round);
        trial.converge();
        trial.check(guarantee);
    }
    println!(
        "{algorithm}, n = {nodes}: {}, in {:?}",
        trial.summary(guarantee),
        start.elapsed()
    );
}

/// What ends a fault of a node: a start of the node, SIGCONT, or the repair of its connections.
#[derive(Clone, Copy)]
enum Repair {
    Start(u64),
    Continue(u64),
    Heal(Step, u64),
}

/// A cluster that runs commands on its leaders, and what the test has found in the files that these
/// commands write.
pub(crate) struct Trial {
    pub(crate) cluster: Cluster,
    nodes: u64,
    /// The repairs that were not done yet, each with the time at which it is due.
    pending: Vec<(Instant, Repair)>,
    /// The nodes that are down or stopped, and cannot be victims of another fault.
    busy: BTreeSet<u64>,
    /// How many faults and repairs of each kind were done.
    counts: BTreeMap<&'static str, usize>,
    /// All faults and repairs that were done, each with its time in nanoseconds on the clock that
    /// the commands use.
    actions: Vec<(u64, String)>,
    pub(crate) findings: Findings,
    /// How many bytes of each file that the commands write the test has read.
    read: BTreeMap<&'static str, u64>,
}

impl Trial {
    pub(crate) fn start(setup: Setup) -> Self {
        let nodes = setup.nodes;
        Self {
            cluster: Cluster::start(setup),
            nodes,
            pending: Vec::new(),
            busy: BTreeSet::new(),
            counts: BTreeMap::new(),
            actions: Vec::new(),
            findings: Findings::default(),
            read: BTreeMap::new(),
        }
    }

    /// Carries out these faults, and all their repairs.
    fn run(&mut self, steps: &[Step]) {
        for &step in steps {
            let at = Instant::now() + step.after;
            self.repair_until(at);
            self.inject(step);
        }
        while let Some(last) = self.pending.iter().map(|(at, _)| *at).max() {
            self.repair_until(last);
        }
    }

    /// Waits until the time `until`, and carries out the repairs that become due before.
    fn repair_until(&mut self, until: Instant) {
        loop {
            let due = self.pending.iter().map(|(at, _)| *at).min();
            let next = due.map_or(until, |due| due.min(until));
            thread::sleep(next.saturating_duration_since(Instant::now()));
            let now = Instant::now();
            let first = self.pending.iter().position(|(at, _)| *at <= now);
            match first.map(|first| self.pending.swap_remove(first)) {
                Some((_, repair)) => self.repair(repair),
                None if now >= until => return,
                None => {}
            }
        }
    }

    fn inject(&mut self, step: Step) {
        let Some(node) = self.victim(step.victim) else {
            return;
        };
        let name = match step.fault {
            Fault::Kill | Fault::KillGuardian | Fault::KillBoth => "kills",
            Fault::Stop => "stops",
            Fault::End => "ends",
            Fault::Cut(..) => "cuts",
            Fault::Reset => "resets",
        };
        *self.counts.entry(name).or_default() += 1;
        self.record(format!(
            "{:?} of node {node} for {:?}",
            step.fault, step.lasts
        ));
        let repair = match step.fault {
            Fault::Kill | Fault::KillGuardian | Fault::KillBoth | Fault::End => {
                self.end(node, step.fault);
                Repair::Start(node)
            }
            Fault::Stop => {
                self.cluster.signal(node, Signal::STOP);
                Repair::Continue(node)
            }
            Fault::Cut(..) => Repair::Heal(step, node),
            Fault::Reset => {
                let wires = self.cluster.wires.as_ref();
                wires.iter().for_each(|wires| wires.reset(node));
                return;
            }
        };
        if !matches!(repair, Repair::Heal(..)) {
            self.busy.insert(node);
        }
        self.pending.push((Instant::now() + step.lasts, repair));
        self.rewire();
    }

    /// Sends the signal that makes a node end, and does not wait for the end.
    fn end(&self, node: u64, fault: Fault) {
        self.cluster.foresee_end(node);
        let (pid, guardian) = (self.cluster.pid(node), self.cluster.guardian(node));
        let (pids, signal) = match fault {
            // A node that was started a moment ago may have no guardian (process that stops the
            // command) yet. In this case the node itself is killed.
            Fault::KillGuardian => ([Some(guardian.unwrap_or(pid)), None], Signal::KILL),
            Fault::KillBoth => ([Some(pid), guardian], Signal::KILL),
            Fault::End => ([Some(pid), None], Signal::TERM),
            _ => ([Some(pid), None], Signal::KILL),
        };
        for pid in pids.into_iter().flatten() {
            // It is no error if the process has ended by itself a moment ago: the repair waits for
            // the end of the process anyway.
            let _ = kill_process(pid, signal);
        }
    }

    fn repair(&mut self, repair: Repair) {
        match repair {
            Repair::Start(node) => {
                self.cluster.ended(node);
                self.cluster.spawn(node);
                *self.counts.entry("restarts").or_default() += 1;
                self.busy.remove(&node);
                self.record(format!("start of node {node}"));
            }
            Repair::Continue(node) => {
                self.cluster.signal(node, Signal::CONT);
                self.busy.remove(&node);
                self.record(format!("continuation of node {node}"));
            }
            Repair::Heal(step, node) => {
                self.rewire();
                self.record(format!("healing of {:?} of node {node}", step.fault));
            }
        }
    }

    /// Sets the mode of each wire, according to the cuts that are not healed yet. A wire is a proxy
    /// for the connections from one node to another.
    fn rewire(&self) {
        let mode = |from, to| {
            let cut = self.pending.iter().find_map(|(_, repair)| match repair {
                Repair::Heal(
                    Step {
                        fault: Fault::Cut(mode, side),
                        ..
                    },
                    victim,
                ) if side.cuts(self.nodes, *victim, from, to) => Some(*mode),
                _ => None,
            });
            cut.unwrap_or(Mode::Passes)
        };
        if let Some(wires) = &self.cluster.wires {
            wires.set(mode);
        }
    }

    /// Returns a node that runs: the given victim if it runs, or else the next node that runs.
    fn victim(&self, victim: Victim) -> Option<u64> {
        let first = match victim {
            Victim::Node(node) => node,
            Victim::Leader => self.cluster.logs.inspect(|lines| {
                let nodes = self.cluster.nodes().into_iter();
                let leaders = nodes.filter_map(|node| Some((lines.view_of(node)?, node)));
                let leaders = leaders.filter(|(view, _)| view.leads);
                leaders
                    .max_by_key(|(view, _)| view.epoch)
                    .map_or(1, |(_, node)| node)
            }),
        };
        let nodes = (first..=self.nodes).chain(1..first);
        nodes.into_iter().find(|node| !self.busy.contains(node))
    }

    /// Waits until there is one leader, and its command writes. All faults must be repaired before.
    pub(crate) fn converge(&mut self) {
        let healed = now().nanos();
        let nodes = self.cluster.nodes();
        until("all nodes know one leader, and its command writes", || {
            self.restart_ended();
            self.read_entries();
            let agreed = self.cluster.logs.inspect(|lines| lines.agreed(&nodes));
            let last = self.findings.last.filter(|last| last.at_ns > healed);
            let of = |writer: Writer| FencingToken::from_value(writer.token).epoch().0;
            last.is_some_and(|last| agreed == Some((of(last.writer), last.writer.node)))
        });
    }

    /// Restarts nodes that have ended, as a service manager does. A node may end when it is
    /// started, because its address stays in use until the command of the node's previous process
    /// is dead.
    fn restart_ended(&mut self) {
        for node in self.cluster.nodes() {
            if !self.cluster.is_running(node) {
                self.cluster.ended(node);
                self.cluster.spawn(node);
                *self.counts.entry("further restarts").or_default() += 1;
            }
        }
    }

    /// Reads what the commands have written since the last call.
    fn read_entries(&mut self) {
        for name in [child::HISTORY, child::NOTES] {
            let Ok(mut file) = File::open(self.cluster.shared(name)) else {
                continue;
            };
            let from = self.read.entry(name).or_default();
            file.seek(SeekFrom::Start(*from)).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            let whole = text.rfind('\n').map_or(0, |end| end + 1);
            *from += u64::try_from(whole).unwrap();
            for line in text[..whole].lines() {
                self.findings.add(line.parse::<Entry>().unwrap());
            }
        }
    }

    pub(crate) fn check(&self, guarantee: GuaranteeKind) {
        let violations = self.findings.violations(guarantee);
        assert!(violations.is_empty(), "{}", violations.join("\n"));
    }

    pub(crate) fn record(&mut self, action: String) {
        self.actions.push((now().nanos(), action));
    }

    fn summary(&self, guarantee: GuaranteeKind) -> String {
        let counts: Vec<String> = self
            .counts
            .iter()
            .map(|(what, n)| format!("{n} {what}"))
            .collect();
        let elections = self.cluster.logs.inspect(|lines| {
            let led = lines.views().filter(|(_, view)| view.leads);
            led.map(|(node, view)| (view.epoch, node))
                .collect::<BTreeSet<_>>()
                .len()
        });
        let late_ends = self.cluster.logs.inspect(crate::logs::Lines::late_ends);
        let worst = late_ends.iter().max().copied().unwrap_or_default();
        let Findings {
            writes,
            commands,
            tokens,
            overlaps,
            ..
        } = &self.findings;
        format!(
            "{}; {elections} elections, {commands} commands, {} tokens, {writes} writes; \
             {} commands outlived their lease, by {worst:?} at most; {} overlaps, {} violations",
            counts.join(", "),
            tokens.len(),
            late_ends.len(),
            overlaps.len(),
            self.findings.violations(guarantee).len(),
        )
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "{}\nThe last actions:",
                self.cluster.logs.inspect(|lines| lines.tail(200))
            );
            for (at, action) in self.actions.iter().rev().take(2 * ROUND).rev() {
                eprintln!("{at} {action}");
            }
        }
    }
}
