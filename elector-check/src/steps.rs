use std::{
    collections::HashMap,
    panic::{self, AssertUnwindSafe},
};

use elector_core::{
    Command, Configuration, ContractViolation, ElectionAlgorithm, Epoch, Input, MembersChange,
    Membership, Message, Moment, Outbox, View,
    invariants::{History, InvariantViolation},
};
use rustc_hash::FxBuildHasher;

use crate::{
    Time,
    action::{Request, id, position},
    event::{Effect, Envelope, Event, Observation},
    node::{Life, Node, Timer, VisibleState, change_timers},
    pool::Pool,
};

/// Computes the steps of single nodes. An algorithm is a pure function: the effect of an event
/// depends only on the node, the event and the time. So this type computes each step only once, and
/// keeps its effect.
pub(crate) struct Steps<A: ElectionAlgorithm> {
    config: A::Config,
    /// See [`CheckConfig::changes`](crate::CheckConfig::changes).
    changes: Vec<MembersChange>,
    /// The cluster, seen from each of its nodes.
    members: Vec<Membership>,
    time: Option<Time>,
    pub(crate) nodes: Pool<Node<A>>,
    // What is visible of each node. The index is the number of the node in `nodes`.
    seen: Vec<VisibleState>,
    ticked: Vec<Option<u32>>,
    pub(crate) envelopes: Pool<Envelope<A::Message>>,
    // The position of the recipient of each envelope. The index is the number of the envelope in
    // `envelopes`.
    recipients: Vec<u32>,
    pub(crate) observations: Pool<Observation>,
    // Maps the number of a node, the code of an event and the tick to an index in `effects`.
    known: HashMap<(u32, u32, u32), u32, FxBuildHasher>,
    effects: Vec<Effect>,
}

/// A node during a step.
struct ActiveNode<A: ElectionAlgorithm> {
    position: usize,
    algorithm: A,
    timers: Vec<Timer<A::Timer>>,
    shown: Epoch,
}

impl<A: ElectionAlgorithm> Steps<A> {
    pub(crate) fn new(
        config: A::Config,
        changes: Vec<MembersChange>,
        members: Vec<Membership>,
        time: Option<Time>,
    ) -> Self {
        Self {
            config,
            changes,
            members,
            time,
            nodes: Pool::default(),
            seen: Vec::new(),
            ticked: Vec::new(),
            envelopes: Pool::default(),
            recipients: Vec::new(),
            observations: Pool::default(),
            known: HashMap::default(),
            effects: Vec::new(),
        }
    }

    /// Returns the number of the state ([`Node`]) of the node at this position before its first
    /// start.
    pub(crate) fn initial(&mut self, position: usize) -> u32 {
        self.node(Node {
            position,
            life: Life::Down {
                durable: A::Durable::default(),
            },
            shown: Epoch::ZERO,
        })
    }

    /// Returns what other nodes and the application can see of a node in the state with this
    /// number.
    pub(crate) fn seen(&self, node: u32) -> VisibleState {
        self.seen[node as usize]
    }

    /// Returns the position of the recipient of this envelope.
    pub(crate) fn recipient(&self, envelope: u32) -> usize {
        self.recipients[envelope as usize] as usize
    }

    /// Returns the number of the state ([`Node`]) in which a node is after a tick, if it is in the
    /// state with the number `node` before the tick.
    pub(crate) fn tick(&mut self, node: u32) -> u32 {
        if let Some(ticked) = self.ticked[node as usize] {
            return ticked;
        }
        let ticked = self.node(self.nodes.get(node).ticked());
        self.ticked[node as usize] = Some(ticked);
        ticked
    }

    /// Returns the effect of `event`, in the tick `now`, on a node in the state with the number
    /// `node`. Returns `None` if the event changes nothing, sends nothing and violates nothing. The
    /// effect does not depend on the rest of the cluster.
    pub(crate) fn effect(&mut self, node: u32, event: Event, now: u32) -> Option<&Effect> {
        const NOTHING: u32 = u32::MAX;
        let key = (node, event.code(), now);
        let number = match self.known.get(&key) {
            Some(&number) => number,
            None => {
                let number = self.compute(node, event, now).map_or(NOTHING, |effect| {
                    self.effects.push(effect);
                    self.effects.len() as u32 - 1
                });
                self.known.insert(key, number);
                number
            }
        };
        self.effects.get(number as usize)
    }

    /// Returns roughly how many bytes the known steps and nodes take.
    pub(crate) fn bytes(&self) -> usize {
        self.known.capacity() * size_of::<((u32, u32, u32), u32)>()
            + self.effects.capacity() * size_of::<Effect>()
            + self.nodes.len() * (size_of::<Node<A>>() + size_of::<VisibleState>())
    }

    fn compute(&mut self, number: u32, event: Event, now: u32) -> Option<Effect> {
        let Node {
            position,
            life,
            shown,
        } = self.nodes.get(number).clone();
        let effect = match (life, event) {
            (Life::Up { algorithm, .. }, Event::Crashed) => {
                let durable = algorithm.durable().clone();
                let life = Life::Down { durable };
                self.without_sends(Node {
                    position,
                    life,
                    shown,
                })
            }
            (Life::Down { durable }, Event::Restarted) => {
                self.restart(number, (position, shown), durable, now)
            }
            (Life::Up { algorithm, timers }, event) => {
                let mut active = ActiveNode {
                    position,
                    algorithm,
                    timers,
                    shown,
                };
                let input = self.input(event, &mut active)?;
                self.step(number, active, input, now)
            }
            (Life::Down { .. }, _) => return None,
        };
        let changes = effect.node != number || !effect.sends.is_empty();
        (changes || effect.violation.is_some()).then_some(effect)
    }

