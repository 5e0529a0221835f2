use std::{
    panic::{self, AssertUnwindSafe},
    sync::atomic::AtomicBool,
};

use elector_core::{
    Delay, ElectionAlgorithm, Guarantee, GuaranteeKind, Input, Membership, Message, Moment, NodeId,
    Outbox, Role, TimerOrder, View,
};

use crate::{
    CheckConfig,
    action::position,
    breach::Breach,
    claim::Claim,
    hashed::Hashed,
    history::History,
    network::Envelope,
    state::{Life, Node, State, Timers},
};

/// A cluster of `A` as stateright sees it: states, and what leads from one to the next.
pub(crate) struct Cluster<A: ElectionAlgorithm> {
    pub(crate) config: CheckConfig<A::Config>,
    /// The cluster seen from each of its nodes.
    pub(crate) members: Vec<Membership>,
    /// Which claims were decided already, in the order of [`Claim::ALL`].
    pub(crate) met: [AtomicBool; Claim::ALL.len()],
}

impl<A: ElectionAlgorithm> Cluster<A> {
    pub(crate) fn new(config: CheckConfig<A::Config>, members: Vec<Membership>) -> Self {
        Self {
            config,
            members,
            met: Default::default(),
        }
    }

    /// Gives one input to a node that runs; `None` if that changes nothing at all.
    pub(crate) fn give(
        &self,
        last: &State<A>,
        node: usize,
        input: Input<A::Message, A::Timer>,
    ) -> Option<State<A>> {
        let (Life::Up { algorithm, timers }, members) = self.node(last, node)? else {
            return None;
        };
        let mut timers = timers.clone();
        if let Input::Elapsed(elapsed) = &input {
            timers.retain(|(timer, _)| timer != elapsed);
        }
        let next = self.step(last, members, (algorithm.clone(), timers), input);
        (next != *last).then_some(next)
    }

    fn node<'a>(
        &'a self,
        state: &'a State<A>,
        node: usize,
    ) -> Option<(&'a Life<A>, &'a Membership)> {
        Some((&state.nodes.get(node)?.life, self.members.get(node)?))
    }

    /// One step of the node that `members` is seen from, and everything it causes.
    fn step(
        &self,
        last: &State<A>,
        members: &Membership,
        (mut algorithm, mut timers): (A, Timers<A::Timer>),
        input: Input<A::Message, A::Timer>,
    ) -> State<A> {
        let mut next = last.clone();
        let mut out = Outbox::new(members.clone(), Moment::ZERO);
        // What a panic leaves behind is thrown away.
        let stepped = panic::catch_unwind(AssertUnwindSafe(|| algorithm.step(input, &mut out)));
        let me = members.me();
        if stepped.is_err() {
            next.breach = Some(Breach::Panicked { node: me });
            return next;
        }
        order(&mut timers, out.timers());
        let view = algorithm.view();
        next.breach = broken_contract(members, view, &out);
        let life = Life::Up { algorithm, timers };
        next.show(me, life, view);
        self.record(&mut next, me, view, &out);
        next
    }

    fn record(&self, next: &mut State<A>, me: NodeId, view: View, out: &Outbox<A>) {
        let sends = out.sends().iter();
        let mut pledges = sends
            .clone()
            .filter_map(|out| out.message.pledge(out.to))
            .peekable();
        if pledges.peek().is_some() || next.history.is_news(view) {
            let mut history = History::clone(&next.history);
            let shared = history.viewed(view);
            let shared = shared.filter(|_| A::Guarantee::KIND == GuaranteeKind::Quorum);
            let pledged = pledges
                .filter_map(|pledge| history.pledged(me, pledge))
                .last();
            next.breach = next.breach.or(shared).or(pledged);
            next.history = Hashed::new(history);
        }
        for sent in sends {
            next.network.insert(Envelope {
                from: me,
                to: sent.to,
                message: sent.message.clone(),
            });
        }
    }

    /// First boot and restart.
    pub(crate) fn boot(
        &self,
        last: &State<A>,
        node: usize,
        durable: A::Durable,
    ) -> Option<State<A>> {
        let members = self.members.get(node)?;
        let algorithm = A::restore(&self.config.config, members.clone(), durable);
        let mut restored = last.clone();
        // The view that the node was restored with is seen too.
        let view = algorithm.view();
        let life = Life::Up {
            algorithm: algorithm.clone(),
            timers: Vec::new(),
        };
        restored.show(members.me(), life, view);
        if restored.breach.is_some() {
            return Some(restored);
        }
        Some(self.step(&restored, members, (algorithm, Vec::new()), Input::Started))
    }

    pub(crate) fn deliver(&self, last: &State<A>, envelope: usize) -> Option<State<A>> {
        let sent = last.network.envelopes().get(envelope)?;
        let input = Input::Received {
            from: sent.from,
            message: sent.message.clone(),
        };
        // A message that changes nothing may as well stay: what can happen with it delivered can
        // happen with it still there.
        let mut next = self.give(last, position(sent.to), input)?;
        if !self.config.duplicating {
            let place = next.network.envelopes().binary_search(sent).ok()?;
            next.network.remove(place);
        }
        Some(next)
    }

    pub(crate) fn elapse(&self, last: &State<A>, node: usize, timer: A::Timer) -> Option<State<A>> {
        let (Life::Up { timers, .. }, _) = self.node(last, node)? else {
            return None;
        };
        let at_once = timers
            .iter()
            .any(|&(other, at_once)| other == timer && at_once);
        let mut next = self.give(last, node, Input::Elapsed(timer))?;
        if !at_once
            && next.nodes != last.nodes
            && let Some(timeouts) = last.left.timeouts
        {
            next.left.timeouts = Some(timeouts.checked_sub(1)?);
        }
        Some(next)
    }

    pub(crate) fn crash(&self, last: &State<A>, node: usize) -> Option<State<A>> {
        let (Life::Up { algorithm, .. }, members) = self.node(last, node)? else {
            return None;
        };
        let mut next = last.clone();
        next.left.crashes = last.left.crashes.checked_sub(1)?;
        let durable = algorithm.durable().clone();
        let shown = last.nodes.get(node)?.shown;
        let life = Life::Down { durable };
        *next.nodes.get_mut(position(members.me()))? = Hashed::new(Node { life, shown });
        Some(next)
    }

    pub(crate) fn restart(&self, last: &State<A>, node: usize) -> Option<State<A>> {
        match self.node(last, node)? {
            (Life::Down { durable }, _) => self.boot(last, node, durable.clone()),
            (Life::Up { .. }, _) => None,
        }
    }
}

