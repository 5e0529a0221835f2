use std::collections::HashMap;

use elector_core::{
    Command, ElectionAlgorithm, Epoch, Guarantee, Membership, NodeId, View,
    invariants::{History, InvariantViolation},
};
use rustc_hash::FxBuildHasher;

use crate::{
    CheckConfig,
    action::{Action, id},
    event::Event,
    node::Life,
    pool::Pool,
    state::{Budgets, Flight, State},
    steps::Steps,
};

/// A cluster of `A`: its states, and what leads from one to the next.
pub(crate) struct Cluster<A: ElectionAlgorithm> {
    pub(crate) config: CheckConfig<()>,
    /// In which tick the runs begin.
    pub(crate) begun: u32,
    pub(crate) steps: Steps<A>,
    pub(crate) histories: Pool<History>,
    // From a history and a deed to the history after that, and what it broke.
    records: HashMap<(u32, u32), Record, FxBuildHasher>,
}

/// The number of a history, and what its last deed broke.
type Record = (u32, Option<Box<InvariantViolation>>);

/// What an action leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// It cannot happen, changes nothing, or leads out of the bounds.
    Nothing,
    /// Another state.
    State,
    /// A state that must not be.
    Violation(InvariantViolation),
}

impl<A: ElectionAlgorithm> Cluster<A> {
    pub(crate) fn new(config: CheckConfig<A::Config>, members: Vec<Membership>) -> Self {
        let bounds = config.clone().with(());
        Self {
            steps: Steps::new(config.config, members, bounds.time),
            begun: u32::from(bounds.time.is_some()),
            config: bounds,
            histories: Pool::default(),
            records: HashMap::default(),
        }
    }

    /// What may happen in a run.
    pub(crate) fn budgets(&self) -> Budgets {
        let bounds = &self.config;
        Budgets {
            crashes: bounds.crashes,
            suspicions: bounds.suspicions,
            commands: bounds.commands,
            timeouts: bounds.timeouts,
            late: bounds.late.filter(|_| bounds.time.is_some()),
        }
    }

    /// All nodes have started, one after the other. That loses no run: one that starts late is one
    /// to which nothing was delivered yet.
    pub(crate) fn first(&mut self) -> (State, Option<InvariantViolation>) {
        let mut state = State {
            now: self.begun,
            left: self.budgets(),
            history: self.histories.number(History::new(A::Guarantee::KIND)),
            nodes: Vec::new(),
            network: Vec::new(),
        };
        let nodes = self.config.nodes as usize;
        state.nodes = (0..nodes).map(|node| self.steps.off(node)).collect();
        for node in 0..nodes {
            let mut next = State::default();
            match self.apply(&state, Action::Restart { node }, &mut next) {
                Came::Nothing => {}
                Came::State => state = next,
                Came::Violation(breach) => return (next, Some(breach)),
            }
        }
        (state, None)
    }

    /// What the nodes that run show.
    pub(crate) fn views(&self, state: &State) -> impl Iterator<Item = View> {
        let nodes = state.nodes.iter();
        nodes.filter_map(|&node| self.steps.seen(node).view)
    }

    /// The nodes that hold a lease.
    pub(crate) fn holders(&self, state: &State) -> impl Iterator<Item = NodeId> {
        let time = self.config.time;
        let now = time.map(|time| time.moment(state.now).nanos());
        let nodes = state.nodes.iter().enumerate();
        nodes.filter_map(move |(position, &node)| {
            let until = self.steps.seen(node).lease_until?;
            (until > now?).then(|| id(position))
        })
    }

