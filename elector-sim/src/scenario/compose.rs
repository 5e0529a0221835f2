//! Runs a [`Composition`]: random faults of a few kinds.

use std::time::Duration;

use elector_core::{
    Command, Configuration as _, ElectionAlgorithm, NodeId, Purpose, nanos, trace::Event,
};

use super::{Compose, Composition, Ingredient, MessageFault, Selector};
use crate::{Network, Simulation};

const MS: u64 = 1_000_000;

/// The kinds of faults that occur repeatedly. All other kinds are in effect during the whole
/// composition.
const REPEATED: [Ingredient; 10] = [
    Ingredient::Crash,
    Ingredient::Restart,
    Ingredient::Pause,
    Ingredient::Split,
    Ingredient::OneWay,
    Ingredient::LateMessage,
    Ingredient::Stall,
    Ingredient::Transfer,
    Ingredient::Resign,
    Ingredient::Campaign,
];

/// The action that ends a fault.
enum FaultEnd {
    Restart(NodeId),
    Resume(NodeId),
    Mend(Vec<(NodeId, NodeId)>),
}

type FaultEnds = Vec<(u64, FaultEnd)>;

impl<A: ElectionAlgorithm> Simulation<A> {
    /// Injects the ingredients (kinds of faults) of a composition at random moments. If the
    /// composition is empty, the seed of the run draws the ingredients. This draw does not use the
    /// random stream of the run, so it does not change the other draws.
    pub(super) fn compose(&mut self, compose: &Compose) {
        let composition = if compose.of.is_empty() {
            Composition::drawn(self.setup.seed)
        } else {
            compose.of.clone()
        };
        let text = format!("composition: {composition}");
        self.record(None, || Event::Note { text });
        self.begin_permanent(&composition);
        let has = |ingredient: &Ingredient| composition.has(*ingredient);
        let repeated: Vec<_> = REPEATED.into_iter().filter(has).collect();
        let end = self.now.saturating_add(nanos(compose.duration));
        // The mean time between two faults. With the longest one (400 ms) a few faults occur, with
        // the shortest one (40 ms) very many.
        let every = self.rng.between(40 * MS, 400 * MS);
        let mut ends = FaultEnds::new();
        while !repeated.is_empty() && self.now < end {
            let wait = self.rng.exponential(every).min(end - self.now);
            self.run_and_end(self.now + wait, &mut ends);
            let which = self.rng.below(repeated.len() as u64) as usize;
            self.begin_repeated(repeated[which], &mut ends);
        }
        self.run_and_end(end, &mut ends);
        // From now on `Ingredient::LateMessage` makes no further message late. Messages that are
        // late already may still arrive until the end of all faults.
        self.message_faults.clear();
    }

    /// Runs the cluster until `limit`. Ends each fault in `ends` at its moment, if the moment comes
    /// before `limit`.
    fn run_and_end(&mut self, limit: u64, ends: &mut FaultEnds) {
        ends.sort_by_key(|(at, _)| *at);
        let due = ends.iter().take_while(|(at, _)| *at <= limit).count();
        for (at, end) in ends.drain(..due) {
            self.run_until_ns(at);
            match end {
                FaultEnd::Restart(node) => self.restart(node),
                FaultEnd::Resume(node) => self.resume(node),
                FaultEnd::Mend(links) => self.mend(&links),
            }
        }
        self.run_until_ns(limit);
    }

    /// Begins the faults that are in effect during the whole composition.
    fn begin_permanent(&mut self, composition: &Composition) {
        let before = self.setup.network.clone();
        let mut share = |ingredient, most: f64| {
            let held = composition.has(ingredient);
            if held { most * self.rng.unit() } else { 0.0 }
        };
        let network = Network {
            loss: before.loss.max(share(Ingredient::Loss, 0.25)),
            duplicate: before.duplicate.max(share(Ingredient::Duplicate, 0.5)),
            reorder: before.reorder.max(share(Ingredient::Reorder, 0.5)),
            ..before.clone()
        };
        if network != before {
            self.set_network(network);
        }
        if composition.has(Ingredient::Hints) {
            self.setup.hints = true;
        }
        if composition.has(Ingredient::Drift) {
            self.drift_within_margin();
        }
    }

    /// Draws the rates of all clocks so that the longest lease on the slowest clock ends before the
    /// shortest election timeout on the fastest clock: `lease / (1 − d) < election_min / (1 + d)`,
    /// where `d` is the largest deviation of a rate. If there is no such deviation, the clocks run
    /// at the true rate.
    fn drift_within_margin(&mut self) {
        let timings = || self.machines.iter().map(|machine| machine.config.timing());
        let lease = timings().map(|timing| timing.lease).max();
        let silence = timings().map(|timing| timing.election_min).min();
        let lease = lease.unwrap_or_default().as_secs_f64();
        let silence = silence.unwrap_or_default().as_secs_f64();
        let most = (0.95 * (silence - lease) / (silence + lease)).max(0.0);
        for node in self.nodes() {
            let rate = 1.0 + most * (2.0 * self.rng.unit() - 1.0);
            self.drift(node, rate);
        }
    }

