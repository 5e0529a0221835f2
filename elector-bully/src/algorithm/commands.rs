//! Stepping down and handing over. The paper has neither.

use elector_core::{Command, Epoch, NodeId, Outbox, Refusal};

use crate::{
    Bully, BullyMessage,
    state::{Phase, Standing},
};

impl Bully {
    pub(super) fn on_command(&mut self, command: Command, out: &mut Outbox<Self>) {
        let leads = self.phase == Phase::Leading;
        match command {
            Command::Campaign if leads => out.refuse(Refusal::LeadsAlready),
            Command::Campaign => {
                self.standing = Standing::Eligible;
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
        }
    }

    /// Steps down in favour of the highest node that is not reported gone. If that one is dead all
    /// the same, the others notice by timeout, and elect one of themselves.
    fn on_resign(&mut self, out: &mut Outbox<Self>) {
        match self.members.highest_peer(&self.suspects) {
            Some(heir) => self.hand_over(heir, false, out),
            None => self.step_down(out),
        }
    }

    fn hand_over(&mut self, heir: NodeId, appointed: bool, out: &mut Outbox<Self>) {
        let epoch = self.epoch();
        self.step_down(out);
        out.send(heir, BullyMessage::Handover { epoch, appointed });
    }

    fn step_down(&mut self, out: &mut Outbox<Self>) {
        self.forget_leader();
        self.standing = Standing::Resigned;
        self.enter(Phase::Following, self.time_out_of_elections(), out);
    }

    /// The coordinator stepped down in favour of this node.
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
            return; // Stale: that tenure is over already.
        }
        self.lead(appointed, out);
        // Here it is known that a higher node may live: the one that stepped down.
        for &to in self.members.above() {
            out.send(to, self.heartbeat());
        }
    }
}
