//! The commands of the application, and the transfer of leadership.

use elector_core::{
    Command, Epoch, NodeId, Outbox,
    quorum::{Accepted, Phase},
};

use crate::{Paxos, PaxosMessage};

impl Paxos {
    pub(super) fn on_command(&mut self, command: &Command, out: &mut Outbox<Self>) {
        match self.node.on_command(command, out) {
            Some(Accepted::Campaign) => self.propose(out),
            Some(Accepted::SteppedDown(Some(successor))) => {
                let epoch = self.epoch();
                out.send(successor, PaxosMessage::Handover { epoch });
            }
            Some(Accepted::SteppedDown(None)) | None => {}
        }
    }

    /// Handles a `Handover`: the leader of `epoch` has stepped down and has named this node as its
    /// successor. This message proves that the sender was chosen to lead `epoch`.
    pub(super) fn on_handover(&mut self, from: NodeId, epoch: Epoch, out: &mut Outbox<Self>) {
        if epoch < self.epoch() || epoch == Epoch::ZERO {
            return; // Stale: a newer epoch has begun since. Or invalid: epoch zero has no leader.
        }
        if epoch > self.epoch() {
            self.enter(epoch, out);
        }
        if self.node.elected.is_some_and(|leader| leader != from) {
            return; // Invalid: another node leads this epoch.
        }
        self.learn_leader(from);
        if self.node.never_leads() {
            return; // This node only votes. Another node proposes when its timeout ends.
        }
        // The leader of `epoch` is chosen already, so a proposal of this node for `epoch` is
        // obsolete and ends here. If there is no higher ballot, `propose` makes no new proposal
        // that would replace the obsolete one.
        self.node.phase = Phase::Follower { leader: None };
        self.node.clear_resigned();
        self.handover = Some(epoch.next());
        self.node.stop(out); // This node owes no silence to a leader that has stepped down.
        self.propose(out);
    }
}
