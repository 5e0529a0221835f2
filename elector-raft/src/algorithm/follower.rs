//! The follower: how a node handles heartbeats.

use elector_core::{Epoch, Moment, NodeId, Outbox};

use crate::{Raft, RaftMessage};

impl Raft {
    /// Handles a heartbeat: follows the sender if the term is not a past one, and answers.
    ///
    /// This method also answers a heartbeat of a past term: the newer term in the answer makes the
    /// sender step down, because this node cannot follow a leader of a past term. Without this
    /// answer the two nodes would stay in different terms. The answer to a heartbeat of a past term
    /// echoes no timestamp. The sender may lead the present term by now, and this node has received
    /// no heartbeat of the sender in the present term. If this node echoed the timestamp, the
    /// sender might count the echo for its lease in the present term, although this node may still
    /// vote for another node (invariant I7).
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
        let mut echo = Moment::ZERO;
        if term == self.term() {
            if self.node.elected.is_some_and(|leader| leader != from) {
                return; // Invalid: a term has one leader.
            }
            self.node.follow(from, out); // I7: from now on, this node votes for no other node.
            echo = sent;
        }
        let (term, sent) = (self.term(), echo);
        out.send(from, RaftMessage::HeartbeatAck { term, sent });
    }
}
