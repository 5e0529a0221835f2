//! The follower: how a node handles heartbeats.

use elector_core::{Epoch, Moment, NodeId, Outbox};

use crate::{Paxos, PaxosMessage};

impl Paxos {
    /// Handles a heartbeat: follows the sender if the epoch is not a past one, and answers. Only a
    /// node that has learned that it was chosen sends heartbeats, so a heartbeat proves the
    /// decision.
    ///
    /// This method also answers a heartbeat of a past epoch: the answer carries this node's newer
    /// epoch, which makes the sender step down. But this answer echoes no timestamp. By now the
    /// sender may lead the present epoch, in which this node has received no heartbeat yet. If the
    /// answer echoed the timestamp, the sender might count the answer for its present lease,
    /// although this node may still accept another node's proposal (invariant I6).
    pub(super) fn on_heartbeat(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        sent: Moment,
        out: &mut Outbox<Self>,
    ) {
        if epoch == Epoch::ZERO {
            return; // Invalid: epoch zero is before all elections.
        }
        if epoch > self.epoch() {
            self.enter(epoch, out);
        }
        let mut echo = Moment::ZERO;
        if epoch == self.epoch() {
            if self.node.elected.is_some_and(|leader| leader != from) {
                return; // Invalid: an epoch has one leader.
            }
            self.follow(from, out);
            echo = sent;
        }
        let (epoch, sent) = (self.epoch(), echo);
        out.send(from, PaxosMessage::HeartbeatAck { epoch, sent });
    }

    pub(super) fn follow(&mut self, leader: NodeId, out: &mut Outbox<Self>) {
        self.learn_leader(leader);
        self.handover = None;
        self.node.follow(leader, out); // I6: from now on, this node owes silence.
    }
}