    /// Replaces `actions` with what may happen next.
    pub(crate) fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.clear();
        let flights = state.network.iter();
        actions.extend(flights.map(|&flight| Action::Deliver { flight }));
        for (node, &number) in state.nodes.iter().enumerate() {
            match &self.steps.nodes.get(number).life {
                Life::Up { timers, .. } => {
                    let ready = (0..timers.len()).filter(|&timer| timers[timer].ticks == 0);
                    actions.extend(ready.map(|timer| Action::Elapse { node, timer }));
                    self.disturb(state, node, actions);
                }
                Life::Down { .. } => actions.push(Action::Restart { node }),
            }
        }
        let ticks = self.config.time.map_or(0, |time| time.ticks);
        if state.now - self.begun + 1 < ticks {
            actions.push(Action::Tick);
        }
    }

    fn runs(&self, state: &State, node: usize) -> bool {
        self.steps.seen(state.nodes[node]).view.is_some()
    }

    /// What may come to a running node from outside the cluster.
    fn disturb(&self, state: &State, node: usize, actions: &mut Vec<Action>) {
        let left = state.left;
        if left.crashes > 0 {
            actions.push(Action::Crash { node });
        }
        let others = (0..state.nodes.len()).filter(|&other| other != node);
        if left.suspicions > 0 {
            actions.extend(others.clone().map(|other| {
                let peer = id(other);
                if self.config.false_hints || !self.runs(state, other) {
                    Action::Prove { node, peer }
                } else {
                    Action::Suspect { node, peer }
                }
            }));
        }
        if left.commands > 0 {
            let fixed = [Command::Campaign, Command::Resign];
            let transfers = others.map(|other| Command::TransferTo(id(other)));
            let commands = fixed.into_iter().chain(transfers);
            actions.extend(commands.map(|command| Action::Command { node, command }));
        }
    }

    /// Makes `next` what `action` leads to from `last`, if that is anything.
    pub(crate) fn apply(&mut self, last: &State, action: Action, next: &mut State) -> Came {
        let (node, event) = match action {
            Action::Deliver { flight } => {
                let envelope = flight.envelope();
                (self.steps.recipient(envelope), Event::Received(envelope))
            }
            Action::Elapse { node, timer } => (node, Event::Elapsed(timer)),
            Action::Crash { node } => (node, Event::Crashed),
            Action::Restart { node } => (node, Event::Restarted),
            Action::Suspect { node, peer } => (node, Event::Suspected(peer)),
            Action::Prove { node, peer } => (node, Event::Died(peer)),
            Action::Command { node, command } => (node, Event::Commanded(command)),
            Action::Tick => {
                next.copy_from(last);
                next.now += 1;
                next.age();
                for node in &mut next.nodes {
                    *node = self.steps.tick(*node);
                }
                return Came::State;
            }
        };
        let Some(effect) = self.steps.effect(last.nodes[node], event, last.now) else {
            return Came::Nothing;
        };
        next.copy_from(last);
        next.nodes[node] = effect.node;
        for &envelope in &effect.sends {
            next.send(envelope);
        }
        let (deed, breach) = (effect.deed, effect.breach.as_deref().copied());
        let recorded = self.record(next, deed);
        let breach = breach.or(recorded);
        if breach.is_none() && next == last
            || self.steps.seen(next.nodes[node]).newest > Epoch(self.config.max_epoch)
            || !self.pay(last, action, next)
        {
            return Came::Nothing;
        }
        let two_leases = || self.histories.get(next.history).leased(self.holders(next));
        match breach.or_else(two_leases) {
            Some(breach) => Came::Violation(breach),
            None => Came::State,
        }
    }

    /// Enters a deed into the history of `next`.
    fn record(&mut self, next: &mut State, deed: u32) -> Option<InvariantViolation> {
        let Self {
            steps,
            histories,
            records,
            ..
        } = self;
        let key = (next.history, deed);
        let (history, breach) = records.entry(key).or_insert_with(|| {
            let mut history = histories.get(key.0).clone();
            let deed = steps.deeds.get(deed);
            // The nodes themselves keep the newest epochs that they have shown.
            let mut breach = history.claimed(deed.node, deed.view).next();
            for &pledge in &deed.pledges {
                let pledged = history.pledged(deed.node, pledge).next();
                breach = breach.or(pledged);
            }
            (histories.number(history), breach.map(Box::new))
        });
        next.history = *history;
        breach.as_deref().copied()
    }

    /// Takes from the budgets what this action costs; returns `false` if there is not enough left.
    fn pay(&self, last: &State, action: Action, next: &mut State) -> bool {
        let left = &mut next.left;
        let budget = match action {
            Action::Crash { .. } => &mut left.crashes,
            Action::Suspect { .. } | Action::Prove { .. } => &mut left.suspicions,
            Action::Command { .. } => &mut left.commands,
            Action::Elapse { node, timer } => match &mut left.timeouts {
                Some(timeouts) if self.counts(last.nodes[node], next.nodes[node], timer) => {
                    timeouts
                }
                _ => return true,
            },
            Action::Deliver { flight } => {
                self.take(flight, next);
                return true;
            }
            Action::Restart { .. } | Action::Tick => return true,
        };
        let paid = budget.checked_sub(1);
        *budget = paid.unwrap_or(0);
        paid.is_some()
    }

    /// What a delivery costs: the message itself, if it is delivered only once, and one of the late
    /// messages that may be delivered. After the last of them the others are lost.
    fn take(&self, flight: Flight, next: &mut State) {
        if !self.config.duplicating {
            next.network.retain(|&other| other != flight);
        }
        if flight.is_late() {
            next.left.late = next.left.late.map(|late| late.saturating_sub(1));
            if next.left.late == Some(0) {
                next.network.retain(|other| !other.is_late());
            }
        }
    }

    /// Returns `true` if it counts as a timeout that this timer of `before` elapsed.
    fn counts(&self, before: u32, after: u32, timer: usize) -> bool {
        let Life::Up { timers, .. } = &self.steps.nodes.get(before).life else {
            return false;
        };
        let leads = |node| {
            let view = self.steps.seen(node).view;
            view.is_some_and(|view| view.leads())
        };
        let is_round = self.config.time.is_some() && leads(before) && leads(after);
        !timers[timer].at_once && before != after && !is_round
    }
}
