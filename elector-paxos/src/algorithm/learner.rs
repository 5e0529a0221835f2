//! The learner: how a node learns which node was chosen as leader ("Paxos Made Simple", section
//! 2.3).

use elector_core::{Epoch, Moment, NodeId, Outbox, Tally, Verdict, quorum::Phase};

use crate::{
    Learning, Paxos, PaxosMessage, Proposal,
    state::{Count, Decision},
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
            return; // Invalid: the value is no member.
        }
        self.seen.counter = self.seen.counter.max(proposal.ballot.counter);
        self.count(from, epoch, proposal, out);
    }

    /// Counts an acceptance: "A value is chosen when a single proposal with that value has been
    /// accepted by a majority of the acceptors" ("Paxos Made Simple", section 2.2). This method
    /// counts only the acceptances of the highest proposal that it knows: it does not need lower
    /// proposals any more.
    pub(super) fn count(
        &mut self,
        acceptor: NodeId,
        epoch: Epoch,
        proposal: Proposal,
        out: &mut Outbox<Self>,
    ) {
        if self.knows_leader_of(epoch) || epoch <= self.closed {
            return; // Stale: the epoch is decided or closed.
        }
        let newest = (epoch, proposal.ballot);
        let counted = self.count.as_ref();
        let counted = counted.map(|count| (count.epoch, count.proposal.ballot));
        if counted > Some(newest) {
            return; // Stale: this node counts a proposal with a higher ballot.
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
            return; // Invalid: two values with one ballot.
        }
        let members = &self.node.rules.members;
        if count.acceptors.record(members, acceptor, true) != Verdict::Won {
            return; // I4: nothing is chosen yet.
        }
        let leader = proposal.value;
        let distinguished = self.node.rules.config.learning == Learning::Distinguished;
        let mut decision = Decision::NotSent;
        if distinguished && proposal.ballot.node == self.node.me() {
            decision = Decision::Sent;
            let sent = out.now();
            out.broadcast(&PaxosMessage::Learn {
                epoch,
                leader,
                sent,
            });
        }
        self.learn(epoch, leader, decision, out);
    }

    /// Returns `true` if this node knows the leader of `epoch`, or has entered a newer epoch.
    pub(super) fn knows_leader_of(&self, epoch: Epoch) -> bool {
        epoch < self.epoch() || epoch == self.epoch() && self.node.elected.is_some()
    }

    /// Handles a `Learn`: a majority has accepted `leader`. If the leader itself sends the `Learn`,
    /// the message counts as its first heartbeat: this node acknowledges the message, and from now
    /// on owes the leader silence, which means that it supports no other node.
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
            self.learn(epoch, leader, Decision::NotSent, out);
        }
    }

    /// Learns a decision that was made just now. The chosen leader has at least `election_min` to
    /// send a heartbeat before this node proposes.
    fn learn(&mut self, epoch: Epoch, leader: NodeId, decision: Decision, out: &mut Outbox<Self>) {
        if !self.node.rules.members.contains(leader) || epoch == Epoch::ZERO {
            return; // Invalid: the leader is no member, or the epoch is before all elections.
        }
        if self.knows_leader_of(epoch) {
            return; // Stale, or the node knows the leader already.
        }
        if epoch > self.epoch() {
            self.enter(epoch, out);
        }
        if leader == self.node.me() {
            self.on_chosen(decision, out);
        } else {
            self.follow(leader, out);
        }
    }

    /// Learns the epoch and the leader that a refusal of a peer names. That leader may have failed
    /// meanwhile, so this node may still support another node (it owes the leader no silence) until
    /// it receives a heartbeat of the leader.
    pub(super) fn on_leader_named(
        &mut self,
        epoch: Epoch,
        leader: Option<NodeId>,
        out: &mut Outbox<Self>,
    ) {
        if self.knows_leader_of(epoch) {
            return; // Stale, or the node knows the leader already.
        }
        if epoch > self.epoch() {
            self.enter(epoch, out);
        }
        let Some(leader) = leader.filter(|&leader| self.node.rules.members.contains(leader)) else {
            return; // The refusal names no leader: only the epoch was new.
        };
        if epoch == Epoch::ZERO {
            return; // Invalid: epoch zero is before all elections.
        }
        if leader == self.node.me() {
            return self.on_chosen(Decision::NotSent, out);
        }
        self.learn_leader(leader);
        self.node.phase = Phase::Follower {
            leader: Some(leader),
        };
        if !self.node.has_fresh_leader() {
            self.node.keep_vigil(out);
        }
    }

    /// Handles the decision that this node leads the present epoch. The node leads, unless it may
    /// have led this epoch before a restart. In that case peers may have seen it stop leading. So
    /// the node only starts its election timeout, and proposes in the next instance when the
    /// timeout ends.
    fn on_chosen(&mut self, decision: Decision, out: &mut Outbox<Self>) {
        self.learn_leader(self.node.me());
        if self.epoch() > self.restored {
            return self.lead(decision, out); // I5: it has not led this epoch before.
        }
        self.node.phase = Phase::Follower { leader: None };
        if !self.node.has_fresh_leader() {
            self.node.keep_vigil(out);
        }
    }
}
