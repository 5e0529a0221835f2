use std::time::Duration;

use elector_core::{
    Configuration as _, ElectionAlgorithm, Membership, View, invariants::Invariant, nanos,
};
use fastrand::Rng;

use crate::walk::{
    adversary::Adversary,
    broken::Broken,
    event::{Event, Line},
    profile::Profile,
    rush::Rush,
    world::World,
};

/// A cluster to be put on trial, again and again.
pub(crate) struct Trial<'a, A: ElectionAlgorithm> {
    pub(crate) config: &'a A::Config,
    pub(crate) members: &'a [Membership],
    pub(crate) false_proofs: bool,
}

/// How many messages that have arrived or are lost a walk keeps, so that they may arrive again.
const MOST_PAST: usize = 48;

/// A walk takes a few hundred events. One of so many is a storm of messages.
const MOST_EVENTS: usize = 50_000;
/// How many events of a storm are shown.
const STORM_SHOWN: usize = 200;

/// What came of one walk.
pub(crate) struct Walked<T> {
    pub(crate) lines: Vec<Line<T>>,
    pub(crate) broken: Option<Broken>,
    pub(crate) counts: Counts,
}

/// How much happened: it distinguishes a clean walk from an empty one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) events: u64,
    pub(crate) tenures: u64,
    /// Tenures with a lease.
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

impl<'a, A: ElectionAlgorithm> Trial<'a, A> {
    pub(crate) fn world(&self) -> World<A> {
        World::of(self)
    }

    /// One walk, decided by its seed.
    pub(crate) fn walk(&self, seed: u64) -> Walked<A::Timer> {
        let mut rng = Rng::with_seed(seed);
        let profile = Profile::draw(self.config, &mut rng);
        let mut adversary = Adversary::new(rng, profile, self.members.len());
        let mut run = Run::of(self.world());
        run.world.kept = MOST_PAST;
        run.boot();
        let horizon = adversary.horizon();
        let mut rushes = adversary.rushes();
        while run.goes_on() && run.world.now < horizon {
            run.next(&mut adversary);
            if rushes > 0 && adversary.is_rash(&run.world) {
                rushes -= 1;
                run.rush(adversary.rush());
            }
        }
        self.settle(&mut run, &mut adversary);
        run.end()
    }

    /// Ends all faults, and lets the cluster run until all nodes agree. If they do not, the
    /// schedule ends with the faults.
    fn settle(&self, run: &mut Run<A>, adversary: &mut Adversary) {
        if !run.goes_on() {
            return;
        }
        let faults = run.lines.len();
        adversary.relent(&mut run.world);
        let bound = self.bound();
        let limit = run.world.now + nanos(bound);
        while run.goes_on() && !run.world.agrees() {
            if run.world.now >= limit {
                run.world.broken = Some(Broken::no_leader(bound));
                run.lines.truncate(faults);
            } else {
                run.next(adversary);
            }
        }
    }

    /// How long an election may take without faults: four of the widest election timeouts.
    fn bound(&self) -> Duration {
        let timing = self.config.timing();
        let nodes = self.members.len() as u32;
        (timing.election_min + timing.stagger(u32::MAX).max) * 4 + timing.round_trip * nodes
    }

    /// Plays a schedule; lines that cannot happen are left out. Returns those that had an effect,
    /// up to the first broken promise.
    pub(crate) fn play(&self, lines: &[Line<A::Timer>]) -> Walked<A::Timer> {
        self.played(lines).end()
    }

    /// The same, then without faults until all nodes agree.
    pub(crate) fn play_and_settle(&self, lines: &[Line<A::Timer>]) -> Walked<A::Timer> {
        let mut run = self.played(lines);
        let mut rng = Rng::with_seed(0);
        let profile = Profile::draw(self.config, &mut rng);
        let mut adversary = Adversary::new(rng, profile, self.members.len());
        self.settle(&mut run, &mut adversary);
        run.end()
    }

    fn played(&self, lines: &[Line<A::Timer>]) -> Run<A> {
        let mut run = Run::of(self.world());
        for line in lines {
            if !run.goes_on() {
                break;
            }
            run.apply(line.number, line.event.clone());
        }
        run
    }

    /// Plays a schedule whose timers are named as they print.
    pub(crate) fn play_text(&self, lines: &[Line<String>]) -> Walked<A::Timer> {
        let mut run = Run::of(self.world());
        for Line { number, event } in lines {
            if !run.goes_on() {
                break;
            }
            let timer = match event {
                Event::Elapsed { node, timer } => {
                    let running = run.world.timers(*node).iter().map(|it| it.timer);
                    let named = |it: &A::Timer| format!("{it:?}") == *timer;
                    match running.into_iter().find(named) {
                        Some(timer) => Some(timer),
                        None => continue, // It does not run.
                    }
                }
                _ => None,
            };
            if let Some(event) = event.with_timer(timer) {
                run.apply(*number, event);
            }
        }
        run.end()
    }

    /// The lines of a schedule that had an effect, if it breaks the promise of this name.
    pub(crate) fn effective(
        &self,
        lines: &[Line<A::Timer>],
        promise: &str,
    ) -> Option<Vec<Line<A::Timer>>> {
        let walked = if promise == Invariant::Agreement.name() {
            self.play_and_settle(lines)
        } else {
            self.play(lines)
        };
        let broken = walked.broken.filter(|broken| broken.promise == promise);
        broken.map(|_| walked.lines)
    }
}

/// A walk under way: the world, and what has happened to it.
struct Run<A: ElectionAlgorithm> {
    world: World<A>,
    lines: Vec<Line<A::Timer>>,
    counts: Counts,
    /// The newest tenure of each node that was counted, and whether it had a lease.
    counted: Vec<(u64, bool)>,
}

impl<A: ElectionAlgorithm> Run<A> {
    fn of(world: World<A>) -> Self {
        Self {
            lines: Vec::new(),
            counts: Counts::default(),
            counted: vec![(0, false); world.machines.len()],
            world,
        }
    }

    fn goes_on(&self) -> bool {
        self.world.broken.is_none()
    }

    fn boot(&mut self) {
        for node in 0..self.world.machines.len() {
            self.apply(self.number(), Event::Restarted { node });
        }
    }

    fn number(&self) -> u32 {
        self.lines.last().map_or(1, |line| line.number + 1)
    }

    fn next(&mut self, adversary: &mut Adversary) {
        let event = adversary.next(&mut self.world);
        self.apply(self.number(), event);
        if self.lines.len() > MOST_EVENTS {
            self.world.broken = Some(Broken::storm(MOST_EVENTS));
            self.lines.truncate(STORM_SHOWN);
        }
    }

    /// Tries all orders of what can happen now; the walk goes on as if it had not.
    fn rush(&mut self, mut rush: Rush<A>) {
        for node in 0..self.world.machines.len() {
            while self.goes_on() && self.world.has_writes(node) {
                self.apply(self.number(), Event::Written { node });
            }
        }
        if self.goes_on() {
            let found = rush.search(&self.world, self.number());
            self.counts.events += rush.events;
            for line in found.into_iter().flatten() {
                self.apply(line.number, line.event);
            }
        }
    }

    fn apply(&mut self, number: u32, event: Event<A::Timer>) {
        if self.world.apply(number, &event) {
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
        for (machine, counted) in self.world.machines.iter().zip(&mut self.counted) {
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

    fn end(mut self) -> Walked<A::Timer> {
        self.counts.events += self.lines.len() as u64;
        Walked {
            lines: self.lines,
            broken: self.world.broken,
            counts: self.counts,
        }
    }
}
