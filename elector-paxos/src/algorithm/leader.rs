//! The leader: the value that was decided.

use elector_core::{Acks, Delay, Epoch, Moment, NodeId, NodeSet, Outbox};

use crate::{
    Paxos, PaxosMessage, PaxosTimer,
    state::{Part, Watch},
};

impl Paxos {
    /// Begins the tenure. `told_all` says that this step sends `Learn` to all: that is the first
    /// round then, as it is acknowledged like one. Otherwise nobody has been asked to acknowledge
    /// this leader yet, and the first heartbeats go out at once: the lease waits for them.
    pub(super) fn lead(&mut self, told_all: bool, out: &mut Outbox<Self>) {
        self.keep(Watch::Off, out);
        self.settle();
        let mut acks = Acks::new(&self.rules.members);
        let mut next_round = Delay::ZERO;
        if told_all {
            acks.record(&self.rules.members, self.me(), out.now());
            next_round = Delay::exactly(self.rules.timing.heartbeat);
        }
        self.part = Part::Leader {
            acks,
            heard: NodeSet::new(),
        };
        if self.rules.members.majority() > 1 {
            out.set_timer(PaxosTimer::Quorum, self.rules.timing.vigil());
        }
        out.set_timer(PaxosTimer::Heartbeat, next_round);
    }

    pub(super) fn next_round(&mut self, out: &mut Outbox<Self>) {
        let (epoch, me, sent) = (self.epoch(), self.me(), out.now());
        let Part::Leader { acks, .. } = &mut self.part else {
            return; // Stale.
        };
        acks.record(&self.rules.members, me, sent);
        out.broadcast(&PaxosMessage::Heartbeat { epoch, sent });
        let heartbeat = Delay::exactly(self.rules.timing.heartbeat);
        out.set_timer(PaxosTimer::Heartbeat, heartbeat);
    }

    pub(super) fn acknowledged(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        sent: Moment,
        out: &mut Outbox<Self>,
    ) {
        if epoch > self.epoch() {
            return self.enter(epoch, out);
        }
        if epoch < self.epoch() {
            return; // Stale: of an earlier tenure.
        }
        let Part::Leader { acks, heard } = &mut self.part else {
            return; // Stale: this tenure has ended.
        };
        if !acks.record(&self.rules.members, from, sent) {
            return; // Stale: it answers a round of an earlier tenure.
        }
        // The leader itself is one of the quorum.
        let missing = self.rules.members.majority() - 1;
        if heard.insert(from) && heard.len() >= missing {
            heard.clear();
            out.set_timer(PaxosTimer::Quorum, self.rules.timing.vigil());
        }
    }

    /// A leader that no majority answers steps down at the same epoch, and never leads that epoch
    /// again.
    pub(super) fn quorum_missed(&mut self, out: &mut Outbox<Self>) {
        self.step_down(out);
    }

    pub(super) fn told_to_campaign(&mut self, out: &mut Outbox<Self>) {
        if self.leads() {
            return out.refuse("this node leads already");
        }
        if self.has_fresh_leader() {
            // Its own acceptor owes silence like any other.
            return out.refuse(
                "a leader was there less than election_min ago: have it transfer its leadership, \
                 or try again later",
            );
        }
        self.sits_out = false;
        self.propose(out);
    }

    /// Steps down, calls upon its heir, and lets the next
    /// chance to campaign pass.
    pub(super) fn told_to_resign(&mut self, out: &mut Outbox<Self>) {
        let Part::Leader { acks, .. } = &self.part else {
            return out.refuse("this node does not lead: only the leader can resign");
        };
        let heir = acks.heir(&self.rules.members, self.me(), &self.suspects);
        self.sits_out = true;
        self.hand_over(heir, out);
    }

    pub(super) fn told_to_transfer(&mut self, peer: NodeId, out: &mut Outbox<Self>) {
        let Part::Leader { acks, .. } = &self.part else {
            return out.refuse("this node does not lead: only the leader can transfer leadership");
        };
        if peer == self.me() {
            return out.refuse("this node leads already: name another member");
        }
        if !self.rules.members.contains(peer) {
            return out.refuse("that node is not in the cluster: name a member");
        }
        if self.suspects.contains(peer) {
            return out.refuse("that node's connection is broken: name another member");
        }
        let span = self.rules.timing.election_min;
        if acks.misses(&self.rules.members, peer, out.now(), span) {
            return out.refuse(
                "that node has not answered this leader for election_min: name another member",
            );
        }
        self.hand_over(Some(peer), out);
    }

    /// Steps down *first*: the heir's election overrides the silence that protects this node's
    /// lease, so there must be no lease left. If the heir is not elected, anybody may be, this
    /// node too, in a later epoch.
    fn hand_over(&mut self, heir: Option<NodeId>, out: &mut Outbox<Self>) {
        let epoch = self.epoch();
        self.step_down(out);
        if let Some(heir) = heir {
            out.send(heir, PaxosMessage::Handover { epoch });
        }
    }

    /// The leader of `epoch` has stepped down and wants this node to take over. That it led is as
    /// good as the decision.
    pub(super) fn called_upon(&mut self, from: NodeId, epoch: Epoch, out: &mut Outbox<Self>) {
        if epoch < self.epoch() || epoch == Epoch::ZERO {
            return; // Stale: that tenure has ended in another way. Or nonsense: there was none.
        }
        if epoch > self.epoch() {
            self.enter(epoch, out);
        }
        if self.decided.is_some_and(|leader| leader != from) {
            return; // Nonsense: somebody else leads this epoch.
        }
        self.decide(from);
        self.sits_out = false;
        self.handover = Some(epoch.next());
        self.keep(Watch::Off, out); // No silence is owed to a leader that has stepped down.
        self.propose(out);
    }
}
