//! The commands of the application, and the transfer of leadership. The papers have neither.

use elector_core::{Command, Delay, Epoch, NodeId, Refusal};

use super::Out;
use crate::{
    Ring, RingMessage, RingTimer,
    state::{Phase, Trigger},
};

impl Ring {
    pub(super) fn on_command(&mut self, command: &Command, out: &mut Out) {
        match *command {
            Command::Campaign => self.on_campaign(out),
            Command::Resign | Command::TransferTo(_) if !self.leads() => {
                out.refuse(Refusal::NotTheLeader);
            }
            Command::Resign => self.on_resign(out),
            Command::TransferTo(peer) => match Refusal::check_target(&self.members, peer) {
                Ok(()) => self.hand_over(Some(peer), out),
                Err(refusal) => out.refuse(refusal),
            },
            Command::ChangeMembers(_) => out.refuse(Refusal::MembersAreFixed),
            Command::Propose(_) => out.refuse(Refusal::NoLog),
        }
    }

    fn on_campaign(&mut self, out: &mut Out) {
        match &mut self.phase {
            Phase::Leader { .. } => out.refuse(Refusal::LeadsAlready),
            Phase::Initiator(round) => round.trigger = Trigger::Command,
            Phase::Follower => {
                self.end_abstention(out);
                self.initiate(Trigger::Command, out);
            }
        }
    }

    /// Transfers the leadership to the highest peer that is not suspected. Then this node offers
    /// itself for no election until there is a leader again, or until the other nodes have had the
    /// time for two elections.
    fn on_resign(&mut self, out: &mut Out) {
        let successor = self.members.highest_peer(&self.suspects);
        self.hand_over(successor, out);
        self.has_resigned = true;
        let others = self.timing.election_max.saturating_add(self.lap());
        let abstention = Delay::exactly(others.saturating_mul(2));
        out.set_timer(RingTimer::Aside, abstention);
    }

    /// Steps down, and then asks the successor, if there is one, to lead. This node never leads the
    /// present epoch again.
    fn hand_over(&mut self, successor: Option<NodeId>, out: &mut Out) {
        self.phase = Phase::Follower;
        self.leader = None;
        out.cancel_timer(RingTimer::Settle);
        if let Some(successor) = successor {
            let epoch = self.durable.epoch;
            out.send(successor, RingMessage::Handover { epoch });
        }
        self.timer.set(RingTimer::Vigil, self.first_vigil(), out);
    }

    /// Handles a `Handover`: the leader of `epoch` has stepped down and has named this node as its
    /// successor.
    pub(super) fn on_handover(&mut self, epoch: Epoch, out: &mut Out) {
        if epoch < self.durable.epoch {
            return; // Stale: a newer epoch has begun since.
        }
        self.highest = self.highest.max(epoch);
        self.win(out);
    }
}
