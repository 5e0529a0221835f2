//! The leader: how a node leads and sends heartbeats.

use elector_core::{Delay, Epoch, Moment, NodeId, Outbox};

use crate::{Paxos, PaxosMessage, PaxosTimer, state::Decision};

impl Paxos {
    /// Starts the tenure of this node, which was chosen. If this step sends `Learn` to all peers,
    /// the `Learn` is the leader's first round of heartbeats, since peers acknowledge it like a
    /// heartbeat. Otherwise no peer has anything to acknowledge yet, so the node sends its first
    /// heartbeats at once: the lease needs acknowledgements.
    pub(super) fn lead(&mut self, decision: Decision, out: &mut Outbox<Self>) {
        self.handover = None;
        self.node.lead(out);
        match decision {
            Decision::Sent => _ = self.node.begin_round(out),
            Decision::NotSent => out.set_timer(PaxosTimer::Heartbeat, Delay::ZERO),
        }
    }

    pub(super) fn send_round(&mut self, out: &mut Outbox<Self>) {
        if self.node.begin_round(out) {
            let (epoch, sent) = (self.epoch(), out.now());
            out.broadcast(&PaxosMessage::Heartbeat { epoch, sent });
        }
    }

    pub(super) fn on_heartbeat_ack(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        sent: Moment,
        out: &mut Outbox<Self>,
    ) {
        if epoch > self.epoch() {
            self.enter(epoch, out);
        } else if epoch == self.epoch() {
            self.node.on_ack(from, sent, out);
        } // Otherwise the acknowledgement is stale: it belongs to an earlier tenure.
    }
}
