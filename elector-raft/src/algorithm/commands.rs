//! What the application may ask for, and the transfer of leadership (dissertation, section 3.10).

use elector_core::{Command, Epoch, NodeId, Outbox, quorum::Accepted};

use crate::{Raft, RaftMessage, state::Asks};

impl Raft {
    pub(super) fn on_command(&mut self, command: Command, out: &mut Outbox<Self>) {
        match self.node.on_command(command, out) {
            Some(Accepted::Campaign) => self.campaign(out),
            Some(Accepted::SteppedDown { heir: Some(heir) }) => {
                let term = self.term();
                out.send(heir, RaftMessage::TimeoutNow { term });
            }
            Some(Accepted::SteppedDown { heir: None }) | None => {}
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
        if self.node.elected.is_some_and(|leader| leader != from) {
            return; // Nonsense: another node leads this term.
        }
        self.node.clear_resigned();
        self.stand(Asks::Transfer, out);
    }
}
