//! The commands of the application, and the transfer of leadership (dissertation, section 3.10).

use elector_core::{Command, Epoch, NodeId, Outbox, quorum::Accepted};

use crate::{Raft, RaftMessage, state::Kind};

impl Raft {
    pub(super) fn on_command(&mut self, command: &Command, out: &mut Outbox<Self>) {
        match self.node.on_command(command, out) {
            Some(Accepted::Campaign) => self.campaign(out),
            Some(Accepted::SteppedDown(Some(successor))) => {
                let term = self.term();
                out.send(successor, RaftMessage::TimeoutNow { term });
            }
            Some(Accepted::SteppedDown(None)) | None => {}
        }
    }

    /// Handles a `TimeoutNow`: the leader of `term` has stepped down and has named this node as its
    /// successor. No pre-vote is needed, because this message proves that an election is due.
    pub(super) fn on_timeout_now(&mut self, from: NodeId, term: Epoch, out: &mut Outbox<Self>) {
        if term < self.term() {
            return; // Stale: that tenure has ended in another way.
        }
        if term > self.term() {
            self.adopt(term, out);
        }
        if self.node.elected.is_some_and(|leader| leader != from) {
            return; // Invalid: another node leads this term.
        }
        if self.node.never_leads() {
            return; // This node only votes. Another node campaigns when its timeout ends.
        }
        self.node.clear_resigned();
        self.request_votes(Kind::Transfer, out);
    }
}
