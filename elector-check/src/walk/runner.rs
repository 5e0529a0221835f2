use std::time::Duration;

use elector_core::{
    Configuration as _, ElectionAlgorithm, MembersChange, Membership, View, invariants::Invariant,
    nanos,
};
use fastrand::Rng;

use crate::walk::{
    adversary::Adversary,
    cluster::Cluster,
    event::{Event, Line},
    profile::Profile,
    rush::Rush,
    violation::Violation,
};

/// Everything that is needed to run a random walk, or to replay a schedule (the list of all events
/// of a walk).
pub(crate) struct Runner<'a, A: ElectionAlgorithm> {
    pub(crate) config: &'a A::Config,
    pub(crate) members: &'a [Membership],
    pub(crate) false_proofs: bool,
    pub(crate) changes: &'a [MembersChange],
}

/// How many past messages a random walk keeps. A past message has arrived or is lost, and may
/// arrive again.
const MAX_PAST: usize = 48;

/// A normal random walk takes a few hundred events. If a walk takes more events than this number,
/// the nodes answer each other without end: this violates the invariant `no-storm`.
const MAX_EVENTS: usize = 50_000;
/// How many events the schedule of a walk (the list of its events) contains if the walk violates
/// the invariant `no-storm`.
const STORM_SHOWN: usize = 200;

/// The result of one random walk.
pub(crate) struct WalkResult<T> {
    pub(crate) lines: Vec<Line<T>>,
    pub(crate) violation: Option<Violation>,
    pub(crate) counts: Counts,
}

/// The numbers of events and of their effects. If these numbers are small, a random walk without
/// violations says little.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) events: u64,
    pub(crate) tenures: u64,
    /// The number of tenures in which the leader held a lease.
    pub(crate) leases: u64,
    pub(crate) crashes: u64,
    pub(crate) commands: u64,
}

impl Counts {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            tenures: self.tenures + other.tenures,
            leases: self.leases + other.leases,
            crashes: self.crashes + other.crashes,
            commands: self.commands + other.commands,
        }
    }
}

impl<'a, A: ElectionAlgorithm> Runner<'a, A> {
    pub(crate) fn cluster(&self) -> Cluster<A> {
        Cluster::of(self)
    }

    /// Runs one walk. The seed determines all of its events.
    pub(crate) fn walk(&self, seed: u64) -> WalkResult<A::Timer> {
        let mut adversary = self.adversary(seed);
        let mut walk = ActiveWalk::of(self.cluster());
        walk.cluster.kept = MAX_PAST;
        walk.boot();
        let horizon = adversary.horizon();
        let mut rushes = adversary.rushes();
        while walk.can_continue() && walk.cluster.now < horizon {
            walk.next(&mut adversary);
            if rushes > 0 && adversary.begins_rush(&walk.cluster) {
                rushes -= 1;
                walk.rush(adversary.rush());
            }
        }
        self.settle(&mut walk, &mut adversary);
        walk.end()
    }

    /// Ends all faults, and lets the cluster run until all nodes agree on a leader. If they do not
    /// agree within [`election_bound`](Self::election_bound), this is a violation, and the schedule
    /// of the walk ends with the last event before the end of the faults.
    fn settle(&self, walk: &mut ActiveWalk<A>, adversary: &mut Adversary) {
        if !walk.can_continue() {
            return;
        }
        let faults = walk.lines.len();
        adversary.end_faults(&mut walk.cluster);
        let bound = self.election_bound();
        let limit = walk.cluster.now + nanos(bound);
        while walk.can_continue() && !walk.cluster.agrees() {
            if walk.cluster.now >= limit {
                walk.cluster.violation = Some(Violation::no_leader(bound));
                walk.lines.truncate(faults);
            } else {
                walk.next(adversary);
            }
        }
    }

    /// Returns how long the nodes may take to agree on a leader without faults: four of the longest
    /// election timeouts, and one round trip for each node.
    fn election_bound(&self) -> Duration {
        let timing = self.config.timing();
        let nodes = self.members.len() as u32;
        (timing.election_min + timing.stagger(u32::MAX).max) * 4 + timing.round_trip * nodes
    }

    /// Replays a schedule. Skips each line whose event is not possible. Returns the lines that had
    /// an effect, up to the first violation.
    pub(crate) fn play(&self, lines: &[Line<A::Timer>]) -> WalkResult<A::Timer> {
        self.played(lines).end()
    }

    /// Replays a schedule, and then lets the cluster run without faults until all nodes agree on a
    /// leader.
    pub(crate) fn play_and_settle(&self, lines: &[Line<A::Timer>]) -> WalkResult<A::Timer> {
        let mut walk = self.played(lines);
        self.settle(&mut walk, &mut self.adversary(0));
        walk.end()
    }

    fn adversary(&self, seed: u64) -> Adversary {
        let mut rng = Rng::with_seed(seed);
        let profile = Profile::draw(self.config, &mut rng);
        let mut adversary = Adversary::new(rng, profile, self.members.len());
        adversary.changes = self.changes.to_vec();
        adversary
    }

