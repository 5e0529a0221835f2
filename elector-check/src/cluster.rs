use std::collections::HashMap;

use elector_core::{
    ElectionAlgorithm, Epoch, Guarantee, Membership, NodeId, View,
    invariants::{History, InvariantViolation},
};
use rustc_hash::FxBuildHasher;

use crate::{
    CheckConfig,
    action::{Action, Request, id},
    event::Event,
    node::Life,
    pool::Pool,
    state::{Budgets, Flight, State},
    steps::Steps,
};

/// A cluster that runs the algorithm `A`. It computes the states of the cluster, and the
/// transitions between them.
pub(crate) struct Cluster<A: ElectionAlgorithm> {
    pub(crate) config: CheckConfig<()>,
    /// The tick (the unit of time of the search) in which the runs begin.
    pub(crate) first_tick: u32,
    pub(crate) steps: Steps<A>,
    pub(crate) histories: Pool<History>,
    // The results of `record` so far. The key is the number of a history and the number of the
    // observation that is added to it.
    records: HashMap<(u32, u32), Record, FxBuildHasher>,
}

/// The number of the history after an observation was added, and the violation that this
/// observation has caused.
type Record = (u32, Option<Box<InvariantViolation>>);

/// The result of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    /// The action cannot happen, changes nothing, or leads out of the bounds.
    Nothing,
    /// The action leads to another state.
    State,
    /// The action leads to a state that violates an invariant.
    Violation(InvariantViolation),
}

impl<A: ElectionAlgorithm> Cluster<A> {
    pub(crate) fn new(config: CheckConfig<A::Config>, members: Vec<Membership>) -> Self {
        let bounds = config.clone().with(());
        Self {
            steps: Steps::new(config.config, config.changes, members, bounds.time),
            first_tick: u32::from(bounds.time.is_some()),
            config: bounds,
            histories: Pool::default(),
            records: HashMap::default(),
        }
    }

    /// Returns the budgets at the beginning of a run: how many events of each bounded kind may
    /// happen.
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

    /// Returns the state in which all nodes have started, one after the other, and the violation if
    /// a start has caused one. A search that begins with this state leaves out no run: a node that
    /// starts late behaves like a node that has started, but that has received no message and whose
    /// timers have not elapsed yet.
    pub(crate) fn initial_state(&mut self) -> (State, Option<InvariantViolation>) {
        let mut state = State {
            now: self.first_tick,
            budgets: self.budgets(),
            history: self.histories.number(History::new(A::Guarantee::KIND)),
            nodes: Vec::new(),
            network: Vec::new(),
        };
        let nodes = self.config.nodes as usize;
        state.nodes = (0..nodes).map(|node| self.steps.initial(node)).collect();
        for node in 0..nodes {
            let mut next = State::default();
            match self.apply(&state, Action::Restart { node }, &mut next) {
                Transition::Nothing => {}
                Transition::State => state = next,
                Transition::Violation(violation) => return (next, Some(violation)),
            }
        }
        (state, None)
    }

    /// Returns the views of the nodes that run.
    pub(crate) fn views(&self, state: &State) -> impl Iterator<Item = View> {
        let nodes = state.nodes.iter();
        nodes.filter_map(|&node| self.steps.seen(node).view)
    }

    /// Returns the nodes that hold a lease in this state.
    pub(crate) fn holders(&self, state: &State) -> impl Iterator<Item = NodeId> {
        let time = self.config.time;
        let now = time.map(|time| time.moment(state.now).nanos());
        let nodes = state.nodes.iter().enumerate();
        nodes.filter_map(move |(position, &node)| {
            let until = self.steps.seen(node).lease_until?;
            (until > now?).then(|| id(position))
        })
    }

