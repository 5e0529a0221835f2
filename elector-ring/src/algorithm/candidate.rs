//! Elections of this node's own, and how it treats those of others.

use elector_core::NodeId;

use super::Out;
use crate::{
    Ring, RingTimer, RingVariant, Token,
    state::{Phase, Round, Trigger},
};

impl Ring {
    /// Starts an election of this node's own.
    pub(crate) fn initiate(&mut self, trigger: Trigger, out: &mut Out) {
        self.leader = None;
        let serial = self.next_serial();
        self.phase = Phase::Initiator(Round {
            serial,
            trigger,
            level: 0,
            replied: [false; 2],
        });
        match self.variant {
            RingVariant::Collect => self.gather(serial, out),
            RingVariant::ChangRoberts => self.contend(serial, out),
            RingVariant::HirschbergSinclair => self.probe(serial, 0, out),
        }
    }

    /// Returns `true` if this node keeps a token that stands for `candidate` from passing.
    pub(crate) fn outranks(&self, candidate: NodeId) -> bool {
        !self.resigned && self.me() > candidate
    }

    /// A token of a lower candidate ends here. Chang and Roberts: a node that takes part already
    /// discards it, another sends its own in its place. A leader takes part: its COORDINATOR and
    /// its heartbeats reach the candidate, unless the candidate knows of a newer epoch.
    pub(crate) fn contest(&mut self, token: &Token, out: &mut Out) {
        match self.phase {
            Phase::Follower => self.initiate(Trigger::Silence, out),
            Phase::Initiator(_) => {}
            Phase::Leader { .. } if token.epoch > self.durable.epoch => self.win(out),
            Phase::Leader { .. } => {}
        }
    }

    /// A token's origin is dead, and its lap can have no end: the node that finds that out starts a
    /// new election.
    pub(crate) fn take_over(&mut self, out: &mut Out) {
        if !self.resigned && !self.leads() {
            self.initiate(Trigger::Silence, out);
        }
    }

    /// The election of another is under way: leaves it time to end.
    pub(crate) fn make_way(&mut self, out: &mut Out) {
        match self.phase {
            Phase::Follower => self.timer.set(RingTimer::Await, self.two_laps(), out),
            // Its own token may be lost in favour of that one.
            Phase::Initiator(_) => self.timer.set(RingTimer::Lap, self.two_laps(), out),
            Phase::Leader { .. } => {}
        }
    }
}
