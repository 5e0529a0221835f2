//! Leading and following: how a winner becomes known, and how one of several leaders remains.

use elector_core::{Delay, Epoch, NodeId};

use super::Out;
use crate::{Ring, RingMessage, RingTimer, Token, state::Part, token::Errand};

impl Ring {
    /// Leads, in an epoch above all that this node has heard of, and says so all round the ring.
    pub(crate) fn win(&mut self, out: &mut Out) {
        self.lead(self.highest.next(), out);
        self.announce(self.me(), out);
    }

    /// Sends a COORDINATOR round the ring.
    pub(super) fn announce(&mut self, leader: NodeId, out: &mut Out) {
        let serial = self.next_serial();
        let token = self.own_token(serial, Errand::Coordinator { leader });
        self.met = true;
        self.pass_on(token, out);
    }

    fn lead(&mut self, epoch: Epoch, out: &mut Out) {
        self.take_part_again(out);
        self.durable.epoch = epoch;
        self.highest = self.highest.max(epoch);
        self.leader = Some(self.me());
        self.part = Part::Leader { settled: false };
        self.attempt = 0;
        let heartbeat = Delay::exactly(self.timing.heartbeat);
        self.watch(RingTimer::Heartbeat, heartbeat, out);
        out.set_timer(RingTimer::Settle, Delay::exactly(self.lap()));
    }

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
        self.part = Part::Follower;
        self.attempt = 0;
        self.watch(RingTimer::Vigil, wait, out);
    }

    /// There is a leader: who sat out the election has done so.
    fn take_part_again(&mut self, out: &mut Out) {
        if self.aside {
            self.aside = false;
            out.cancel_timer(RingTimer::Aside);
        }
    }

    /// Tenures are ordered by epoch, those of one epoch by id. A node whose leader is silent takes
    /// any other of its epoch.
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
            if token.epoch <= self.durable.epoch || self.aside {
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
        if let Part::Initiator(round) = self.part {
            if epoch < self.highest {
                return; // Some node knows a newer epoch: only an election brings it back.
            }
            if round.commanded && epoch == self.durable.epoch {
                return; // The application asked for an election though this leader lives.
            }
        }
        self.follow(epoch, from, self.timing.vigil(), out);
        if settled {
            self.mend_suspicions(out);
        }
    }

    /// Mends wrong suspicions once the COORDINATOR lap of the tenure is over. A node that the lap
    /// has skipped, or that recovered since, tells everybody that it lives, or it would be skipped
    /// for ever. Every node asks those that it takes for dead itself, once after each suspicion: an
    /// acknowledgement may have been lost, a hint may have been wrong.
    fn mend_suspicions(&mut self, out: &mut Out) {
        if self.mended {
            return;
        }
        for peer in self.members.peers() {
            let ask = self.suspected.contains(peer);
            if ask || !self.met {
                out.send(peer, RingMessage::Present { ask });
            }
        }
        (self.met, self.mended) = (true, true);
    }

    pub(super) fn on_heartbeat_due(&mut self, out: &mut Out) {
        out.broadcast(&self.heartbeat());
        if self.part == (Part::Leader { settled: true }) {
            self.mend_suspicions(out);
        }
        let heartbeat = Delay::exactly(self.timing.heartbeat);
        self.watch(RingTimer::Heartbeat, heartbeat, out);
    }

    fn heartbeat(&self) -> RingMessage {
        RingMessage::Heartbeat {
            epoch: self.durable.epoch,
            settled: self.part == Part::Leader { settled: true },
        }
    }

    pub(super) fn on_settled(&mut self) {
        if self.leads() {
            self.part = Part::Leader { settled: true };
        }
    }
}
