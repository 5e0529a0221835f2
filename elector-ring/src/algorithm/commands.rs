//! What the application may ask for. None of it is in the papers.

use elector_core::{Command, Delay, Epoch, NodeId};

use super::Out;
use crate::{Ring, RingMessage, RingTimer, state::Part};

impl Ring {
    pub(super) fn on_command(&mut self, command: Command, out: &mut Out) {
        match command {
            Command::Campaign => self.on_campaign(out),
            Command::Resign => self.on_resign(out),
            Command::TransferTo(peer) => self.on_transfer(peer, out),
        }
    }

    fn on_campaign(&mut self, out: &mut Out) {
        match &mut self.part {
            Part::Leader { .. } => out.refuse("this node leads already"),
            Part::Initiator(round) => round.commanded = true,
            Part::Follower => {
                if self.aside {
                    self.aside = false;
                    out.cancel_timer(RingTimer::Aside);
                }
                self.initiate(true, out);
            }
        }
    }

    /// Hands over to the highest peer that is not suspected, and offers itself in no election until
    /// there is a leader again, or until the others have had the time for two.
    fn on_resign(&mut self, out: &mut Out) {
        if !self.leads() {
            return out.refuse("only the leader can resign: this node does not lead");
        }
        let successor = self
            .members
            .peers()
            .rfind(|&peer| !self.suspected.contains(peer));
        self.step_down(successor, out);
        self.aside = true;
        let others = self.timing.election_max.saturating_add(self.lap());
        let while_others = Delay::exactly(others.saturating_mul(2));
        out.set_timer(RingTimer::Aside, while_others);
    }

    fn on_transfer(&mut self, peer: NodeId, out: &mut Out) {
        if !self.leads() {
            out.refuse("only the leader can hand over: this node does not lead");
        } else if peer == self.me() || !self.members.contains(peer) {
            out.refuse("leadership can be handed over to another node of the cluster only");
        } else {
            self.step_down(Some(peer), out);
        }
    }

    /// First of all this node stops leading; it never leads this epoch again.
    fn step_down(&mut self, successor: Option<NodeId>, out: &mut Out) {
        self.part = Part::Follower;
        self.leader = None;
        out.cancel_timer(RingTimer::Settle);
        if let Some(peer) = successor {
            let epoch = self.durable.epoch;
            out.send(peer, RingMessage::Handover { epoch });
        }
        self.watch(RingTimer::Vigil, self.first_vigil(), out);
    }

    pub(super) fn on_handover(&mut self, epoch: Epoch, out: &mut Out) {
        if epoch < self.durable.epoch {
            return; // Of a tenure that is over.
        }
        self.highest = self.highest.max(epoch);
        self.win(out);
    }
}
