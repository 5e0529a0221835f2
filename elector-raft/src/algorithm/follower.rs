//! The follower.

use elector_core::{Epoch, Moment, NodeId, Outbox};

use crate::{Raft, RaftMessage};

impl Raft {
    /// A heartbeat of a past term is answered too: the answer's term ends a tenure that this node
    /// cannot follow any more, and without it neither would ever catch up with the other. That
    /// answer echoes no stamp. The sender may lead the present term by now, and this node has not
    /// heard it do so: an echo would give it a lease for which this node owes no silence (I7).
    pub(super) fn on_heartbeat(
        &mut self,
        from: NodeId,
        term: Epoch,
        sent: Moment,
        out: &mut Outbox<Self>,
    ) {
        if term > self.term() {
            self.adopt(term, out);
        }
        if term == self.term() {
            if self.node.elected.is_some_and(|leader| leader != from) {
                return; // Nonsense: a term has one leader.
            }
            self.node.follow(from, out); // I7
        }
        let sent = if term == self.term() {
            sent
        } else {
            Moment::ZERO
        };
        let term = self.term();
        out.send(from, RaftMessage::HeartbeatAck { term, sent });
    }
}
