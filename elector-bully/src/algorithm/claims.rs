//! Who follows whom: what a node makes of COORDINATOR and of heartbeats. This is where two
//! coordinators become one.

use elector_core::{Epoch, NodeId, Outbox};

use crate::{
    Bully, BullyMessage,
    state::{Phase, Standing},
};

impl Bully {
    /// `from` says that it coordinates `epoch`.
    pub(super) fn claimed(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        appointed: bool,
        out: &mut Outbox<Self>,
    ) {
        self.learn(epoch);
        if self.leader == Some(from) && epoch == self.epoch() {
            self.follow(from, epoch, appointed, out);
        } else if self.is_superseded(from, epoch) {
            self.correct(from, epoch, out);
        } else if self.contests(from, appointed) {
            self.contest(from, epoch, out);
        } else {
            self.follow(from, epoch, appointed, out);
        }
    }

    fn follow(&mut self, leader: NodeId, epoch: Epoch, appointed: bool, out: &mut Outbox<Self>) {
        self.durable.epoch = epoch;
        self.leader = Some(leader);
        self.appointed = appointed;
        self.fresh = true;
        self.attempt = 0;
        if self.standing == Standing::Retired {
            self.standing = Standing::Yielding;
        }
        self.enter(Phase::Following, self.config.timing.vigil(), out);
    }

    /// Tenures are ordered by epoch, then by the coordinator's id. An older one is over; one of the
    /// same epoch and a lower id is, while the higher coordinator is heard.
    fn is_superseded(&self, from: NodeId, epoch: Epoch) -> bool {
        let outranked = self.live_leader().is_some_and(|leader| leader > from);
        epoch < self.epoch() || epoch == self.epoch() && outranked
    }

    /// Tells a coordinator that its tenure is over, if nobody else will. A follower leaves it to
    /// its own coordinator, whose heartbeats reach everybody; a candidate, to its election.
    fn correct(&mut self, from: NodeId, epoch: Epoch, out: &mut Outbox<Self>) {
        match self.phase {
            // Two coordinators of one epoch met: the higher goes on under a new one, so that no
            // epoch stays shared.
            Phase::Leading if epoch == self.epoch() => self.lead(self.appointed, out),
            Phase::Leading => out.send(from, self.heartbeat()),
            Phase::Following | Phase::Due if !self.fresh => {
                out.send(
                    from,
                    BullyMessage::Outdated {
                        epoch: self.epoch(),
                    },
                );
            }
            Phase::Following | Phase::Due | Phase::Asking | Phase::Awaiting => {}
        }
    }

    /// Whether this node takes over from that coordinator rather than follow it.
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
        self.durable.epoch = epoch;
        if !self.phase.is_election() {
            self.campaign(out);
        }
    }
}
