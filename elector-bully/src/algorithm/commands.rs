//! The commands of the application, and the transfer of leadership. The paper has neither.

use elector_core::{Command, Epoch, NodeId, Outbox, Refusal};

use crate::{
    Bully, BullyMessage,
    state::{Eligibility, Phase},
};

impl Bully {
    pub(super) fn on_command(&mut self, command: &Command, out: &mut Outbox<Self>) {
        let leads = self.phase == Phase::Leading;
        match *command {
            Command::Campaign if leads => out.refuse(Refusal::LeadsAlready),
            Command::Campaign => {
                self.eligibility = Eligibility::Eligible;
                if !self.phase.is_election() {
                    self.campaign(out);
                }
            }
            Command::Resign | Command::TransferTo(_) if !leads => {
                out.refuse(Refusal::NotTheLeader);
            }
            Command::Resign => self.on_resign(out),
            Command::TransferTo(peer) => match Refusal::check_target(&self.members, peer) {
                Ok(()) => self.hand_over(peer, true, out),
                Err(refusal) => out.refuse(refusal),
            },
            Command::ChangeMembers(_) => out.refuse(Refusal::MembersAreFixed),
            Command::Propose(_) => out.refuse(Refusal::NoLog),
        }
    }

    /// Steps down in favour of the highest node that is not suspected. If that node is dead, the
    /// other nodes elect a leader when their election timeouts have ended.
    fn on_resign(&mut self, out: &mut Outbox<Self>) {
        match self.members.highest_peer(&self.suspects) {
            Some(successor) => self.hand_over(successor, false, out),
            None => self.step_down(out),
        }
    }

    fn hand_over(&mut self, successor: NodeId, appointed: bool, out: &mut Outbox<Self>) {
        let epoch = self.epoch();
        self.step_down(out);
        out.send(successor, BullyMessage::Handover { epoch, appointed });
    }

    fn step_down(&mut self, out: &mut Outbox<Self>) {
        self.forget_leader();
        self.eligibility = Eligibility::Resigned;
        self.enter(Phase::Following, self.abstention(), out);
    }

    /// Handles a `Handover`: the leader of `epoch` has stepped down and has named this node as its
    /// successor.
    pub(super) fn on_handover(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        appointed: bool,
        out: &mut Outbox<Self>,
    ) {
        self.learn(epoch);
        let other = self.live_leader().is_some_and(|leader| leader != from);
        if epoch < self.epoch() || epoch == self.epoch() && other {
            return; // Stale: another tenure has begun since.
        }
        self.lead(appointed, out);
        // `lead` informs only the lower nodes. Higher nodes may be alive, for example the node that
        // stepped down.
        for &to in self.members.above() {
            out.send(to, self.heartbeat());
        }
    }
}
