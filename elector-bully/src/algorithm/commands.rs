//! Stepping down and handing over. The paper has neither.

use elector_core::{Command, Epoch, NodeId, Outbox};

use crate::{
    Bully, BullyMessage,
    state::{Phase, Standing},
};

impl Bully {
    pub(super) fn commanded(&mut self, command: Command, out: &mut Outbox<Self>) {
        let leads = self.phase == Phase::Leading;
        match command {
            Command::Campaign if leads => {
                out.refuse("this node leads already: there is nothing to campaign for");
            }
            Command::Campaign => {
                self.standing = Standing::Eligible;
                if !self.phase.is_election() {
                    self.campaign(out);
                }
            }
            Command::Resign | Command::TransferTo(_) if !leads => {
                out.refuse("this node does not lead: send the command to the leader");
            }
            Command::Resign => self.resign(out),
            Command::TransferTo(peer) if self.is_peer(peer) => self.hand_over(peer, true, out),
            Command::TransferTo(_) => {
                out.refuse("leadership can only be transferred to another node of the cluster");
            }
        }
    }

    /// Steps down in favour of the highest node that is not reported gone. If that one is dead all
    /// the same, the others notice by timeout, and elect one of themselves.
    fn resign(&mut self, out: &mut Outbox<Self>) {
        let alive = |peer: &NodeId| !self.suspects.contains(*peer);
        let successor = self.members.peers().rev().find(alive);
        match successor {
            Some(successor) => self.hand_over(successor, false, out),
            None => self.retire(out),
        }
    }

    fn hand_over(&mut self, successor: NodeId, appointed: bool, out: &mut Outbox<Self>) {
        let epoch = self.epoch();
        self.retire(out);
        out.send(successor, BullyMessage::Handover { epoch, appointed });
    }

    fn retire(&mut self, out: &mut Outbox<Self>) {
        self.forget_leader();
        self.standing = Standing::Retired;
        self.enter(Phase::Following, self.retirement(), out);
    }

    /// The coordinator stepped down in favour of this node.
    pub(super) fn handed_over(
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

    fn is_peer(&self, peer: NodeId) -> bool {
        peer != self.members.me() && self.members.contains(peer)
    }
}