    /// Replaces `actions` with the actions that may happen next.
    pub(crate) fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.clear();
        let flights = state.network.iter();
        actions.extend(flights.map(|&flight| Action::Deliver { flight }));
        for (node, &number) in state.nodes.iter().enumerate() {
            match &self.steps.nodes.get(number).life {
                Life::Up { timers, .. } => {
                    let ready = (0..timers.len()).filter(|&timer| timers[timer].ticks == 0);
                    actions.extend(ready.map(|timer| Action::Elapse { node, timer }));
                    self.add_external_actions(state, node, actions);
                }
                Life::Down { .. } => actions.push(Action::Restart { node }),
            }
        }
        let ticks = self.config.time.map_or(0, |time| time.ticks);
        if state.now - self.first_tick + 1 < ticks {
            actions.push(Action::Tick);
        }
    }

    fn is_running(&self, state: &State, node: usize) -> bool {
        self.steps.seen(state.nodes[node]).view.is_some()
    }

    /// Adds the actions that come from outside and concern a running node: crashes, hints about
    /// peers (suspicions and proofs of death), and commands.
    fn add_external_actions(&self, state: &State, node: usize, actions: &mut Vec<Action>) {
        let budgets = state.budgets;
        if budgets.crashes > 0 {
            actions.push(Action::Crash { node });
        }
        let others = (0..state.nodes.len()).filter(|&other| other != node);
        if budgets.suspicions > 0 {
            actions.extend(others.clone().map(|other| {
                let peer = id(other);
                if self.config.false_hints || !self.is_running(state, other) {
                    Action::Prove { node, peer }
                } else {
                    Action::Suspect { node, peer }
                }
            }));
        }
        if budgets.commands > 0 {
            let fixed = [Request::Campaign, Request::Resign];
            let transfers = others.map(|other| Request::TransferTo(id(other)));
            let changes = (0..self.config.changes.len()).map(Request::Change);
            let commands = fixed.into_iter().chain(transfers).chain(changes);
            actions.extend(commands.map(|command| Action::Command { node, command }));
        }
    }

    /// Applies `action` to the state `last`, and writes the result to `next`, also if it violates
    /// an invariant. After [`Transition::Nothing`], `next` has no meaning.
    pub(crate) fn apply(&mut self, last: &State, action: Action, next: &mut State) -> Transition {
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
                return Transition::State;
            }
        };
        let Some(effect) = self.steps.effect(last.nodes[node], event, last.now) else {
            return Transition::Nothing;
        };
        next.copy_from(last);
        next.nodes[node] = effect.node;
        for &envelope in &effect.sends {
            next.send(envelope);
        }
        let (observation, violation) = (effect.observation, effect.violation.as_deref().copied());
        let recorded = self.record(next, observation);
        let violation = violation.or(recorded);
        if violation.is_none() && next == last
            || self.steps.seen(next.nodes[node]).newest > Epoch(self.config.max_epoch)
            || !self.spend(last, action, next)
        {
            return Transition::Nothing;
        }
        let two_leases = || self.histories.get(next.history).leased(self.holders(next));
        match violation.or_else(two_leases) {
            Some(violation) => Transition::Violation(violation),
            None => Transition::State,
        }
    }

    /// Adds an observation (what one step of a node has made visible) to the history of `next`.
    /// Returns the violation that the observation causes.
    fn record(&mut self, next: &mut State, observation: u32) -> Option<InvariantViolation> {
        let Self {
            steps,
            histories,
            records,
            ..
        } = self;
        let key = (next.history, observation);
        let (history, violation) = records.entry(key).or_insert_with(|| {
            let mut history = histories.get(key.0).clone();
            let observation = steps.observations.get(observation);
            // `claimed` does not check that the epochs of a node never go back. `Steps` checks
            // this: it knows the newest epoch that each node has shown.
            let mut violation = history.claimed(observation.node, observation.view).next();
            for &pledge in &observation.pledges {
                let pledged = history.pledged(observation.node, pledge).next();
                violation = violation.or(pledged);
            }
            (histories.number(history), violation.map(Box::new))
        });
        next.history = *history;
        violation.as_deref().copied()
    }

    /// Subtracts this action from the budgets of `next`, which are the numbers of bounded events
    /// that may still happen. Returns `false` if the budget for this action is exhausted.
    fn spend(&self, last: &State, action: Action, next: &mut State) -> bool {
        let budgets = &mut next.budgets;
        let budget = match action {
            Action::Crash { .. } => &mut budgets.crashes,
            Action::Suspect { .. } | Action::Prove { .. } => &mut budgets.suspicions,
            Action::Command { .. } => &mut budgets.commands,
            Action::Elapse { node, timer } => match &mut budgets.timeouts {
                Some(timeouts)
                    if self.counts_as_timeout(last.nodes[node], next.nodes[node], timer) =>
                {
                    timeouts
                }
                _ => return true,
            },
            Action::Deliver { flight } => {
                self.spend_delivery(flight, next);
                return true;
            }
            Action::Restart { .. } | Action::Tick => return true,
        };
        let paid = budget.checked_sub(1);
        *budget = paid.unwrap_or(0);
        paid.is_some()
    }

    /// Updates `next` for a delivery. If a message may be delivered only once, removes it. A late
    /// message (one that was sent in an earlier tick) takes one from the budget of late messages.
    /// When this budget becomes 0, all other late messages are lost.
    fn spend_delivery(&self, flight: Flight, next: &mut State) {
        if !self.config.duplicating {
            next.network.retain(|&other| other != flight);
        }
        if flight.is_late() {
            next.budgets.late = next.budgets.late.map(|late| late.saturating_sub(1));
            if next.budgets.late == Some(0) {
                next.network.retain(|other| !other.is_late());
            }
        }
    }

    /// Returns `true` if this elapsed timer counts against [`CheckConfig::timeouts`]. `before` and
    /// `after` are the numbers of the node's state ([`Node`](crate::node::Node)) before and after
    /// the timer elapsed.
    fn counts_as_timeout(&self, before: u32, after: u32, timer: usize) -> bool {
        let Life::Up { timers, .. } = &self.steps.nodes.get(before).life else {
            return false;
        };
        let leads = |node| {
            let view = self.steps.seen(node).view;
            view.is_some_and(|view| view.leads())
        };
        let is_round = self.config.time.is_some() && leads(before) && leads(after);
        !timers[timer].is_immediate && before != after && !is_round
    }
}