    fn played(&self, lines: &[Line<A::Timer>]) -> ActiveWalk<A> {
        self.played_as(lines, |_, event| Some(event.clone()))
    }

    /// Replays a schedule. `event` makes the event of a line from the line and the present cluster.
    /// `event` returns `None` to skip the line.
    fn played_as<T>(
        &self,
        lines: &[Line<T>],
        event: impl Fn(&Cluster<A>, &Event<T>) -> Option<Event<A::Timer>>,
    ) -> ActiveWalk<A> {
        let mut walk = ActiveWalk::of(self.cluster());
        for line in lines {
            if walk.can_continue()
                && let Some(event) = event(&walk.cluster, &line.event)
            {
                walk.apply(line.number, event);
            }
        }
        walk
    }

    /// Replays a schedule that names timers by their `Debug` text.
    pub(crate) fn play_text(&self, lines: &[Line<String>]) -> WalkResult<A::Timer> {
        let named = |cluster: &Cluster<A>, event: &Event<String>| {
            let timer = match event {
                Event::Elapsed { node, timer } => {
                    let mut running = cluster.timers(*node).iter().map(|it| it.timer);
                    running.find(|it| format!("{it:?}") == *timer)
                }
                _ => None,
            };
            event.with_timer(timer)
        };
        self.played_as(lines, named).end()
    }

    /// Replays a schedule, and returns the lines that had an effect, if the schedule violates the
    /// invariant of this name. Otherwise returns `None`.
    pub(crate) fn effective_lines(
        &self,
        lines: &[Line<A::Timer>],
        invariant: &str,
    ) -> Option<Vec<Line<A::Timer>>> {
        let walked = if invariant == Invariant::Agreement.name() {
            self.play_and_settle(lines)
        } else {
            self.play(lines)
        };
        let violation = walked
            .violation
            .filter(|violation| violation.invariant == invariant);
        violation.map(|_| walked.lines)
    }
}

/// A random walk that is running: the cluster, and the events so far.
struct ActiveWalk<A: ElectionAlgorithm> {
    cluster: Cluster<A>,
    lines: Vec<Line<A::Timer>>,
    counts: Counts,
    /// For each node, the epoch of the newest tenure of this node that was counted, and whether the
    /// node held a lease in that tenure.
    counted: Vec<(u64, bool)>,
}

impl<A: ElectionAlgorithm> ActiveWalk<A> {
    fn of(cluster: Cluster<A>) -> Self {
        Self {
            lines: Vec::new(),
            counts: Counts::default(),
            counted: vec![(0, false); cluster.machines.len()],
            cluster,
        }
    }

    fn can_continue(&self) -> bool {
        self.cluster.violation.is_none()
    }

    fn boot(&mut self) {
        for node in 0..self.cluster.machines.len() {
            self.apply(self.number(), Event::Restarted { node });
        }
    }

    fn number(&self) -> u32 {
        self.lines.last().map_or(1, |line| line.number + 1)
    }

    fn next(&mut self, adversary: &mut Adversary) {
        let event = adversary.next(&mut self.cluster);
        self.apply(self.number(), event);
        if self.lines.len() > MAX_EVENTS {
            self.cluster.violation = Some(Violation::storm(MAX_EVENTS));
            self.lines.truncate(STORM_SHOWN);
        }
    }

    /// Ends all writes that wait for a disk, and then tries random continuations of this moment. If
    /// a continuation violates an invariant, the walk applies the events of this continuation.
    /// Otherwise the walk continues from this moment, and the continuations have no effect on it.
    fn rush(&mut self, mut rush: Rush<A>) {
        for node in 0..self.cluster.machines.len() {
            while self.can_continue() && self.cluster.has_writes(node) {
                self.apply(self.number(), Event::Written { node });
            }
        }
        if self.can_continue() {
            let found = rush.search(&self.cluster, self.number());
            self.counts.events += rush.events;
            for line in found.into_iter().flatten() {
                self.apply(line.number, line.event);
            }
        }
    }

    fn apply(&mut self, number: u32, event: Event<A::Timer>) {
        if self.cluster.apply(number, &event) {
            match event {
                Event::Crashed { .. } => self.counts.crashes += 1,
                Event::Commanded { .. } => self.counts.commands += 1,
                _ => {}
            }
            self.lines.push(Line { number, event });
            self.count_tenures();
        }
    }

    fn count_tenures(&mut self) {
        for (machine, counted) in self.cluster.machines.iter().zip(&mut self.counted) {
            let Some(view) = machine.view().filter(View::leads) else {
                continue;
            };
            if counted.0 != view.epoch.0 {
                *counted = (view.epoch.0, false);
                self.counts.tenures += 1;
            }
            if !counted.1 && machine.lease_end(0).is_some() {
                counted.1 = true;
                self.counts.leases += 1;
            }
        }
    }

    fn end(mut self) -> WalkResult<A::Timer> {
        self.counts.events += self.lines.len() as u64;
        WalkResult {
            lines: self.lines,
            violation: self.cluster.violation,
            counts: self.counts,
        }
    }
}
