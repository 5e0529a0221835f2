//! The acceptor ("Paxos Made Simple", section 2.2).
//!
//! A node is an acceptor of one instance at a time: the newest one in which it has promised or
//! accepted, or the instance of its epoch if that instance is newer. An older instance that has no
//! majority yet may never be decided. (A restart loses a promise that is not written. Then the node
//! is an acceptor of the instance of its epoch again. This does no harm, because instances do not
//! depend on each other.)
//!
//! A *promise* does not end the support for a leader of an older epoch: if that leader sends a
//! heartbeat, the node follows it again. An *acceptance* ends the support, because it moves the
//! node to the new epoch. So phase 1 is a question that disturbs no leader, like Raft's pre-vote.
//! The lease depends on two rules: a node that has accepted a proposal acknowledges no leader of an
//! older epoch, and a node that has acknowledged a leader accepts no proposal of a newer epoch for
//! `election_min`.

use elector_core::{Epoch, NodeId, Outbox, quorum::Phase};

use crate::{Ballot, Learning, Paxos, PaxosMessage, Proposal, state::Request};

impl Paxos {
    /// Handles `Prepare` (phase 1b): promises, or refuses. An acceptor also promises in an instance
    /// that is decided: the promise names the accepted proposal, so a late proposer can only
    /// propose the same leader again.
    pub(super) fn on_prepare(&mut self, request: Request, out: &mut Outbox<Self>) {
        let Request {
            from,
            instance,
            ballot,
            handover,
        } = request;
        if ballot.node != from {
            return; // Invalid: the ballot belongs to another node.
        }
        self.seen.counter = self.seen.counter.max(ballot.counter);
        if self.is_late(instance, ballot) {
            return self.reject(from, ballot, self.floor(), out);
        }
        if !handover && self.owes_silence(instance) {
            self.node.set_aside(request);
            return self.reject(from, ballot, self.floor(), out);
        }
        if let Some(bound) = self.memory.bound(instance, ballot) {
            return self.reject(from, ballot, (instance, Some(bound)), out);
        }
        self.promise(instance, ballot, handover, out);
        self.give_way(from, instance, out);
        let promise = PaxosMessage::Promise {
            epoch: instance,
            ballot,
            accepted: self.memory.accepted(instance),
        };
        out.send(from, promise);
    }

    /// Handles `Accept` (phase 2b): "An acceptor can accept a proposal numbered n iff it has not
    /// responded to a prepare request having a number greater than n" (section 2.2, P1a).
    pub(super) fn on_accept(
        &mut self,
        from: NodeId,
        instance: Epoch,
        proposal: Proposal,
        out: &mut Outbox<Self>,
    ) {
        let Proposal { ballot, value } = proposal;
        if ballot.node != from || !self.node.rules.members.contains(value) {
            return; // Invalid: the ballot belongs to another node, or the value is no member.
        }
        self.seen.counter = self.seen.counter.max(ballot.counter);
        if self.is_late(instance, ballot) || self.owes_silence(instance) {
            return self.reject(from, ballot, self.floor(), out);
        }
        if let Some(bound) = self.memory.bound(instance, ballot) {
            return self.reject(from, ballot, (instance, Some(bound)), out);
        }
        let before = self.memory.accepted(instance);
        if before.is_some_and(|before| before.ballot == ballot && before.value != value) {
            return; // Invalid: two values with one ballot.
        }
        self.accept(instance, proposal, out);
        self.expect_decision(instance, out);
        let accepted = PaxosMessage::Accepted {
            epoch: instance,
            proposal,
        };
        match self.node.rules.config.learning {
            Learning::Distinguished => out.send(from, accepted),
            Learning::Broadcast => {
                out.broadcast(&accepted);
                self.count(self.node.me(), instance, proposal, out);
            }
        }
    }

    /// Returns the lowest instance and ballot that this acceptor does not refuse. The floor does
    /// not include what the node may have promised before a restart:
    /// [`bound`](crate::durable::Memory::bound) covers these promises. The node's own `Prepare`
    /// raises the floor as soon as it is sent, before the node's promise to itself is durable. It
    /// is always safe to refuse more than necessary.
    pub(super) fn floor(&self) -> (Epoch, Option<Ballot>) {
        let open = (self.closed.next(), None);
        let promised = self.memory.floor();
        let promised = if self.closed == Epoch::ZERO {
            promised
        } else {
            promised.max(open)
        };
        match &self.node.phase {
            Phase::Candidate(own) => promised.max((own.instance, Some(own.ballot))),
            Phase::Follower { .. } | Phase::Leader(_) => promised,
        }
    }

