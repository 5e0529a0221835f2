//! The leader: the value that was decided.

use elector_core::{Delay, Epoch, Moment, NodeId, Outbox};

use crate::{Paxos, PaxosMessage, PaxosTimer, state::News};

impl Paxos {
    /// Begins the tenure. If this step sends `Learn` to all, that is the first round, as it is
    /// acknowledged like one. Otherwise no peer has been asked to acknowledge this leader yet, and
    /// the first heartbeats go out at once: the lease waits for them.
    pub(super) fn lead(&mut self, news: News, out: &mut Outbox<Self>) {
        self.handover = None;
        self.node.lead(out);
        match news {
            News::Sent => _ = self.node.begin_round(out),
            News::NotSent => out.set_timer(PaxosTimer::Heartbeat, Delay::ZERO),
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
        } // Else it is stale: of an earlier tenure.
    }
}
