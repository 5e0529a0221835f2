//! What the application may ask for, and the transfer of leadership (dissertation, section 3.10).

use elector_core::{Command, Epoch, NodeId, Outbox, Refusal, quorum::Phase};

use crate::{Raft, RaftMessage, state::Asks};

impl Raft {
    pub(super) fn on_command(&mut self, command: Command, out: &mut Outbox<Self>) {
        match command {
            Command::Campaign => self.on_campaign(out),
            Command::Resign => self.on_resign(out),
            Command::TransferTo(peer) => self.on_transfer(peer, out),
        }
    }

    fn on_campaign(&mut self, out: &mut Outbox<Self>) {
        if self.phase.leads() {
            return out.refuse(Refusal::LeadsAlready);
        }
        if self.rules.config.check_quorum && self.has_fresh_leader() {
            // I7: its own vote is owed silence like any other.
            return out.refuse(Refusal::LeaderIsFresh);
        }
        self.timeout.stand_again();
        self.campaign(out);
    }

    fn on_resign(&mut self, out: &mut Outbox<Self>) {
        let Phase::Leader(state) = &self.phase else {
            return out.refuse(Refusal::ResignsWithoutLeading);
        };
        let heir = state.heir(&self.rules.members, self.timeout.suspects());
        self.timeout.resign();
        self.hand_over(heir, out);
    }

    fn on_transfer(&mut self, peer: NodeId, out: &mut Outbox<Self>) {
        let Phase::Leader(state) = &self.phase else {
            return out.refuse(Refusal::TransfersWithoutLeading);
        };
        let suspects = self.timeout.suspects();
        match state.check_heir(peer, &self.rules, suspects, out.now()) {
            Ok(()) => self.hand_over(Some(peer), out),
            Err(refusal) => out.refuse(refusal),
        }
    }

    /// Steps down *first*: the heir's election overrides the silence that protects this node's
    /// lease, so there must be no lease left (I7). If the heir is not elected, any node may be,
    /// this one too, in a later term.
    fn hand_over(&mut self, heir: Option<NodeId>, out: &mut Outbox<Self>) {
        let term = self.term();
        self.step_down(out);
        if let Some(heir) = heir {
            out.send(heir, RaftMessage::TimeoutNow { term });
        }
    }

    /// The leader of `term` has stepped down and wants this node to take over. No pre-vote is
    /// needed: the old leader's request proves that an election is due.
    pub(super) fn on_timeout_now(&mut self, from: NodeId, term: Epoch, out: &mut Outbox<Self>) {
        if term < self.term() {
            return; // Stale: that tenure has ended in another way.
        }
        if term > self.term() {
            self.adopt(term, out);
        }
        if self.elected.is_some_and(|leader| leader != from) {
            return; // Nonsense: another node leads this term.
        }
        self.timeout.stand_again();
        self.stand(Asks::Transfer, out);
    }
}
