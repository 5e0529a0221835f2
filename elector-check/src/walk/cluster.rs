use std::{collections::VecDeque, sync::Arc};

use elector_core::{
    Configuration as _, ElectionAlgorithm, Guarantee, Input, NodeId, View, host::persisted,
    invariants::History, nanos,
};

use crate::{
    action::position,
    walk::{
        event::{Event, MessageId},
        machine::{Machine, Running},
        runner::Runner,
        violation::Violation,
    },
};

/// The cluster of a random walk. The caller chooses every event, one at a time.
#[derive(Clone)]
pub(crate) struct Cluster<A: ElectionAlgorithm> {
    config: A::Config,
    false_proofs: bool,
    /// True time since the start, in nanoseconds.
    pub(crate) now: u64,
    pub(crate) machines: Vec<Machine<A>>,
    /// The messages that have not arrived yet, in the order in which they were sent.
    pub(crate) in_flight: Vec<InFlight<A::Message>>,
    /// The messages that have arrived or are lost, and may arrive again. The oldest comes first.
    pub(crate) past: VecDeque<InFlight<A::Message>>,
    /// The maximum number of messages in `past`.
    pub(crate) kept: usize,
    /// What the checks of the invariants must know about the past. Copies of the cluster share this
    /// history until one of them changes it.
    pub(super) history: Arc<History>,
    pub(super) lease: u64,
    /// The first violation, if there is one.
    pub(crate) violation: Option<Violation>,
}

/// A message in flight.
#[derive(Clone)]
pub(crate) struct InFlight<M> {
    pub(crate) id: MessageId,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) message: M,
    /// When the adversary delivers the message; `None` until the adversary has decided.
    pub(crate) planned_at: Option<u64>,
}

impl<A: ElectionAlgorithm> Cluster<A> {
    /// Creates the cluster before the first boot: no process runs.
    pub(crate) fn of(runner: &Runner<'_, A>) -> Self {
        let members = runner.members.iter().cloned();
        let config = runner.config;
        Self {
            false_proofs: runner.false_proofs,
            now: 0,
            machines: members.map(Machine::new).collect(),
            in_flight: Vec::new(),
            past: VecDeque::new(),
            kept: usize::MAX,
            history: Arc::new(History::new(A::Guarantee::KIND)),
            lease: nanos(config.timing().lease),
            violation: None,
            config: config.clone(),
        }
    }

    /// Applies one event, and checks everything that becomes visible against the invariants. `line`
    /// is the number of the event's line in the schedule, which is the list of all events of the
    /// walk. Returns `false` and changes nothing if the event is not possible now.
    pub(crate) fn apply(&mut self, line: u32, event: &Event<A::Timer>) -> bool {
        let happened = match *event {
            Event::Wait(nanos) => {
                self.now = self.now.saturating_add(nanos);
                return true;
            }
            Event::Elapsed { node, timer } => self.elapse(line, node, timer),
            Event::Received { node, message } => self.deliver(line, node, message),
            Event::Written { node } => self.write(node),
            Event::Crashed { node } => self.crash(node),
            Event::Restarted { node } => self.restart(line, node),
            Event::Clock { node, permille } => self.set_clock(node, permille),
            Event::Suspected { node, peer } => {
                self.is_up(node) && self.feed(line, node, Input::Suspected(peer))
            }
            Event::Returned { node, peer } => {
                self.is_up(node) && self.feed(line, node, Input::Returned(peer))
            }
            Event::Died { node, peer } => self.prove(line, node, peer),
            Event::Commanded { node, ref command } => {
                self.is_up(node) && self.feed(line, node, Input::Commanded(command.clone()))
            }
        };
        if happened {
            self.check_leases();
        }
        happened
    }

    pub(crate) fn is_up(&self, node: usize) -> bool {
        self.machines.get(node).is_some_and(Machine::is_up)
    }

    /// Returns `true` if a write of this node has not ended yet.
    pub(crate) fn has_writes(&self, node: usize) -> bool {
        let machine = self.machines.get(node);
        machine.is_some_and(|machine| !machine.writes.is_empty())
    }

    /// Returns `true` if a node may get a proof of death of a peer that runs.
    pub(crate) fn allows_false_proofs(&self) -> bool {
        self.false_proofs
    }

    /// Returns the timers that run on a node.
    pub(crate) fn timers(&self, node: usize) -> &[Running<A::Timer>] {
        let life = self.machines.get(node).and_then(|it| it.life.as_ref());
        life.map_or(&[], |life| &life.timers)
    }

    /// Returns the node that leads according to its own view. If several nodes lead, returns the
    /// one with the newest epoch.
    pub(crate) fn leader(&self) -> Option<usize> {
        let views = self.machines.iter().map(Machine::view);
        let leading = views
            .enumerate()
            .filter_map(|(node, view)| view.filter(View::leads).map(|view| (view, node)));
        leading
            .max_by_key(|&(view, _)| view.epoch)
            .map(|(_, node)| node)
    }

