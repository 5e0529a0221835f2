//! What the application may ask for, and the transfer of leadership.

use elector_core::{Command, Epoch, NodeId, Outbox, Refusal, quorum::Phase};

use crate::{Paxos, PaxosMessage};

impl Paxos {
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
        if self.has_fresh_leader() {
            // I6: its own acceptor owes silence like any other.
            return out.refuse(Refusal::LeaderIsFresh);
        }
        self.timeout.stand_again();
        self.propose(out);
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
    /// lease, so there must be no lease left (I6). If the heir is not elected, any node may be,
    /// this one too, in a later epoch.
    fn hand_over(&mut self, heir: Option<NodeId>, out: &mut Outbox<Self>) {
        let epoch = self.epoch();
        self.step_down(out);
        if let Some(heir) = heir {
            out.send(heir, PaxosMessage::Handover { epoch });
        }
    }

    /// The leader of `epoch` has stepped down and wants this node to take over. That it led is as
    /// good as the decision.
    pub(super) fn on_handover(&mut self, from: NodeId, epoch: Epoch, out: &mut Outbox<Self>) {
        if epoch < self.epoch() || epoch == Epoch::ZERO {
            return; // Stale: that tenure has ended in another way. Or nonsense: there was none.
        }
        if epoch > self.epoch() {
            self.enter(epoch, out);
        }
        if self.elected.is_some_and(|leader| leader != from) {
            return; // Nonsense: another node leads this epoch.
        }
        self.learn_leader(from);
        self.timeout.stand_again();
        self.handover = Some(epoch.next());
        self.timeout.stop(out); // No silence is owed to a leader that has stepped down.
        self.propose(out);
    }
}
