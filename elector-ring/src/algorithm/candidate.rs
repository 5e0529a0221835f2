//! The candidate: how a node holds its own elections, and how it handles the elections of other
//! nodes.

use elector_core::NodeId;

use super::Out;
use crate::{
    Ring, RingTimer, RingVariant, Token,
    state::{Phase, Round, Trigger},
};

impl Ring {
    /// Starts an election, with this node as the initiator.
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

    /// Returns `true` if this node has a higher id than `candidate`, and offers itself for
    /// election. Such a node discards a token of the candidate.
    pub(crate) fn outranks(&self, candidate: NodeId) -> bool {
        !self.has_resigned && self.me() > candidate
    }

    /// Discards a token of a lower candidate. As in Chang and Roberts, a node that does not hold an
    /// election yet sends its own token instead. A leader sends no token, because its COORDINATOR
    /// and its heartbeats inform the candidate. But a candidate that knows a newer epoch does not
    /// follow the heartbeats of an older one. In this case the leader moves to an epoch above the
    /// newer one.
    pub(crate) fn contest(&mut self, token: &Token, out: &mut Out) {
        match self.phase {
            Phase::Follower => self.initiate(Trigger::Silence, out),
            Phase::Initiator(_) => {}
            Phase::Leader { .. } if token.epoch > self.durable.epoch => self.win(out),
            Phase::Leader { .. } => {}
        }
    }

    /// Starts a new election in place of an election that cannot end, because the origin of its
    /// token is dead.
    pub(crate) fn restart_election(&mut self, out: &mut Out) {
        if !self.has_resigned && !self.leads() {
            self.initiate(Trigger::Silence, out);
        }
    }

    /// Gives the election of another node the time of two laps (two ways of a token round the ring)
    /// to end, before this node starts an election.
    pub(crate) fn wait_for_election(&mut self, out: &mut Out) {
        match self.phase {
            Phase::Follower => self.timer.set(RingTimer::Await, self.two_laps(), out),
            // Other nodes may discard this node's own token, because the other candidate has a
            // higher id.
            Phase::Initiator(_) => self.timer.set(RingTimer::Lap, self.two_laps(), out),
            Phase::Leader { .. } => {}
        }
    }
}
