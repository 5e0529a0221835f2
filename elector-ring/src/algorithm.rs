//! The trait, and what all three variants share: who leads, how that is learned, and when an
//! election is due.

mod announce;
mod chang_roberts;
mod collect;
mod commands;
mod hirschberg_sinclair;
mod hops;

use elector_core::{
    BestEffort, Delay, ElectionAlgorithm, Epoch, Input, Membership, NodeId, Outbox, View,
};

use crate::{
    Ring, RingConfig, RingDurable, RingMessage, RingTimer, RingVariant, Token,
    state::{Part, Round},
    token::Errand,
};

type Out = Outbox<Ring>;

impl ElectionAlgorithm for Ring {
    const NAME: &'static str = "ring";
    type Guarantee = BestEffort;
    type Config = RingConfig;
    type Message = RingMessage;
    type Timer = RingTimer;
    type Durable = RingDurable;

    fn restore(config: &RingConfig, members: Membership, durable: RingDurable) -> Self {
        Self::new(config, members, durable)
    }

    fn durable(&self) -> &RingDurable {
        &self.durable
    }

    fn view(&self) -> View {
        self.present_view()
    }

    fn raised(durable: &RingDurable, floor: Epoch) -> Option<RingDurable> {
        let mut raised = *durable;
        if raised.epoch <= floor {
            raised.epoch = floor.checked_next()?;
        }
        Some(raised)
    }

    fn step(&mut self, input: Input<RingMessage, RingTimer>, out: &mut Out) {
        match input {
            Input::Started => self.on_started(out),
            Input::Received { from, message } => self.on_message(from, message, out),
            Input::Elapsed(timer) => self.on_elapsed(timer, out),
            Input::Suspected(peer) | Input::Silent(peer) | Input::Died(peer) => {
                self.on_hint(peer, out);
            }
            Input::Returned(peer) => {
                self.suspected.remove(peer);
            }
            Input::Commanded(command) => self.on_command(command, out),
        }
    }
}

impl Ring {
    /// A node that recovers listens first: it takes a live leader as it is.
    fn on_started(&mut self, out: &mut Out) {
        self.durable.life = self.durable.life.saturating_add(1);
        self.watch(RingTimer::Vigil, self.timing.vigil(), out);
    }

    fn on_message(&mut self, from: NodeId, message: RingMessage, out: &mut Out) {
        self.suspected.remove(from);
        match message {
            RingMessage::Token(token) => self.on_token(from, token, out),
            RingMessage::HopAck { token } => self.on_hop_ack(from, token, out),
            RingMessage::Heartbeat { epoch, settled } => {
                self.on_heartbeat(from, epoch, settled, out);
            }
            RingMessage::Handover { epoch } => self.on_handover(epoch, out),
            RingMessage::Present { ask } => {
                if ask {
                    out.send(from, RingMessage::Present { ask: false });
                }
            }
        }
    }

    fn on_token(&mut self, from: NodeId, mut token: Token, out: &mut Out) {
        out.send(from, RingMessage::HopAck { token: token.id() });
        if !self.members.contains(token.origin) {
            return; // A stranger's token has no lap here.
        }
        if token.origin != self.me() && !self.passages.first_sight(token.id()) {
            return; // A copy: the first one goes its way.
        }
        token.left = token.left.min(self.size()).saturating_sub(1);
        self.highest = self.highest.max(token.epoch);
        match token.errand {
            Errand::Gather { .. } => self.on_gather(token, out),
            Errand::Contend => self.on_contend(token, out),
            Errand::Coordinator { leader } => self.on_coordinator(token, leader, out),
            Errand::Probe { level, way } => self.on_probe(token, level, way, out),
            Errand::Reply { level, way } => self.on_reply(token, level, way, out),
        }
    }