    /// Returns `true` if this acceptor must not promise or accept this ballot, because it is below
    /// the floor (invariant I1). Epoch zero is the epoch before all elections, so a request for
    /// epoch zero is always late.
    fn is_late(&self, instance: Epoch, ballot: Ballot) -> bool {
        instance == Epoch::ZERO || (instance, Some(ballot)) < self.floor()
    }

    /// Returns `true` if this node owes silence: a leader relies on this node not to help elect
    /// another node (invariant I6). If this node knows the leader of the epoch `instance`, only the
    /// same leader can be chosen again in that epoch, so no silence is needed. Otherwise another
    /// node may still be chosen, and would replace the leader that this node has just acknowledged.
    /// After a restart, the acknowledged leader may even be the leader of this epoch itself: the
    /// node does not know any more which leader it has acknowledged.
    fn owes_silence(&self, instance: Epoch) -> bool {
        let is_decided = instance <= self.epoch() && self.node.elected.is_some();
        !is_decided && self.node.has_fresh_leader()
    }

    /// Refuses a request. The refusal names what this node has seen, so the proposer can choose a
    /// higher ballot or a newer instance, or learns that there is a leader.
    fn reject(
        &self,
        proposer: NodeId,
        ballot: Ballot,
        (instance, promised): (Epoch, Option<Ballot>),
        out: &mut Outbox<Self>,
    ) {
        let reject = PaxosMessage::Reject {
            ballot,
            epoch: self.epoch(),
            leader: self.node.elected,
            instance,
            promised,
        };
        out.send(proposer, reject);
    }

    /// Makes a promise. If the previous leader has asked for this election, the promise ends all
    /// silence (invariant I6) at once: this node may support another node. A heartbeat of that
    /// leader that is still in flight does not restore the silence. No lease needs the silence:
    /// that leader has stepped down, and the leases of earlier leaders had ended when it was
    /// elected.
    pub(super) fn promise(
        &mut self,
        instance: Epoch,
        ballot: Ballot,
        handover: bool,
        out: &mut Outbox<Self>,
    ) {
        self.memory.promise(instance, ballot);
        if handover && instance > self.epoch() {
            self.enter(instance, out);
            self.node.release();
        }
    }

    /// Accepts the proposal. From here on this node supports no leader of an older epoch (invariant
    /// I6).
    pub(super) fn accept(&mut self, instance: Epoch, proposal: Proposal, out: &mut Outbox<Self>) {
        if instance > self.epoch() {
            self.enter(instance, out);
        }
        self.memory.accept(proposal);
    }

    /// Gives the proposal of a peer the time for its decision, before this node makes its own
    /// proposal. A proposer to which this node has given that time before, and which does not lead,
    /// may be unable to reach a majority. For such a proposer, this node does not restart its own
    /// wait.
    fn give_way(&mut self, proposer: NodeId, instance: Epoch, out: &mut Outbox<Self>) {
        if self.knows_leader_of(instance) {
            return; // Late: the epoch has a leader, or a newer epoch has begun.
        }
        if self.node.campaigns() {
            self.node.attempts.contested(proposer);
        }
        let first = self.node.attempts.give_way(proposer);
        self.node.phase = Phase::Follower { leader: None };
        if !self.node.has_fresh_leader() && (first || self.node.is_stopped()) {
            self.wait_for_decision(out);
        }
    }

    /// Gives the proposal that this node has accepted the time for its decision, before this node
    /// makes its own proposal. The proposer has the promises of a majority, so it gets this time
    /// for each of its proposals.
    fn expect_decision(&mut self, instance: Epoch, out: &mut Outbox<Self>) {
        if self.knows_leader_of(instance) {
            return; // Late: the epoch has a leader, or a newer epoch has begun.
        }
        self.node.phase = Phase::Follower { leader: None };
        if !self.node.has_fresh_leader() {
            self.wait_for_decision(out);
        }
    }
}
