//! The paper's election: ELECTION up, ANSWER down, COORDINATOR down.

use elector_core::{Delay, Epoch, NodeId, Outbox};

use crate::{
    Bully, BullyMessage,
    state::{Phase, Standing},
};

impl Bully {
    /// Asks every higher node, those reported gone too: if a hint is wrong, this is how it shows.
    pub(super) fn campaign(&mut self, out: &mut Outbox<Self>) {
        self.forget_leader();
        let epoch = self.epoch();
        for &to in self.members.above() {
            out.send(to, BullyMessage::Election { epoch });
        }
        if self.is_unopposed() {
            self.lead(false, out);
        } else {
            let timeout = Delay::exactly(self.config.answer_timeout());
            self.enter(Phase::Asking, timeout, out);
        }
    }

    /// Becomes coordinator of a tenure above all that were heard of, and tells the lower nodes.
    /// The higher ones are taken for dead; one that is not learns from the heartbeats.
    pub(super) fn lead(&mut self, appointed: bool, out: &mut Outbox<Self>) {
        self.highest = self.highest.next();
        self.durable.epoch = self.highest;
        self.leader = Some(self.members.me());
        self.appointed = appointed;
        self.fresh = true;
        self.attempt = 0;
        self.standing = Standing::Eligible;
        for &to in self.members.below() {
            out.send(to, self.coordinator());
        }
        self.enter(Phase::Leading, self.heartbeat_delay(), out);
    }

    /// ELECTION arrived.
    pub(super) fn asked(&mut self, from: NodeId, epoch: Epoch, out: &mut Outbox<Self>) {
        self.learn(epoch);
        if from > self.members.me() {
            return; // Nobody asks downwards.
        }
        if self.phase == Phase::Leading {
            self.answer_as_coordinator(from, out);
            return;
        }
        if self.standing == Standing::Retired {
            return; // Sits this election out: as good as dead to it.
        }
        if let Some(lower) = self.lower_live_leader() {
            // That coordinator is not contested by this node. An answer makes the asker wait until
            // it hears the coordinator too, unless it may contest it itself: then this node, which
            // will not lead, must not hold it up.
            if from < lower || self.is_tenured() {
                out.send(
                    from,
                    BullyMessage::Answer {
                        epoch: self.epoch(),
                    },
                );
            }
            return;
        }
        out.send(
            from,
            BullyMessage::Answer {
                epoch: self.epoch(),
            },
        );
        let settled = self.fresh && epoch < self.epoch();
        if self.phase.is_election() || settled {
            // One election at a time; and one that misses an older coordinator is answered by the
            // present one.
            return;
        }
        self.campaign(out);
    }

    /// ANSWER arrived: somebody higher is alive and will take care of it.
    pub(super) fn answered(&mut self, from: NodeId, epoch: Epoch, out: &mut Outbox<Self>) {
        self.learn(epoch);
        self.catch_up(out);
        if self.phase == Phase::Asking && from > self.members.me() {
            self.enter(Phase::Awaiting, self.patience(), out);
        }
    }

    /// A live coordinator answers with COORDINATOR itself: the asker need not wait for it.
    fn answer_as_coordinator(&mut self, from: NodeId, out: &mut Outbox<Self>) {
        if self.highest > self.epoch() {
            self.catch_up(out); // Its round of COORDINATOR reaches the asker as well.
        } else {
            out.send(from, self.coordinator());
        }
    }

    fn coordinator(&self) -> BullyMessage {
        BullyMessage::Coordinator {
            epoch: self.epoch(),
            appointed: self.appointed,
        }
    }

    /// A live coordinator that this node outranks, and follows all the same.
    fn lower_live_leader(&self) -> Option<NodeId> {
        let me = self.members.me();
        self.live_leader().filter(|&leader| leader < me)
    }

    /// Whether the coordinator may stay although higher nodes live.
    fn is_tenured(&self) -> bool {
        self.appointed || !self.config.preempt
    }
}