    fn begin_repeated(&mut self, ingredient: Ingredient, ends: &mut FaultEnds) {
        match ingredient {
            Ingredient::Crash => self.down(100 * MS, 1_500 * MS, ends),
            Ingredient::Restart => self.down(0, 60 * MS, ends),
            Ingredient::Pause => {
                let until = self.now + self.rng.between(20 * MS, 800 * MS);
                for node in self.victim().resolve(self) {
                    self.pause(node);
                    ends.push((until, FaultEnd::Resume(node)));
                }
            }
            Ingredient::Split => {
                let side = [
                    Selector::Random,
                    Selector::MinorityWithLeader,
                    Selector::HalfWithLeader,
                ][self.rng.below(3) as usize];
                let side = side.resolve(self);
                self.cut_temporarily(ends, |a, b| side.contains(&a) != side.contains(&b));
            }
            Ingredient::OneWay => self.one_way(ends),
            Ingredient::LateMessage => self.late_messages(),
            Ingredient::Stall => {
                let stall = Duration::from_nanos(self.rng.between(20 * MS, 300 * MS));
                let node = self.victim();
                self.each(node, |sim, node| sim.stall(node, stall));
            }
            Ingredient::Transfer => {
                if let Some(&to) = Selector::Random.resolve(self).first() {
                    self.each(Selector::Leader, |sim, node| {
                        sim.command(node, Command::TransferTo(to));
                    });
                }
            }
            Ingredient::Resign => {
                self.each(Selector::Leader, |sim, node| {
                    sim.command(node, Command::Resign);
                });
            }
            Ingredient::Campaign => {
                self.each(Selector::Random, |sim, node| {
                    sim.command(node, Command::Campaign);
                });
            }
            // `begin_permanent` begins these faults, because they are in effect during the whole
            // composition.
            Ingredient::Loss
            | Ingredient::Duplicate
            | Ingredient::Reorder
            | Ingredient::Drift
            | Ingredient::Hints => {}
        }
    }

    /// Returns a selector for the node that a fault affects: in half of the cases the leader,
    /// because most problems concern the leader, and otherwise a random node.
    fn victim(&mut self) -> Selector {
        if self.rng.below(2) == 0 {
            Selector::Leader
        } else {
            Selector::Random
        }
    }

    fn down(&mut self, least: u64, most: u64, ends: &mut FaultEnds) {
        let until = self.now + self.rng.between(least, most);
        for node in self.victim().resolve(self) {
            self.crash(node);
            ends.push((until, FaultEnd::Restart(node)));
        }
    }

    fn one_way(&mut self, ends: &mut FaultEnds) {
        let from = self.victim().resolve(self);
        let to = if self.rng.below(2) == 0 {
            Selector::Random
        } else {
            Selector::All
        };
        let to = to.resolve(self);
        let mute = self.rng.below(2) == 0;
        self.cut_temporarily(ends, |a, b| {
            let (a, b) = if mute { (a, b) } else { (b, a) };
            from.contains(&a) && to.contains(&b)
        });
    }

    fn cut_temporarily(&mut self, ends: &mut FaultEnds, which: impl Fn(NodeId, NodeId) -> bool) {
        let until = self.now + self.rng.between(50 * MS, 1_000 * MS);
        let links = self.cut_where(which);
        ends.push((until, FaultEnd::Mend(links)));
    }

    /// Begins a fault that makes 1 to 12 messages late: either the next messages in a row, or each
    /// message with a chance of 0.2. In one third of the cases the fault makes late copies of the
    /// messages instead.
    fn late_messages(&mut self) {
        let purpose = [None, Some(Purpose::Election), Some(Purpose::Liveness)];
        let fault = MessageFault {
            purpose: purpose[self.rng.below(3) as usize],
            from: self.end_of_link(),
            to: self.end_of_link(),
            delay: Duration::from_nanos(self.rng.between(5 * MS, 400 * MS)),
            duplicate: self.rng.below(3) == 0,
            chance: [1.0, 0.2][self.rng.below(2) as usize],
            times: Some(self.rng.between(1, 12)),
            ..MessageFault::default()
        };
        self.disturb(&fault);
    }

    fn end_of_link(&mut self) -> Option<Selector> {
        match self.rng.below(3) {
            0 => None,
            1 => Some(Selector::Leader),
            _ => Some(Selector::Random),
        }
    }
}
