//! The implementation of the trait, and what all three variants share: who leads, how nodes learn
//! the leader, and when an election is due.

mod candidate;
mod chang_roberts;
mod collect;
mod commands;
mod follower;
mod hirschberg_sinclair;
mod hops;
mod leader;

use elector_core::{
    BestEffort, Delay, ElectionAlgorithm, Epoch, Input, Membership, NodeId, Outbox, View,
};

use crate::{
    Ring, RingConfig, RingDurable, RingMessage, RingTimer, Token,
    state::{Phase, Trigger},
    token::TokenBody,
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
        self.current_view()
    }

    fn raised(durable: &RingDurable, floor: Epoch) -> Option<RingDurable> {
        let mut raised = *durable;
        if raised.epoch <= floor {
            raised.epoch = floor.checked_next()?;
        }
        Some(raised)
    }

    fn check(&self) -> Result<(), &'static str> {
        let due = match self.phase {
            Phase::Leader { .. } => Some(RingTimer::Heartbeat),
            Phase::Initiator(_) => Some(RingTimer::Lap),
            Phase::Follower => None,
        };
        if self.highest < self.durable.epoch {
            Err("I2: the highest known epoch is at least the node's own epoch")
        } else if due.is_some() && self.timer.running() != due {
            Err("I6: a leader waits for its heartbeat, an initiator for its lap")
        } else {
            Ok(())
        }
    }

    fn step(&mut self, input: Input<RingMessage, RingTimer>, out: &mut Out) {
        match input {
            Input::Started => self.on_started(out),
            Input::Received { from, message } => self.on_message(from, message, out),
            Input::Elapsed(timer) => self.on_timer(timer, out),
            Input::Suspected(peer) | Input::Silent(peer) | Input::Died(peer) => {
                self.on_suspected(peer, out);
            }
            Input::Returned(peer) => {
                self.suspects.remove(peer);
            }
            Input::Commanded(command) => self.on_command(&command, out),
        }
    }
}

impl Ring {
    /// Handles the start. A node that starts first waits for a heartbeat, because it follows any
    /// live leader.
    fn on_started(&mut self, out: &mut Out) {
        self.durable.life = self.durable.life.saturating_add(1);
        self.timer.set(RingTimer::Vigil, self.timing.vigil(), out);
    }

    fn on_message(&mut self, from: NodeId, message: RingMessage, out: &mut Out) {
        self.suspects.remove(from);
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
            return; // Invalid: the origin is no member.
        }
        if token.origin != self.me() && !self.tokens.record_arrival(token.id()) {
            return; // I4: this is a second copy of the token.
        }
        token.left = token.left.min(self.size()).saturating_sub(1); // I4: at most n hops.
        self.highest = self.highest.max(token.epoch);
        match token.body {
            TokenBody::Gather { .. } => self.on_gather(token, out),
            TokenBody::Contend => self.on_contend(token, out),
            TokenBody::Coordinator { leader } => self.on_coordinator(token, leader, out),
            TokenBody::Probe { level, way } => self.on_probe(token, level, way, out),
            TokenBody::Reply { level, way } => self.on_reply(token, level, way, out),
        }
    }

    fn on_timer(&mut self, timer: RingTimer, out: &mut Out) {
        if !self.timer.elapsed(timer) && timer.drives_node() {
            return; // Stale: the timer elapsed before this node cancelled it.
        }
        match timer {
            RingTimer::Vigil => self.drop_leader(out),
            RingTimer::Await => {
                self.attempts = self.attempts.saturating_add(1);
                self.drop_leader(out);
            }
            // This node has resigned. So it starts no election yet, and leaves the other nodes one
            // more `election_min` for theirs.
            RingTimer::Stagger if self.has_resigned => {
                self.timer.set(RingTimer::Vigil, self.timing.vigil(), out);
            }
            RingTimer::Stagger => self.initiate(Trigger::Silence, out),
            RingTimer::Lap => {
                self.attempts = self.attempts.saturating_add(1);
                self.initiate(Trigger::Silence, out);
            }
            RingTimer::Heartbeat => self.on_heartbeat_timer(out),
            RingTimer::Settle => self.on_settle_timer(),
            RingTimer::Aside => self.has_resigned = false,
            RingTimer::Hop(id) => self.skip_silent(id, out),
        }
    }

    fn drop_leader(&mut self, out: &mut Out) {
        self.leader = None;
        self.timer.set(RingTimer::Stagger, self.stagger(), out);
    }

    /// Handles a suspicion of a peer. If the peer is the leader, the suspicion ends only this
    /// node's own wait for the leader's heartbeats. A proof of death has the same effect as a
    /// suspicion, because there is no lease. The next live node after the leader starts an election
    /// at once; each other live node waits one round trip longer than the node before it in the
    /// ring.
    fn on_suspected(&mut self, peer: NodeId, out: &mut Out) {
        self.suspect(peer);
        for id in self.tokens.waiting_for(peer) {
            out.cancel_timer(RingTimer::Hop(id));
            self.skip_silent(id, out);
        }
        if self.leader != Some(peer) {
            return;
        }
        self.leader = None;
        if self.timer.running() != Some(RingTimer::Vigil) || self.has_resigned {
            return; // An election is in progress, or this node offers itself for none.
        }
        match self.rank_behind(peer) {
            0 => self.initiate(Trigger::Silence, out),
            rank => {
                let turn = self.timing.round_trip.saturating_mul(rank);
                let end = turn.saturating_add(self.timing.round_trip / 2);
                self.timer
                    .set(RingTimer::Stagger, Delay::between(turn, end), out);
            }
        }
    }

    pub(crate) fn suspect(&mut self, peer: NodeId) {
        self.suspects.insert(peer);
        self.has_asked_suspects = false;
    }
}
