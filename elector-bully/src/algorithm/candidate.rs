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
            self.unanswered(out);
        } else {
            let timeout = Delay::exactly(self.config.answer_timeout());
            self.enter(Phase::Asking, timeout, out);
        }
    }

    /// All higher nodes are taken for dead. A node that has just recovered may have slept through
    /// many tenures: before it takes over from a lower coordinator it asks for it, or it would
    /// claim the very epoch in which that one leads.
    pub(super) fn unanswered(&mut self, out: &mut Outbox<Self>) {
        let below = self.members.below();
        if !self.recovering || below.is_empty() {
            self.lead(false, out);
            return;
        }
        let epoch = self.epoch();
        for &to in below {
            out.send(to, BullyMessage::Election { epoch });
        }
        self.recovering = false;
        let timeout = Delay::exactly(self.config.answer_timeout());
        self.enter(Phase::Confirming, timeout, out);
    }

    /// ELECTION arrived.
    pub(super) fn on_election(&mut self, from: NodeId, epoch: Epoch, out: &mut Outbox<Self>) {
        self.learn(epoch);
        let above = from > self.members.me();
        if self.phase == Phase::Leading {
            // A live coordinator answers with COORDINATOR: the asker need not wait for it.
            let behind = self.highest > self.epoch();
            self.catch_up(out);
            if above || !behind {
                out.send(from, self.coordinator());
            }
            return;
        }
        if above {
            return; // It recovers, and looks for a coordinator.
        }
        if self.standing == Standing::Resigned {
            return; // I5: it takes no part in this election, as if dead.
        }
        if let Some(lower) = self.lower_live_leader() {
            // That coordinator is not contested by this node. An answer makes the asker wait until
            // it hears the coordinator too, unless it may contest it itself: then this node, which
            // will not lead, must not hold it up (I5).
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

    /// ANSWER arrived: a higher node is alive, and holds an election of its own.
    pub(super) fn on_answer(&mut self, from: NodeId, epoch: Epoch, out: &mut Outbox<Self>) {
        self.learn(epoch);
        self.catch_up(out);
        let asks = matches!(self.phase, Phase::Asking | Phase::Confirming);
        if asks && from > self.members.me() {
            self.enter(Phase::Awaiting, self.patience(), out);
        }
    }

    /// A live coordinator that this node outranks, and follows all the same.
    fn lower_live_leader(&self) -> Option<NodeId> {
        let me = self.members.me();
        self.live_leader().filter(|&leader| leader < me)
    }

    /// Returns `true` if the coordinator may stay although higher nodes live.
    fn is_tenured(&self) -> bool {
        self.appointed || !self.config.preempt
    }
}