    /// Returns `true` if a node is a candidate or a pre-candidate.
    pub(crate) fn is_candidate(&self, node: usize) -> bool {
        let view = self.machines[node].view();
        view.is_some_and(|view| view.role.campaigns())
    }

    /// Returns `true` if a node leads and another one campaigns.
    pub(crate) fn is_contested(&self) -> bool {
        let mut nodes = 0..self.machines.len();
        self.leader().is_some() && nodes.any(|node| self.is_candidate(node))
    }

    /// Returns `true` if all nodes run and know the same leader of the same epoch. A node that does
    /// not vote may be in a higher epoch.
    pub(crate) fn agrees(&self) -> bool {
        let leads = |machine: &Machine<A>| machine.view().filter(View::leads);
        let leading = self.machines.iter().filter_map(leads);
        let Some(leader) = leading.max_by_key(|view| view.epoch) else {
            return false;
        };
        self.machines.iter().all(|machine| {
            machine.view().is_some_and(|view| {
                view.tenure() == leader.tenure() || !machine.votes() && view.epoch > leader.epoch
            })
        })
    }

    fn elapse(&mut self, line: u32, node: usize, timer: A::Timer) -> bool {
        let Some(machine) = self.machines.get_mut(node) else {
            return false;
        };
        let local = machine.clock.local(self.now);
        let Some(life) = &mut machine.life else {
            return false;
        };
        let due = |running: &Running<_>| running.timer == timer && running.due <= local;
        let Some(place) = life.timers.iter().position(due) else {
            return false;
        };
        life.timers.remove(place);
        self.feed(line, node, Input::Elapsed(timer))
    }

    /// Moves a message in flight to the past messages, because it arrives or is lost.
    pub(crate) fn move_to_past(&mut self, place: usize) {
        let sent = self.in_flight.remove(place);
        if self.kept > 0 {
            if self.past.len() >= self.kept {
                self.past.pop_front();
            }
            self.past.push_back(sent);
        }
    }

    /// Returns `true` if this message to this node can arrive, for the first time or again.
    pub(crate) fn can_arrive(&self, node: usize, message: MessageId) -> bool {
        let mut sent = self.in_flight.iter().chain(&self.past);
        sent.any(|sent| sent.to == node && sent.id == message)
    }

    /// Delivers a message, for the first time or again. Returns `false` if there is no such message
    /// to this node.
    fn deliver(&mut self, line: u32, node: usize, message: MessageId) -> bool {
        let is_it = |sent: &InFlight<_>| sent.to == node && sent.id == message;
        let place = self.in_flight.iter().position(is_it);
        let sent = place.map(|place| &self.in_flight[place]);
        let Some(sent) = sent.or_else(|| self.past.iter().find(|past| is_it(past))) else {
            return false;
        };
        let (from, message) = (self.machines[sent.from].members.me(), sent.message.clone());
        if let Some(place) = place {
            self.move_to_past(place);
        }
        // A message to a node without a process is lost.
        !self.is_up(node) || self.feed(line, node, Input::Received { from, message })
    }

    fn write(&mut self, node: usize) -> bool {
        let Some(machine) = self.machines.get_mut(node) else {
            return false;
        };
        let Some(write) = machine.writes.pop_front() else {
            return false;
        };
        machine.durable = write.durable;
        persisted(&mut self.at(node), write.step);
        true
    }

    fn crash(&mut self, node: usize) -> bool {
        if !self.is_up(node) {
            return false;
        }
        let machine = &mut self.machines[node];
        machine.crash();
        Arc::make_mut(&mut self.history).ended(machine.members.me());
        true
    }

    fn restart(&mut self, line: u32, node: usize) -> bool {
        if node >= self.machines.len() || self.is_up(node) {
            return false;
        }
        let view = self.machines[node].boot(&self.config);
        self.record_view(node, view);
        self.feed(line, node, Input::Started)
    }

    fn set_clock(&mut self, node: usize, permille: u64) -> bool {
        let Some(machine) = self.machines.get_mut(node) else {
            return false;
        };
        machine
            .clock
            .set_rate(permille.clamp(10, 100_000), self.now);
        for running in machine.life.iter_mut().flat_map(|life| &mut life.timers) {
            running.planned_at = None;
        }
        true
    }

    /// Gives a node a proof of death. A proof names the life (the process) that has ended. The
    /// host, which is the program that runs the algorithm of the node, drops the proof once the
    /// peer has a new life. So a true proof is possible only while the peer is down.
    fn prove(&mut self, line: u32, node: usize, peer: NodeId) -> bool {
        let may_be = self.false_proofs || !self.is_up(position(peer));
        self.is_up(node) && may_be && self.feed(line, node, Input::Died(peer))
    }
}
