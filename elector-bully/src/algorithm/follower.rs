//! The follower: how a node handles COORDINATOR and heartbeats. If several nodes lead, for example
//! after a partition, these rules end all tenures but one.

use elector_core::{Epoch, NodeId, Outbox};

use crate::{
    Bully, BullyMessage,
    state::{Eligibility, Phase},
};

impl Bully {
    /// Handles COORDINATOR or a heartbeat: `from` claims to lead `epoch`.
    pub(super) fn on_claim(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        appointed: bool,
        out: &mut Outbox<Self>,
    ) {
        self.learn(epoch);
        let contests = self.can_contest(from, appointed);
        if self.leader == Some(from) && epoch == self.epoch() {
            self.follow(from, epoch, appointed, out);
        } else if !self.can_recognise(from, epoch) {
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
        self.is_fresh = true;
        self.is_recovering = false;
        self.attempts = 0;
        if self.eligibility == Eligibility::Resigned {
            self.eligibility = Eligibility::Yielding;
        }
        self.enter(Phase::Following, self.config.timing.vigil(), out);
    }

    /// Returns `true` if this node may follow `from` as the coordinator of `epoch`: the epoch is
    /// newer than this node's own, or it is the same and this node has recognised no other
    /// coordinator for it (invariant I2). Two coordinators of the last epoch (`u64::MAX`) cannot
    /// move to a new epoch. So in the last epoch the node with the higher id leads.
    fn can_recognise(&self, from: NodeId, epoch: Epoch) -> bool {
        let known = self.durable.coordinator;
        let is_last = epoch.checked_next().is_none();
        let is_allowed = |known| known == from || is_last && known < from;
        epoch > self.epoch() || epoch == self.epoch() && known.is_none_or(is_allowed)
    }

    pub(super) fn recognise(&mut self, epoch: Epoch, coordinator: NodeId) {
        self.durable.epoch = epoch; // I1: the epoch never goes back.
        self.durable.coordinator = Some(coordinator);
    }

    /// Handles a claim of a past epoch, or of an epoch for which this node has recognised another
    /// coordinator. Informs `from` that its epoch is past or shared, unless another node will
    /// inform `from`. After that, `from` moves to a new epoch, or learns that another node leads a
    /// newer epoch.
    fn correct(&mut self, from: NodeId, epoch: Epoch, contests: bool, out: &mut Outbox<Self>) {
        let is_shared = epoch == self.epoch();
        let is_higher = self.live_leader().is_some_and(|leader| leader > from);
        if self.phase == Phase::Leading && is_shared && is_higher {
            // Two coordinators share an epoch. This node has the higher id, so it continues in a
            // new epoch.
            self.lead(self.appointed, out);
        } else if self.phase == Phase::Leading && !is_shared {
            out.send(from, self.heartbeat());
        } else if self.is_fresh && (is_higher || !is_shared) {
            // Send nothing: the heartbeats of this node's own coordinator reach all nodes, also
            // `from`.
        } else if self.phase.is_election() && contests {
            // Send nothing: the winner of the election will announce itself to all nodes, also to
            // `from`.
        } else {
            out.send(
                from,
                BullyMessage::Outdated {
                    epoch: self.epoch(),
                },
            );
        }
    }

    /// Returns `true` if this node must take over from the coordinator `from`, and must not follow
    /// it.
    fn can_contest(&self, from: NodeId, appointed: bool) -> bool {
        self.config.preempt
            && self.eligibility == Eligibility::Eligible
            && !appointed
            && from < self.members.me()
    }

    fn contest(&mut self, from: NodeId, epoch: Epoch, out: &mut Outbox<Self>) {
        let leads = self.phase == Phase::Leading;
        if !leads && self.live_leader().is_some_and(|leader| leader > from) {
            return; // This node's own coordinator receives the same claim, and contests it.
        }
        self.recognise(epoch, from);
        self.is_recovering = false;
        match self.phase {
            // No higher node has answered, and this node has asked the lower nodes for a
            // coordinator that it can take over from.
            Phase::Confirming => self.lead(false, out),
            Phase::Asking | Phase::Awaiting => {}
            Phase::Following | Phase::Due | Phase::Leading => self.campaign(out),
        }
    }
}