impl<A: ElectionAlgorithm> State<A> {
    /// The running node `me` is now this, and shows `view`.
    fn show(&mut self, me: NodeId, life: Life<A>, view: View) {
        let Some(node) = self.nodes.get_mut(position(me)) else {
            return;
        };
        let from = node.shown;
        if view.epoch < from {
            let to = view.epoch;
            let back = Breach::EpochWentBack { node: me, from, to };
            self.breach = self.breach.or(Some(back));
        }
        let shown = from.max(view.epoch);
        let changed = Node { life, shown };
        // The same part of memory is compared faster.
        if changed != **node {
            *node = Hashed::new(changed);
        }
    }
}

fn order<T: Copy + Ord>(timers: &mut Timers<T>, orders: &[TimerOrder<T>]) {
    for order in orders {
        let (TimerOrder::Set(timer, _) | TimerOrder::Cancel(timer)) = *order;
        timers.retain(|&(other, _)| other != timer);
        if let TimerOrder::Set(timer, delay) = *order {
            let place = timers.partition_point(|&(other, _)| other < timer);
            timers.insert(place, (timer, delay == Delay::ZERO));
        }
    }
}

/// What a driver checks at every step.
fn broken_contract<A: ElectionAlgorithm>(
    members: &Membership,
    view: View,
    out: &Outbox<A>,
) -> Option<Breach> {
    let node = members.me();
    let stranger = |to: NodeId| to == node || !members.contains(to);
    if let Some(sent) = out.sends().iter().find(|sent| stranger(sent.to)) {
        return Some(Breach::NotAPeer { node, to: sent.to });
    }
    if (view.leader == Some(node)) != (view.role == Role::Leader) {
        return Some(Breach::RoleDisagrees { node });
    }
    let leader = view.leader.filter(|&leader| !members.contains(leader))?;
    Some(Breach::StrangerLeads { node, leader })
}
