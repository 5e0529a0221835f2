//! The observer: it follows the leader. It does not vote, and does not count in majorities.

use elector_core::{Configuration as _, Epoch, Moment, NodeId, Outbox, quorum::Reseat};

use crate::{Members, MembersTimer};

impl<A: Reseat> Members<A> {
    /// Asks all nodes that this node knows for their roster, and repeats this after each election
    /// timeout until a leader sends this node a `Beat`, which is the sign of life for observers.
    pub(super) fn seek(&mut self, out: &mut Outbox<Self>) {
        if self.seat.is_some() {
            return; // Stale: this node has become a voter.
        }
        self.leader = None;
        let roster = &self.durable.roster;
        let mut asked = self.contacts.clone();
        for voter in &roster.voters {
            asked.insert(voter.node);
        }
        asked.remove(self.me);
        for node in asked.iter() {
            self.send_holds(node, Moment::ZERO, out);
        }
        self.wait_for_beat(out);
    }

    pub(super) fn wait_for_beat(&self, out: &mut Outbox<Self>) {
        let timeout = self.config().timing().election();
        out.set_timer(MembersTimer::Seek, timeout);
    }

    pub(super) fn on_beat(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        sent: Moment,
        out: &mut Outbox<Self>,
    ) {
        if self.seat.is_none() && epoch >= self.durable.seen {
            if epoch > self.durable.seen {
                self.durable.seen = epoch;
                self.leader = None;
            }
            if self.leader.is_some_and(|leader| leader != from) {
                return; // Invalid: an epoch has one leader.
            }
            self.leader = Some(from);
            self.wait_for_beat(out);
        }
        self.send_holds(from, sent, out);
    }
}
