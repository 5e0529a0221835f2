//! Who follows whom: what a node makes of COORDINATOR and of heartbeats. This is where two
//! coordinators become one.

use elector_core::{Epoch, NodeId, Outbox};

use crate::{
    Bully, BullyMessage,
    state::{Phase, Standing},
};

impl Bully {
    /// `from` says that it coordinates `epoch`.
    pub(super) fn on_claim(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        appointed: bool,
        out: &mut Outbox<Self>,
    ) {
        self.learn(epoch);
        let contests = self.contests(from, appointed);
        if self.leader == Some(from) && epoch == self.epoch() {
            self.follow(from, epoch, appointed, out);
        } else if !self.may_recognise(from, epoch) {
            self.correct(from, epoch, contests, out);
        } else if contests {
            self.contest(from, epoch, out);
        } else {
            self.follow(from, epoch, appointed, out);
        }
    }

    fn follow(&mut self, leader: NodeId, epoch: Epoch, appointed: bool, out: &mut Outbox<Self>) {
        self.recognise(epoch, leader);
        self.leader = Some(leader);
        self.appointed = appointed;
        self.fresh = true;
        self.recovering = false;
        self.attempts = 0;
        if self.standing == Standing::Resigned {
            self.standing = Standing::Yielding;
        }
        self.enter(Phase::Following, self.config.timing.vigil(), out);
    }

    /// I2: recognises a newer tenure than any known, or the newest known, by the coordinator known
    /// for it. Two that share the last epoch cannot number themselves anew: the higher one leads.
    fn may_recognise(&self, from: NodeId, epoch: Epoch) -> bool {
        let known = self.durable.coordinator;
        let is_last = epoch.checked_next().is_none();
        let may_be = |known| known == from || is_last && known < from;
        epoch > self.epoch() || epoch == self.epoch() && known.is_none_or(may_be)
    }

    pub(super) fn recognise(&mut self, epoch: Epoch, coordinator: NodeId) {
        self.durable.epoch = epoch; // I1
        self.durable.coordinator = Some(coordinator);
    }

    /// `from` claims a tenure that is over, or an epoch of another node. Reports that to it, if no
    /// other node will; then it numbers itself anew, or finds that it is superseded.
    fn correct(&mut self, from: NodeId, epoch: Epoch, contests: bool, out: &mut Outbox<Self>) {
        let shared = epoch == self.epoch();
        let outranks = self.live_leader().is_some_and(|leader| leader > from);
        if self.phase == Phase::Leading && shared && outranks {
            // Two coordinators share an epoch: the higher goes on under a new one.
            self.lead(self.appointed, out);
        } else if self.phase == Phase::Leading && !shared {
            out.send(from, self.heartbeat());
        } else if self.fresh && (outranks || !shared) {
            // Left to this node's own coordinator, whose heartbeats reach all nodes.
        } else if self.phase.is_election() && contests {
            // Left to the election: its winner informs all nodes.
        } else {
            out.send(
                from,
                BullyMessage::Outdated {
                    epoch: self.epoch(),
                },
            );
        }
    }

    /// Returns `true` if this node takes over from that coordinator rather than follow it.
    fn contests(&self, from: NodeId, appointed: bool) -> bool {
        self.config.preempt
            && self.standing == Standing::Eligible
            && !appointed
            && from < self.members.me()
    }

    fn contest(&mut self, from: NodeId, epoch: Epoch, out: &mut Outbox<Self>) {
        let leads = self.phase == Phase::Leading;
        if !leads && self.live_leader().is_some_and(|leader| leader > from) {
            return; // This node's own coordinator hears it too, and will contest it.
        }
        self.recognise(epoch, from);
        self.recovering = false;
        match self.phase {
            // That was the coordinator it asked for.
            Phase::Confirming => self.lead(false, out),
            Phase::Asking | Phase::Awaiting => {}
            Phase::Following | Phase::Due | Phase::Leading => self.campaign(out),
        }
    }
}
