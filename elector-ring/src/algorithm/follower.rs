//! The follower: it decides which of several leaders it follows, and it ends wrong suspicions.

use elector_core::{Delay, Epoch, NodeId};

use super::Out;
use crate::{
    Ring, RingMessage, RingTimer, Token,
    state::{Phase, Trigger},
};

impl Ring {
    /// Follows `leader`, whose tenure is not older than the present one. `wait` is the length of
    /// the vigil, the time within which a heartbeat must arrive.
    pub(super) fn follow(&mut self, epoch: Epoch, leader: NodeId, wait: Delay, out: &mut Out) {
        if self.durable.epoch != epoch || self.leader != Some(leader) {
            (self.has_seen_lap, self.has_asked_suspects) = (false, false);
        }
        if self.leads() {
            out.cancel_timer(RingTimer::Settle);
            if self.durable.epoch == epoch {
                // This node and `leader` both led this epoch. This heartbeat informs `leader` of
                // the conflict, and `leader` then moves to a new epoch.
                out.send(leader, self.heartbeat());
            }
        }
        self.end_abstention(out);
        self.durable.epoch = epoch;
        self.highest = self.highest.max(epoch);
        self.leader = Some(leader);
        self.phase = Phase::Follower;
        self.attempts = 0;
        self.timer.set(RingTimer::Vigil, wait, out);
    }

    /// Lets this node, if it has resigned, offer itself for elections again.
    pub(super) fn end_abstention(&mut self, out: &mut Out) {
        if self.has_resigned {
            self.has_resigned = false;
            out.cancel_timer(RingTimer::Aside);
        }
    }

    /// Returns `true` if the tenure of `leader` in `epoch` is older than the present tenure
    /// (invariant I3). Tenures are ordered by epoch, and in one epoch by the leader's id. A node
    /// without a live leader follows any leader of its epoch.
    fn is_older(&self, epoch: Epoch, leader: NodeId) -> bool {
        let present = (self.durable.epoch, self.leader);
        (epoch, Some(leader)) < present
    }

    pub(super) fn on_coordinator(&mut self, token: Token, leader: NodeId, out: &mut Out) {
        if token.origin == self.me() || !self.members.contains(leader) {
            return; // This node's own token is back, or the leader is no member.
        }
        if leader == self.me() {
            if self.leads() && token.epoch == self.durable.epoch {
                return self.forward(token, out); // Another election has elected this node too.
            }
            if token.epoch <= self.durable.epoch || self.has_resigned {
                return; // The tenure is past, or this node takes no part in elections.
            }
            self.lead(token.epoch, out);
        } else if self.is_older(token.epoch, leader) {
            return; // Nodes learn the present leader from its heartbeats.
        } else if (self.durable.epoch, self.leader) != (token.epoch, Some(leader)) {
            self.follow(token.epoch, leader, self.first_vigil(), out);
        }
        self.has_seen_lap = true;
        self.forward(token, out);
    }

    pub(super) fn on_heartbeat(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        settled: bool,
        out: &mut Out,
    ) {
        if self.leads() && epoch == self.durable.epoch && from < self.me() {
            // Two nodes lead this epoch. This node has the higher id, so it stays leader, but in a
            // new epoch.
            return self.win(out);
        }
        if self.is_older(epoch, from) {
            return; // The sender receives the heartbeats of the leader of the newer tenure.
        }
        if let Phase::Initiator(round) = self.phase {
            if epoch < self.highest {
                return; // Some node knows a newer epoch, and does not follow this leader.
            }
            if round.trigger == Trigger::Command && epoch == self.durable.epoch {
                return; // The application asked for an election, although this leader is alive.
            }
        }
        self.follow(epoch, from, self.timing.vigil(), out);
        if settled {
            self.check_suspicions(out);
        }
    }

    /// Ends wrong suspicions when the lap of the leader's COORDINATOR token has ended. A node that
    /// the token has skipped, or that has recovered since, informs all nodes that it is alive:
    /// otherwise tokens would skip this node forever. Every node asks the nodes that it suspects
    /// whether they are alive, once after each suspicion: an acknowledgement of such a node may
    /// have been lost, or the host's suspicion may have been wrong.
    pub(super) fn check_suspicions(&mut self, out: &mut Out) {
        if self.has_asked_suspects {
            return;
        }
        for peer in self.members.peers() {
            let ask = self.suspects.contains(peer);
            if ask || !self.has_seen_lap {
                out.send(peer, RingMessage::Present { ask });
            }
        }
        (self.has_seen_lap, self.has_asked_suspects) = (true, true);
    }
}
