//! The follower that the learner makes of a node.

use elector_core::{Epoch, Moment, NodeId, Outbox};

use crate::{Paxos, PaxosMessage};

impl Paxos {
    /// Only a node that has learned that it was chosen sends heartbeats, so that one is as good as
    /// the decision. One of a past epoch is answered too: the answer's epoch ends that tenure. That
    /// answer echoes no stamp: the sender may lead the present epoch by now, and an echo would give
    /// it a lease for which this node, which has not heard it do so, owes no silence (I6).
    pub(super) fn on_heartbeat(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        sent: Moment,
        out: &mut Outbox<Self>,
    ) {
        if epoch == Epoch::ZERO {
            return; // Nonsense: an epoch before all elections.
        }
        if epoch > self.epoch() {
            self.enter(epoch, out);
        }
        if epoch == self.epoch() {
            if self.node.elected.is_some_and(|leader| leader != from) {
                return; // Nonsense: an epoch has one leader.
            }
            self.follow(from, out);
        }
        let sent = if epoch == self.epoch() {
            sent
        } else {
            Moment::ZERO
        };
        let epoch = self.epoch();
        out.send(from, PaxosMessage::HeartbeatAck { epoch, sent });
    }

    pub(super) fn follow(&mut self, leader: NodeId, out: &mut Outbox<Self>) {
        self.learn_leader(leader);
        self.handover = None;
        self.node.follow(leader, out); // I6
    }
}