    /// Returns the input for the algorithm that belongs to `event`. If a timer elapses, removes it
    /// from the timers of the node, because it does not run any more. Returns `None` if the event
    /// is not an input.
    fn input(&self, event: Event, node: &mut ActiveNode<A>) -> Option<Input<A::Message, A::Timer>> {
        Some(match event {
            Event::Received(envelope) => {
                let Envelope { from, message, .. } = self.envelopes.get(envelope).clone();
                Input::Received { from, message }
            }
            Event::Elapsed(timer) => Input::Elapsed(node.timers.remove(timer).name),
            Event::Suspected(peer) => Input::Suspected(peer),
            Event::Died(peer) => Input::Died(peer),
            Event::Commanded(request) => Input::Commanded(self.command(request)?),
            Event::Crashed | Event::Restarted => return None,
        })
    }

    fn command(&self, request: Request) -> Option<Command> {
        Some(match request {
            Request::Campaign => Command::Campaign,
            Request::Resign => Command::Resign,
            Request::TransferTo(peer) => Command::TransferTo(peer),
            Request::Change(number) => Command::ChangeMembers(self.changes.get(number)?.clone()),
        })
    }

    /// Starts a node for the first time or again. Other nodes can see the restored view before the
    /// first step, so this method checks the epoch of this view too.
    fn restart(
        &mut self,
        number: u32,
        (position, shown): (usize, Epoch),
        durable: A::Durable,
        now: u32,
    ) -> Effect {
        let node = id(position);
        let members = self.members[position].clone();
        let restored = panic::catch_unwind(AssertUnwindSafe(|| {
            A::restore(&self.config, members, durable)
        }));
        let Ok(algorithm) = restored else {
            return self.with_violation(number, InvariantViolation::Panicked { node });
        };
        let to = algorithm.view().epoch;
        if let Some(violation) = History::epoch_went_back(node, shown, to) {
            return self.with_violation(number, violation);
        }
        let active = ActiveNode {
            position,
            algorithm,
            timers: Vec::new(),
            shown: to,
        };
        self.step(number, active, Input::Started, now)
    }

    fn step(
        &mut self,
        number: u32,
        mut active: ActiveNode<A>,
        input: Input<A::Message, A::Timer>,
        now: u32,
    ) -> Effect {
        let node = id(active.position);
        let members = self.members[active.position].clone();
        let moment = self.time.map_or(Moment::ZERO, |time| time.moment(now));
        let mut out = Outbox::new(members.clone(), moment);
        // After a panic, `active` and `out` are dropped. So it does not matter that the step may
        // have changed them only in part.
        let stepped = panic::catch_unwind(AssertUnwindSafe(|| {
            active.algorithm.step(input, &mut out);
        }));
        if stepped.is_err() {
            return self.with_violation(number, InvariantViolation::Panicked { node });
        }
        change_timers(
            &mut active.timers,
            out.timers(),
            self.time.map(|time| time.tick),
        );
        let view = active.algorithm.view();
        let (from, to) = (active.shown, view.epoch);
        let contract = ContractViolation::check_sends(out.sends(), |to| members.has_peer(to))
            .and_then(|()| ContractViolation::check_view(view, node, |it| members.contains(it)));
        let contract = contract.err();
        let violation = contract.map(|violation| InvariantViolation::Contract { node, violation });
        let violation = violation.or_else(|| History::epoch_went_back(node, from, to));
        let sends = out.sends().iter();
        let pledges = sends
            .clone()
            .filter_map(|sent| sent.message.pledge(sent.to));
        let observation = Observation {
            node,
            view,
            pledges: pledges.collect(),
        };
        let sends = sends.map(|sent| {
            self.envelope(Envelope {
                from: node,
                to: sent.to,
                message: sent.message.clone(),
            })
        });
        Effect {
            sends: sends.collect(),
            observation: self.observations.number(observation),
            violation: violation.map(Box::new),
            node: self.node(Node {
                position: active.position,
                life: Life::Up {
                    algorithm: active.algorithm,
                    timers: active.timers,
                },
                shown: from.max(to),
            }),
        }
    }

    /// Returns the effect of an event after which the node does not lead, and sends nothing.
    fn without_sends(&mut self, node: Node<A>) -> Effect {
        let observation = Observation {
            node: id(node.position),
            view: View::following(node.shown, None),
            pledges: Vec::new(),
        };
        Effect {
            sends: Box::default(),
            observation: self.observations.number(observation),
            violation: None,
            node: self.node(node),
        }
    }

    fn with_violation(&mut self, number: u32, violation: InvariantViolation) -> Effect {
        let node = self.nodes.get(number).clone();
        Effect {
            violation: Some(Box::new(violation)),
            ..self.without_sends(node)
        }
    }

    fn node(&mut self, node: Node<A>) -> u32 {
        let seen = node.seen(self.config.timing().lease);
        let number = self.nodes.number(node);
        if number as usize == self.seen.len() {
            self.seen.push(seen);
            self.ticked.push(None);
        }
        number
    }

    fn envelope(&mut self, envelope: Envelope<A::Message>) -> u32 {
        let recipient = u32::try_from(position(envelope.to)).unwrap_or(u32::MAX);
        let number = self.envelopes.number(envelope);
        if number as usize == self.recipients.len() {
            self.recipients.push(recipient);
        }
        number
    }
}
