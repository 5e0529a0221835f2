//! The candidate: it sends ELECTION to higher nodes, receives ANSWER from them, and sends
//! COORDINATOR to lower nodes.

use elector_core::{Delay, Epoch, NodeId, Outbox};

use crate::{
    Bully, BullyMessage,
    state::{Eligibility, Phase},
};

impl Bully {
    /// Starts an election: asks every higher node, also suspected ones, because an answer shows
    /// that a suspicion was wrong.
    pub(super) fn campaign(&mut self, out: &mut Outbox<Self>) {
        self.forget_leader();
        let epoch = self.epoch();
        for &to in self.members.above() {
            out.send(to, BullyMessage::Election { epoch });
        }
        if self.is_unopposed() {
            self.on_no_answer(out);
        } else {
            let timeout = Delay::exactly(self.config.answer_timeout());
            self.enter(Phase::Asking, timeout, out);
        }
    }

    /// Handles the end of the wait for answers: takes all higher nodes for dead. A node that has
    /// just recovered may have missed many tenures while it was down. So it asks the lower nodes
    /// for a coordinator before it takes over: otherwise it could claim the same epoch in which a
    /// lower coordinator leads.
    pub(super) fn on_no_answer(&mut self, out: &mut Outbox<Self>) {
        let below = self.members.below();
        if !self.is_recovering || below.is_empty() {
            self.lead(false, out);
            return;
        }
        let epoch = self.epoch();
        for &to in below {
            out.send(to, BullyMessage::Election { epoch });
        }
        self.is_recovering = false;
        let timeout = Delay::exactly(self.config.answer_timeout());
        self.enter(Phase::Confirming, timeout, out);
    }

    /// Handles ELECTION: the node `from` asks whether this node is alive, or which node is the
    /// coordinator.
    pub(super) fn on_election(&mut self, from: NodeId, epoch: Epoch, out: &mut Outbox<Self>) {
        self.learn(epoch);
        let above = from > self.members.me();
        if self.phase == Phase::Leading {
            // A live coordinator answers with COORDINATOR, so the candidate need not wait for the
            // end of its answer timeout.
            let behind = self.highest > self.epoch();
            self.catch_up(out);
            if above || !behind {
                out.send(from, self.coordinator());
            }
            return;
        }
        if above {
            return; // A recovering higher node asks which node leads. Only a leader answers.
        }
        if self.eligibility == Eligibility::Resigned {
            return; // I5: this node takes no part in this election, as if it were dead.
        }
        let answer = BullyMessage::Answer {
            epoch: self.epoch(),
        };
        if let Some(lower) = self.lower_live_leader() {
            // This node follows a coordinator with a lower id, and does not contest this
            // coordinator. An answer makes the sender wait until the sender, too, receives a
            // heartbeat of the coordinator. A sender that may contest the coordinator gets no
            // answer: this node will not lead, so it must not delay the sender (invariant I5).
            if from < lower || self.can_leader_stay() {
                out.send(from, answer);
            }
            return;
        }
        out.send(from, answer);
        let is_settled = self.is_fresh && epoch < self.epoch();
        if self.phase.is_election() || is_settled {
            // Start no election: this node holds one already, or it follows a live coordinator of a
            // newer epoch than the sender's. In the second case the next heartbeat of that
            // coordinator is enough for the sender.
            return;
        }
        self.campaign(out);
    }

    /// Handles ANSWER: a higher node is alive, and holds its own election.
    pub(super) fn on_answer(&mut self, from: NodeId, epoch: Epoch, out: &mut Outbox<Self>) {
        self.learn(epoch);
        self.catch_up(out);
        let asks = matches!(self.phase, Phase::Asking | Phase::Confirming);
        if asks && from > self.members.me() {
            self.enter(Phase::Awaiting, self.coordinator_timeout(), out);
        }
    }

    /// Returns the live coordinator, if its id is lower than that of this node.
    fn lower_live_leader(&self) -> Option<NodeId> {
        let me = self.members.me();
        self.live_leader().filter(|&leader| leader < me)
    }

    /// Returns `true` if the coordinator may stay although nodes with higher ids are alive.
    fn can_leader_stay(&self) -> bool {
        self.appointed || !self.config.preempt
    }
}
