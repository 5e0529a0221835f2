//! Random kills, stops, ends and cuts of nodes that run a command on their leader. Whatever
//! happens, under a quorum algorithm no two commands live at once, and no token goes back; and
//! when all is healed there is one leader, whose command writes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{Read, Seek, SeekFrom},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use elector_core::{FencingToken, actor::now};
use rustix::process::{Signal, kill_process};

use crate::{
    alone, asked, child,
    cluster::{Cluster, Setup},
    history::{Entry, Findings, Writer},
    plan::{Fault, Step, Victim, plan},
    proxy::Mode,
    until,
};

// Raft's promise, in the smallest cluster that survives a crash.
#[test]
fn raft_3() {
    chaos("raft", 3, true);
}

// Five nodes can lose two, so that faults meet a cluster that is damaged already.
#[test]
fn raft_5() {
    chaos("raft", 5, true);
}

// Paxos promises the same.
#[test]
fn paxos_3() {
    chaos("paxos", 3, true);
}

// Nodes that are restarted in the epoch before are needed now and then, and now and then not.
#[test]
fn paxos_5() {
    chaos("paxos", 5, true);
}

// Bully promises one leader after healing; what overlaps before that is counted.
#[test]
fn bully_3() {
    chaos("bully", 3, false);
}

// As Bully, from another algorithm.
#[test]
fn ring_3() {
    chaos("ring", 3, false);
}

/// So many faults follow each other before all is healed and there must be a leader.
const ROUND: usize = 20;

/// What `cargo test` runs with: no load of a machine makes a guardian late for these.
const PATIENT: &str = "
    [timing]
    heartbeat_ms = 50
    lease_ms = 300
    election_min_ms = 400
    election_max_ms = 550
    round_trip_ms = 30
    [run]
    margin_ms = 150
";

fn chaos(algorithm: &'static str, nodes: u64, quorum: bool) {
    let _alone = alone();
    let full = asked::<usize>("ELECTOR_CHAOS");
    let faults = full.unwrap_or(12);
    let seed = asked("ELECTOR_CHAOS_SEED").unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::from(since.subsec_nanos()) ^ since.as_secs() << 32
    });
    let (settings, lease) = match full {
        Some(_) => ("", 120),
        None => (PATIENT, 300),
    };
    println!(
        "{algorithm}, n = {nodes}, seed {seed}. To do the same again, as far as real time lets it \
         be the same:\nELECTOR_CHAOS={faults} ELECTOR_CHAOS_SEED={seed} cargo test -p elector-cli \
         --test cluster chaos::{algorithm}_{nodes} -- --nocapture"
    );
    let began = Instant::now();
    let mut player = Player::start(Setup {
        command: child::command(),
        settings: settings.to_owned(),
        wires: true,
        ..Setup::new(algorithm, nodes)
    });
    player.converge();
    let steps = plan(seed, nodes, faults, Duration::from_millis(lease));
    for round in steps.chunks(ROUND) {
        player.play(round);
        player.converge();
        player.judge(quorum);
    }
    println!(
        "{algorithm}, n = {nodes}: {}, in {:?}",
        player.summary(quorum),
        began.elapsed()
    );
}

/// Something that was done to a cluster, and is to be undone.
#[derive(Clone, Copy)]
enum Undoing {
    Start(u64),
    Continue(u64),
    Heal(Step, u64),
}

struct Player {
    cluster: Cluster,
    nodes: u64,
    /// What is to be undone, and when.
    pending: Vec<(Instant, Undoing)>,
    /// Nodes that are down, or stopped.
    busy: BTreeSet<u64>,
    done: BTreeMap<&'static str, usize>,
    /// What was done, and when, on the clock of the commands.
    told: Vec<(u64, String)>,
    findings: Findings,
    read: BTreeMap<&'static str, u64>,
}

impl Player {
    fn start(setup: Setup) -> Self {
        let nodes = setup.nodes;
        Self {
            cluster: Cluster::start(setup),
            nodes,
            pending: Vec::new(),
            busy: BTreeSet::new(),
            done: BTreeMap::new(),
            told: Vec::new(),
            findings: Findings::default(),
            read: BTreeMap::new(),
        }
    }

    /// Does all of this, and undoes it.
    fn play(&mut self, steps: &[Step]) {
        for &step in steps {
            let at = Instant::now() + step.after;
            self.undo_until(at);
            self.inflict(step);
        }
        while let Some(last) = self.pending.iter().map(|(at, _)| *at).max() {
            self.undo_until(last);
        }
    }

    /// Undoes what is due, until then.
    fn undo_until(&mut self, until: Instant) {
        loop {
            let due = self.pending.iter().map(|(at, _)| *at).min();
            let next = due.map_or(until, |due| due.min(until));
            thread::sleep(next.saturating_duration_since(Instant::now()));
            let now = Instant::now();
            let first = self.pending.iter().position(|(at, _)| *at <= now);
            match first.map(|first| self.pending.swap_remove(first)) {
                Some((_, undoing)) => self.undo(undoing),
                None if now >= until => return,
                None => {}
            }
        }
    }

