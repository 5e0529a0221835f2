//! The learner ("Paxos Made Simple", section 2.3).

use elector_core::{Epoch, Moment, NodeId, Outbox, Tally, Verdict, quorum::Phase};

use crate::{
    Learning, Paxos, PaxosMessage, Proposal,
    state::{Count, News},
};

impl Paxos {
    pub(super) fn on_accepted(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        proposal: Proposal,
        out: &mut Outbox<Self>,
    ) {
        if !self.node.rules.members.contains(proposal.value) {
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
        if count
            .acceptors
            .record(&self.node.rules.members, acceptor, true)
            != Verdict::Won
        {
            return; // I4: nothing is chosen yet.
        }
        let leader = proposal.value;
        let distinguished = self.node.rules.config.learning == Learning::Distinguished;
        let mut news = News::NotSent;
        if distinguished && proposal.ballot.node == self.node.me() {
            news = News::Sent;
            let sent = out.now();
            out.broadcast(&PaxosMessage::Learn {
                epoch,
                leader,
                sent,
            });
        }
        self.learn(epoch, leader, news, out);
    }

    /// Returns `true` if the leader of `epoch`, or of a newer one, is known or being chosen.
    fn knows(&self, epoch: Epoch) -> bool {
        epoch < self.epoch() || epoch == self.epoch() && self.node.elected.is_some()
    }

    /// "A majority has accepted this." From the leader itself that is its first heartbeat, and is
    /// treated as one: a node that acknowledges it begins its silence.
    pub(super) fn on_learn(
        &mut self,
        from: NodeId,
        (epoch, leader): (Epoch, NodeId),
        sent: Moment,
        out: &mut Outbox<Self>,
    ) {
        if from == leader {
            self.on_heartbeat(from, epoch, sent, out);
        } else {
            self.learn(epoch, leader, News::NotSent, out);
        }
    }

    /// A decision was made just now: its winner gets the time of a vigil to be heard.
    fn learn(&mut self, epoch: Epoch, leader: NodeId, news: News, out: &mut Outbox<Self>) {
        if !self.node.rules.members.contains(leader) || epoch == Epoch::ZERO {
            return; // Nonsense: a stranger to lead, or an epoch before all elections.
        }
        if self.knows(epoch) {
            return; // Stale, or known.
        }
        if epoch > self.epoch() {
            self.enter(epoch, out);
        }
        if leader == self.node.me() {
            self.won(news, out);
        } else {
            self.follow(leader, out);
        }
    }

    /// A peer says, in refusing something, which epoch it is in, and who leads that if it knows.
    /// That leader may be gone by now, so that it is owed no silence before it is heard itself.
    pub(super) fn on_leader_named(
        &mut self,
        epoch: Epoch,
        leader: Option<NodeId>,
        out: &mut Outbox<Self>,
    ) {
        if self.knows(epoch) {
            return; // Stale, or known.
        }
        if epoch > self.epoch() {
            self.enter(epoch, out);
        }
        let Some(leader) = leader.filter(|&leader| self.node.rules.members.contains(leader)) else {
            return; // The epoch was all there was to learn.
        };
        if epoch == Epoch::ZERO {
            return; // Nonsense: an epoch before all elections.
        }
        if leader == self.node.me() {
            return self.won(News::NotSent, out);
        }
        self.learn_leader(leader);
        self.node.phase = Phase::Follower {
            leader: Some(leader),
        };
        if !self.node.has_fresh_leader() {
            self.node.keep_vigil(out);
        }
    }

    /// The present epoch is this node's. It leads, unless it may have led it before a restart:
    /// then others may have seen it stop, and the next instance begins once its vigil is over.
    fn won(&mut self, news: News, out: &mut Outbox<Self>) {
        self.learn_leader(self.node.me());
        if self.epoch() > self.restored {
            return self.lead(news, out); // I5
        }
        self.node.phase = Phase::Follower { leader: None };
        if !self.node.has_fresh_leader() {
            self.node.keep_vigil(out);
        }
    }
}
