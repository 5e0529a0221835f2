use std::{
    collections::HashMap,
    panic::{self, AssertUnwindSafe},
};

use elector_core::{
    Configuration, ContractViolation, ElectionAlgorithm, Epoch, Input, Membership, Message, Moment,
    Outbox, View,
    invariants::{History, InvariantViolation},
};
use rustc_hash::FxBuildHasher;

use crate::{
    Time,
    action::{id, position},
    event::{Deed, Effect, Envelope, Event},
    node::{Life, Node, Seen, Timer, order},
    pool::Pool,
};

/// The steps of single nodes. An algorithm is a pure function, so each step is computed once: what
/// an event does depends on the node, the event and the time alone.
pub(crate) struct Steps<A: ElectionAlgorithm> {
    config: A::Config,
    /// The cluster seen from each of its nodes.
    members: Vec<Membership>,
    time: Option<Time>,
    pub(crate) nodes: Pool<Node<A>>,
    // By the number of the node.
    seen: Vec<Seen>,
    ticked: Vec<Option<u32>>,
    pub(crate) envelopes: Pool<Envelope<A::Message>>,
    // By the number of the envelope: the position of its recipient.
    recipients: Vec<u32>,
    pub(crate) deeds: Pool<Deed>,
    // From a node, an event's code and the time to the place in `effects`.
    known: HashMap<(u32, u32, u32), u32, FxBuildHasher>,
    effects: Vec<Effect>,
}

/// One step under way.
struct Acting<A: ElectionAlgorithm> {
    position: usize,
    algorithm: A,
    timers: Vec<Timer<A::Timer>>,
    shown: Epoch,
}

impl<A: ElectionAlgorithm> Steps<A> {
    pub(crate) fn new(config: A::Config, members: Vec<Membership>, time: Option<Time>) -> Self {
        Self {
            config,
            members,
            time,
            nodes: Pool::default(),
            seen: Vec::new(),
            ticked: Vec::new(),
            envelopes: Pool::default(),
            recipients: Vec::new(),
            deeds: Pool::default(),
            known: HashMap::default(),
            effects: Vec::new(),
        }
    }

    /// The node in this position, before its first start.
    pub(crate) fn off(&mut self, position: usize) -> u32 {
        self.node(Node {
            position,
            life: Life::Down {
                durable: A::Durable::default(),
            },
            shown: Epoch::ZERO,
        })
    }

    /// What an observer knows of this node.
    pub(crate) fn seen(&self, node: u32) -> Seen {
        self.seen[node as usize]
    }

    /// The position of the recipient of this envelope.
    pub(crate) fn recipient(&self, envelope: u32) -> usize {
        self.recipients[envelope as usize] as usize
    }

    /// This node after a tick.
    pub(crate) fn tick(&mut self, node: u32) -> u32 {
        if let Some(ticked) = self.ticked[node as usize] {
            return ticked;
        }
        let ticked = self.node(self.nodes.get(node).ticked());
        self.ticked[node as usize] = Some(ticked);
        ticked
    }

    /// What `event` does to this node, `now` ticks after the beginning; `None` if it does nothing
    /// at all, whatever the rest of the cluster is.
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

    /// How many bytes the table of steps takes, and roughly those that it refers to.
    pub(crate) fn bytes(&self) -> usize {
        self.known.capacity() * size_of::<((u32, u32, u32), u32)>()
            + self.effects.capacity() * size_of::<Effect>()
            + self.nodes.len() * (size_of::<Node<A>>() + size_of::<Seen>())
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
                self.quiet(Node {
                    position,
                    life,
                    shown,
                })
            }
            (Life::Down { durable }, Event::Restarted) => {
                self.restart(number, (position, shown), durable, now)
            }
            (Life::Up { algorithm, timers }, event) => {
                let mut acting = Acting {
                    position,
                    algorithm,
                    timers,
                    shown,
                };
                let input = self.input(event, &mut acting)?;
                self.step(number, acting, input, now)
            }
            (Life::Down { .. }, _) => return None,
        };
        let nothing = effect.node == number && effect.sends.is_empty() && effect.breach.is_none();
        (!nothing).then_some(effect)
    }

    /// What the algorithm gets; a timer that elapses does not run any more.
    fn input(&self, event: Event, acting: &mut Acting<A>) -> Option<Input<A::Message, A::Timer>> {
        Some(match event {
            Event::Received(envelope) => {
                let Envelope { from, message, .. } = self.envelopes.get(envelope).clone();
                Input::Received { from, message }
            }
            Event::Elapsed(timer) => Input::Elapsed(acting.timers.remove(timer).name),
            Event::Suspected(peer) => Input::Suspected(peer),
            Event::Died(peer) => Input::Died(peer),
            Event::Commanded(command) => Input::Commanded(command),
            Event::Crashed | Event::Restarted => return None,
        })
    }

    /// First boot and restart. What the node is restored with is seen, too.
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
            return self.broken(number, InvariantViolation::Panicked { node });
        };
        let to = algorithm.view().epoch;
        if let Some(breach) = History::epoch_went_back(node, shown, to) {
            return self.broken(number, breach);
        }
        let acting = Acting {
            position,
            algorithm,
            timers: Vec::new(),
            shown: to,
        };
        self.step(number, acting, Input::Started, now)
    }

    fn step(
        &mut self,
        number: u32,
        mut acting: Acting<A>,
        input: Input<A::Message, A::Timer>,
        now: u32,
    ) -> Effect {
        let node = id(acting.position);
        let members = self.members[acting.position].clone();
        let moment = self.time.map_or(Moment::ZERO, |time| time.moment(now));
        let mut out = Outbox::new(members.clone(), moment);
        // What a panic leaves behind is thrown away.
        let stepped = panic::catch_unwind(AssertUnwindSafe(|| {
            acting.algorithm.step(input, &mut out);
        }));
        if stepped.is_err() {
            return self.broken(number, InvariantViolation::Panicked { node });
        }
        order(
            &mut acting.timers,
            out.timers(),
            self.time.map(|time| time.tick),
        );
        let view = acting.algorithm.view();
        let (from, to) = (acting.shown, view.epoch);
        let contract = ContractViolation::check_sends(&members, out.sends())
            .and_then(|()| ContractViolation::check_view(&members, view));
        let contract = contract.err();
        let breach = contract.map(|violation| InvariantViolation::Contract { node, violation });
        let breach = breach.or_else(|| History::epoch_went_back(node, from, to));
        let sends = out.sends().iter();
        let pledges = sends
            .clone()
            .filter_map(|sent| sent.message.pledge(sent.to));
        let deed = Deed {
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
            deed: self.deeds.number(deed),
            breach: breach.map(Box::new),
            node: self.node(Node {
                position: acting.position,
                life: Life::Up {
                    algorithm: acting.algorithm,
                    timers: acting.timers,
                },
                shown: from.max(to),
            }),
        }
    }

    /// The node is this now, and leads nothing.
    fn quiet(&mut self, node: Node<A>) -> Effect {
        let deed = Deed {
            node: id(node.position),
            view: View::following(node.shown, None),
            pledges: Vec::new(),
        };
        Effect {
            sends: Box::default(),
            deed: self.deeds.number(deed),
            breach: None,
            node: self.node(node),
        }
    }

    fn broken(&mut self, number: u32, breach: InvariantViolation) -> Effect {
        let node = self.nodes.get(number).clone();
        Effect {
            breach: Some(Box::new(breach)),
            ..self.quiet(node)
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