    fn inflict(&mut self, step: Step) {
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
        *self.done.entry(name).or_default() += 1;
        self.tell(format!(
            "{:?} of node {node} for {:?}",
            step.fault, step.lasts
        ));
        let undoing = match step.fault {
            Fault::Kill | Fault::KillGuardian | Fault::KillBoth | Fault::End => {
                self.end(node, step.fault);
                Undoing::Start(node)
            }
            Fault::Stop => {
                self.cluster.signal(node, Signal::STOP);
                Undoing::Continue(node)
            }
            Fault::Cut(..) => Undoing::Heal(step, node),
            Fault::Reset => {
                let wires = self.cluster.wires.as_ref();
                wires.iter().for_each(|wires| wires.reset(node));
                return;
            }
        };
        if !matches!(undoing, Undoing::Heal(..)) {
            self.busy.insert(node);
        }
        self.pending.push((Instant::now() + step.lasts, undoing));
        self.rewire();
    }

    /// Makes a node end, without waiting for it.
    fn end(&self, node: u64, fault: Fault) {
        self.cluster.foresee_end(node);
        let (pid, guardian) = (self.cluster.pid(node), self.cluster.guardian(node));
        let (hit, signal) = match fault {
            // One that has just been started may have none yet.
            Fault::KillGuardian => ([Some(guardian.unwrap_or(pid)), None], Signal::KILL),
            Fault::KillBoth => ([Some(pid), guardian], Signal::KILL),
            Fault::End => ([Some(pid), None], Signal::TERM),
            _ => ([Some(pid), None], Signal::KILL),
        };
        for pid in hit.into_iter().flatten() {
            // If it has just ended by itself, that is found out when it is to be started again.
            let _ = kill_process(pid, signal);
        }
    }

    fn undo(&mut self, undoing: Undoing) {
        match undoing {
            Undoing::Start(node) => {
                self.cluster.ended(node);
                self.cluster.spawn(node);
                *self.done.entry("restarts").or_default() += 1;
                self.busy.remove(&node);
                self.tell(format!("start of node {node}"));
            }
            Undoing::Continue(node) => {
                self.cluster.signal(node, Signal::CONT);
                self.busy.remove(&node);
                self.tell(format!("continuation of node {node}"));
            }
            Undoing::Heal(step, node) => {
                self.rewire();
                self.tell(format!("healing of {:?} of node {node}", step.fault));
            }
        }
    }

    /// Has each wire do what the cuts that are pending say.
    fn rewire(&self) {
        let mode = |from, to| {
            let cut = self.pending.iter().find_map(|(_, undoing)| match undoing {
                Undoing::Heal(
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

    /// A node that is there to be hit: the one that is meant, or one after it.
    fn victim(&self, victim: Victim) -> Option<u64> {
        let first = match victim {
            Victim::Node(node) => node,
            Victim::Leader => self.cluster.board.look(|pinned| {
                let nodes = self.cluster.nodes().into_iter();
                let leaders = nodes.filter_map(|node| Some((pinned.knows(node)?, node)));
                let leaders = leaders.filter(|(said, _)| said.leads);
                leaders
                    .max_by_key(|(said, _)| said.epoch)
                    .map_or(1, |(_, node)| node)
            }),
        };
        let nodes = (first..=self.nodes).chain(1..first);
        nodes.into_iter().find(|node| !self.busy.contains(node))
    }

    /// All is healed: waits until there is one leader, and its command writes.
    fn converge(&mut self) {
        let healed = now().nanos();
        let nodes = self.cluster.nodes();
        until("all nodes know one leader, and its command writes", || {
            self.revive();
            self.look();
            let agreed = self.cluster.board.look(|pinned| pinned.agreed(&nodes));
            let last = self.findings.last.filter(|last| last.at_ns > healed);
            let of = |writer: Writer| FencingToken::from_value(writer.token).epoch().0;
            last.is_some_and(|last| agreed == Some((of(last.writer), last.writer.node)))
        });
    }

    /// A service manager starts anew what has ended. A node may have to be: its address is taken
    /// for as long as the command of its last life is not dead.
    fn revive(&mut self) {
        for node in self.cluster.nodes() {
            if !self.cluster.is_running(node) {
                self.cluster.ended(node);
                self.cluster.spawn(node);
                *self.done.entry("further restarts").or_default() += 1;
            }
        }
    }

    /// Reads what the commands have written since the last look.
    fn look(&mut self) {
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
                self.findings.take(line.parse::<Entry>().unwrap());
            }
        }
    }

    fn judge(&self, quorum: bool) {
        let violations = self.findings.violations(quorum);
        assert!(violations.is_empty(), "{}", violations.join("\n"));
    }

    fn tell(&mut self, what: String) {
        self.told.push((now().nanos(), what));
    }

    fn summary(&self, quorum: bool) -> String {
        let done: Vec<String> = self
            .done
            .iter()
            .map(|(what, n)| format!("{n} {what}"))
            .collect();
        let elections = self.cluster.board.look(|pinned| {
            let led = pinned.said().filter(|(_, said)| said.leads);
            led.map(|(node, said)| (said.epoch, node))
                .collect::<BTreeSet<_>>()
                .len()
        });
        let overruns = self.cluster.board.look(crate::board::Pinned::overruns);
        let worst = overruns.iter().max().copied().unwrap_or_default();
        let Findings {
            writes,
            commands,
            tokens,
            overlaps,
            ..
        } = &self.findings;
        format!(
            "{}; {elections} elections, {commands} commands, {} tokens, {writes} writes; {} commands \
             outlived their lease, by {worst:?} at most; {} overlaps, {} violations",
            done.join(", "),
            tokens.len(),
            overruns.len(),
            overlaps.len(),
            self.findings.violations(quorum).len(),
        )
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "{}\nWhat was done last:",
                self.cluster.board.look(|pinned| pinned.tail(200))
            );
            for (at, what) in self.told.iter().rev().take(2 * ROUND).rev() {
                eprintln!("{at} {what}");
            }
        }
    }
}