    fn on_elapsed(&mut self, timer: RingTimer, out: &mut Out) {
        if self.watch == Some(timer) {
            self.watch = None;
        } else if timer.makes_act() {
            return; // It was stopped, but too late.
        }
        match timer {
            RingTimer::Vigil => self.give_leader_up(out),
            RingTimer::Await => {
                self.attempt = self.attempt.saturating_add(1);
                self.give_leader_up(out);
            }
            // It sits out: the others have one more vigil to elect somebody.
            RingTimer::Stagger if self.aside => {
                self.watch(RingTimer::Vigil, self.timing.vigil(), out);
            }
            RingTimer::Stagger => self.initiate(false, out),
            RingTimer::Lap => {
                self.attempt = self.attempt.saturating_add(1);
                self.initiate(false, out);
            }
            RingTimer::Heartbeat => self.on_heartbeat_due(out),
            RingTimer::Settle => self.on_settled(),
            RingTimer::Aside => self.aside = false,
            RingTimer::Hop(id) => self.on_silence(id, out),
        }
    }

    fn give_leader_up(&mut self, out: &mut Out) {
        self.leader = None;
        self.watch(RingTimer::Stagger, self.stagger(), out);
    }

    /// A hint ends this node's own patience with its leader, and no more. A proof of death is no
    /// more than a suspicion here, as there is no lease to respect. The live node right
    /// behind the leader starts the election at once; the others leave it time, by rank.
    fn on_hint(&mut self, peer: NodeId, out: &mut Out) {
        self.suspect(peer);
        for id in self.passages.waiting_for(peer) {
            out.cancel_timer(RingTimer::Hop(id));
            self.on_silence(id, out);
        }
        if self.leader != Some(peer) {
            return;
        }
        self.leader = None;
        if self.watch != Some(RingTimer::Vigil) || self.aside {
            return; // An election is under way, or none of this node's business.
        }
        match self.rank_behind(peer) {
            0 => self.initiate(false, out),
            rank => {
                let turn = self.timing.round_trip.saturating_mul(rank);
                let end = turn.saturating_add(self.timing.round_trip / 2);
                self.watch(RingTimer::Stagger, Delay::between(turn, end), out);
            }
        }
    }

    /// Starts an election of this node's own.
    pub(crate) fn initiate(&mut self, commanded: bool, out: &mut Out) {
        self.leader = None;
        let serial = self.next_serial();
        self.part = Part::Initiator(Round {
            serial,
            commanded,
            level: 0,
            replied: [false; 2],
        });
        match self.variant {
            RingVariant::Collect => self.gather(serial, out),
            RingVariant::ChangRoberts => self.contend(serial, out),
            RingVariant::HirschbergSinclair => self.probe(serial, 0, out),
        }
    }

    pub(crate) fn suspect(&mut self, peer: NodeId) {
        self.suspected.insert(peer);
        self.mended = false;
    }

    /// Whether this node keeps a token from passing that stands for `candidate`.
    pub(crate) fn outranks(&self, candidate: NodeId) -> bool {
        !self.aside && self.me() > candidate
    }

    /// A token of a lower candidate ends here. Chang and Roberts: a node that takes part already
    /// discards it, another sends its own in its place. A leader takes part: its COORDINATOR and
    /// its heartbeats reach the candidate, unless the candidate knows of a newer epoch.
    pub(crate) fn contest(&mut self, token: &Token, out: &mut Out) {
        match self.part {
            Part::Follower => self.initiate(false, out),
            Part::Initiator(_) => {}
            Part::Leader { .. } if token.epoch > self.durable.epoch => self.win(out),
            Part::Leader { .. } => {}
        }
    }

    /// A token's origin is dead, and its lap can have no end: whoever finds that out starts anew.
    pub(crate) fn take_over(&mut self, out: &mut Out) {
        if !self.aside && !self.leads() {
            self.initiate(false, out);
        }
    }

    /// The election of another is under way: leaves it time to end.
    pub(crate) fn make_way(&mut self, out: &mut Out) {
        match self.part {
            Part::Follower => self.watch(RingTimer::Await, self.two_laps(), out),
            // Its own token may be lost in favour of that one.
            Part::Initiator(_) => self.watch(RingTimer::Lap, self.two_laps(), out),
            Part::Leader { .. } => {}
        }
    }
}
