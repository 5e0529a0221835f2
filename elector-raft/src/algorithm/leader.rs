//! The leader: how a node leads and sends heartbeats.

use elector_core::{Epoch, Moment, NodeId, Outbox};

use crate::{Raft, RaftMessage};

impl Raft {
    /// Starts the tenure of this node, which has won its term: "it then sends heartbeat messages to
    /// all of the other servers to establish its authority and prevent new elections" (section
    /// 5.2).
    pub(super) fn lead(&mut self, out: &mut Outbox<Self>) {
        self.node.lead(out);
        self.send_round(true, out);
    }

    pub(super) fn send_round(&mut self, announce: bool, out: &mut Outbox<Self>) {
        if self.node.begin_round(out) {
            out.broadcast(&RaftMessage::Heartbeat {
                term: self.term(),
                sent: out.now(),
                announce,
            });
        }
    }

    pub(super) fn on_heartbeat_ack(
        &mut self,
        from: NodeId,
        term: Epoch,
        sent: Moment,
        out: &mut Outbox<Self>,
    ) {
        if term > self.term() {
            self.adopt(term, out);
        } else if term == self.term() {
            self.node.on_ack(from, sent, out);
        } // Otherwise the acknowledgement is stale: it belongs to an earlier tenure.
    }
}
