//! The learner, and the follower that it makes of a node.

use elector_core::{Epoch, Moment, NodeId, Outbox, Tally, Verdict};

use crate::{
    Learning, Paxos, PaxosMessage, Proposal,
    state::{Count, Part, Watch},
};

impl Paxos {
    pub(super) fn accepted(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        proposal: Proposal,
        out: &mut Outbox<Self>,
    ) {
        if !self.rules.members.contains(proposal.value) {
            return; // Nonsense: a stranger to lead.
        }
        self.seen.counter = self.seen.counter.max(proposal.ballot.counter);
        self.count(from, epoch, proposal, out);
    }

    /// "A value is chosen when a single proposal with that value has been accepted by a majority of
    /// the acceptors" ("Paxos Made Simple", section 2.2). Counts one proposal, the highest: of two
    /// that compete, only that one can still need counting.
    pub(super) fn count(
        &mut self,
        acceptor: NodeId,
        epoch: Epoch,
        proposal: Proposal,
        out: &mut Outbox<Self>,
    ) {
        if self.knows(epoch) {
            return; // Stale: that is decided.
        }
        let newest = (epoch, proposal.ballot);
        let counted = self.count.as_ref();
        let counted = counted.map(|count| (count.epoch, count.proposal.ballot));
        if counted > Some(newest) {
            return; // Stale: of a lower ballot.
        }
        if counted < Some(newest) {
            self.count = None;
        }
        let count = self.count.get_or_insert_with(|| Count {
            epoch,
            proposal,
            acceptors: Tally::new(),
        });
        if count.proposal != proposal {
            return; // Nonsense: two values in one ballot.
        }
        if count.acceptors.record(&self.rules.members, acceptor, true) != Verdict::Won {
            return;
        }
        let leader = proposal.value;
        let distinguished = self.rules.learning == Learning::Distinguished;
        let tells_all = distinguished && proposal.ballot.node == self.me();
        if tells_all {
            let sent = out.now();
            out.broadcast(&PaxosMessage::Learn {
                epoch,
                leader,
                sent,
            });
        }
        self.learn(epoch, leader, tells_all, out);
    }

    /// Whether the leader of `epoch`, or of a newer one, is known or being chosen.
    fn knows(&self, epoch: Epoch) -> bool {
        epoch < self.epoch() || epoch == self.epoch() && self.decided.is_some()
    }

    /// "A majority has accepted this." From the leader itself that is its first heartbeat, and all
    /// that goes for heartbeats goes for it: whoever acknowledges it begins its silence.
    pub(super) fn decision(
        &mut self,
        from: NodeId,
        (epoch, leader): (Epoch, NodeId),
        sent: Moment,
        out: &mut Outbox<Self>,
    ) {
        if from == leader {
            self.heartbeat(from, epoch, sent, out);
        } else {
            self.learn(epoch, leader, false, out);
        }
    }

    /// A decision was made just now: whoever won gets a vigil's time to be heard. `told_all` is
    /// whether this node tells it to all in this step.
    fn learn(&mut self, epoch: Epoch, leader: NodeId, told_all: bool, out: &mut Outbox<Self>) {
        if !self.rules.members.contains(leader) || epoch == Epoch::ZERO {
            return; // Nonsense: a stranger to lead, or an epoch before all elections.
        }
        if self.knows(epoch) {
            return; // Stale, or known.
        }
        if epoch > self.epoch() {
            self.enter(epoch, out);
        }
        if leader == self.me() {
            self.won(told_all, out);
        } else {
            self.follow(leader, out);
        }
    }

    /// A peer says, in refusing something, which epoch it is in, and who leads that if it knows.
    /// That leader may be gone by now, so that it is owed no silence before it is heard itself.
    pub(super) fn told(&mut self, epoch: Epoch, leader: Option<NodeId>, out: &mut Outbox<Self>) {
        if self.knows(epoch) {
            return; // Stale, or known.
        }
        if epoch > self.epoch() {
            self.enter(epoch, out);
        }
        let Some(leader) = leader.filter(|&leader| self.rules.members.contains(leader)) else {
            return; // The epoch was all there was to learn.
        };
        if epoch == Epoch::ZERO {
            return; // Nonsense: an epoch before all elections.
        }
        if leader == self.me() {
            return self.won(false, out);
        }
        self.decide(leader);
        self.part = Part::Follower {
            leader: Some(leader),
        };
        if !self.has_fresh_leader() {
            self.keep(Watch::Vigil, out);
        }
    }

    /// The present epoch is this node's. It leads, unless it may have led it before a restart:
    /// then others may have seen it stop, and the next instance begins once its vigil is over.
    fn won(&mut self, told_all: bool, out: &mut Outbox<Self>) {
        self.decide(self.me());
        if self.epoch() > self.restored {
            return self.lead(told_all, out);
        }
        self.part = Part::Follower { leader: None };
        if !self.has_fresh_leader() {
            self.keep(Watch::Vigil, out);
        }
    }

    /// Only a node that has learned that it was chosen sends heartbeats, so that one is as good as
    /// the decision. One of a past epoch is answered too: the answer's epoch ends that tenure. That
    /// answer echoes no stamp: the sender may lead the present epoch by now, and an echo would give
    /// it a lease for which this node, which has not heard it do so, owes no silence.
    pub(super) fn heartbeat(
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
            if self.decided.is_some_and(|leader| leader != from) {
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

    fn follow(&mut self, leader: NodeId, out: &mut Outbox<Self>) {
        if !self.follows(leader) {
            self.part = Part::Follower {
                leader: Some(leader),
            };
        }
        self.decide(leader);
        self.settle();
        let silent = Watch::Silent {
            leader: Some(leader),
            asked: None,
            suspected: false,
        };
        self.keep(silent, out);
    }
}
