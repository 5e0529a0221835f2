//! Following: which of several leaders remains, and how wrong suspicions are mended.

use elector_core::{Delay, Epoch, NodeId};

use super::Out;
use crate::{
    Ring, RingMessage, RingTimer, Token,
    state::{Phase, Trigger},
};

impl Ring {
    /// Follows the leader of a tenure that is not older than the present one.
    pub(super) fn follow(&mut self, epoch: Epoch, leader: NodeId, wait: Delay, out: &mut Out) {
        if self.durable.epoch != epoch || self.leader != Some(leader) {
            (self.met, self.mended) = (false, false);
        }
        if self.leads() {
            out.cancel_timer(RingTimer::Settle);
            if self.durable.epoch == epoch {
                // Two led this epoch. The other must hear of it, to number a new one.
                out.send(leader, self.heartbeat());
            }
        }
        self.take_part_again(out);
        self.durable.epoch = epoch;
        self.highest = self.highest.max(epoch);
        self.leader = Some(leader);
        self.phase = Phase::Follower;
        self.attempts = 0;
        self.timer.set(RingTimer::Vigil, wait, out);
    }

    /// There is a leader: a node that has resigned takes part in elections again.
    pub(super) fn take_part_again(&mut self, out: &mut Out) {
        if self.resigned {
            self.resigned = false;
            out.cancel_timer(RingTimer::Aside);
        }
    }

    /// I3: tenures are ordered by epoch, those of one epoch by id. A node whose leader is silent
    /// takes any other of its epoch.
    fn is_older(&self, epoch: Epoch, leader: NodeId) -> bool {
        let present = (self.durable.epoch, self.leader);
        (epoch, Some(leader)) < present
    }

    pub(super) fn on_coordinator(&mut self, token: Token, leader: NodeId, out: &mut Out) {
        if token.origin == self.me() || !self.members.contains(leader) {
            return; // Home, or a stranger is to lead.
        }
        if leader == self.me() {
            if self.leads() && token.epoch == self.durable.epoch {
                return self.pass_on(token, out); // Another initiator came to the same result.
            }
            if token.epoch <= self.durable.epoch || self.resigned {
                return; // A tenure of this node's past, or one that it does not want.
            }
            self.lead(token.epoch, out);
        } else if self.is_older(token.epoch, leader) {
            return; // The present leader is heard by its heartbeats.
        } else if (self.durable.epoch, self.leader) != (token.epoch, Some(leader)) {
            self.follow(token.epoch, leader, self.first_vigil(), out);
        }
        self.met = true;
        self.pass_on(token, out);
    }

    pub(super) fn on_heartbeat(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        settled: bool,
        out: &mut Out,
    ) {
        if self.leads() && epoch == self.durable.epoch && from < self.me() {
            // Two lead this epoch. This one stays, and must not share its number.
            return self.win(out);
        }
        if self.is_older(epoch, from) {
            return; // It hears this node's own heartbeats, or its leader's.
        }
        if let Phase::Initiator(round) = self.phase {
            if epoch < self.highest {
                return; // Some node knows a newer epoch: only an election brings it back.
            }
            if round.trigger == Trigger::Command && epoch == self.durable.epoch {
                return; // The application asked for an election though this leader lives.
            }
        }
        self.follow(epoch, from, self.timing.vigil(), out);
        if settled {
            self.mend_suspicions(out);
        }
    }

    /// Mends wrong suspicions once the COORDINATOR lap of the tenure is over. A node that the lap
    /// has skipped, or that recovered since, informs all nodes that it lives, or it would be
    /// skipped for ever. Every node asks those that it takes for dead itself, once after each
    /// suspicion: an acknowledgement may have been lost, a hint may have been wrong.
    pub(super) fn mend_suspicions(&mut self, out: &mut Out) {
        if self.mended {
            return;
        }
        for peer in self.members.peers() {
            let ask = self.suspects.contains(peer);
            if ask || !self.met {
                out.send(peer, RingMessage::Present { ask });
            }
        }
        (self.met, self.mended) = (true, true);
    }
}
