//! The acceptor ("Paxos Made Simple", section 2.2).
//!
//! It is an acceptor of one instance at a time, the newest it was asked about, and of older ones
//! not any more: an instance that cannot get a majority is simply never decided. (After a restart
//! it may be the one of its epoch again. Instances do not depend on each other.)
//!
//! A *promise* does not end what this node owes to a leader of an older epoch: if that leader is
//! heard again, the node follows it again. An *acceptance* does: it moves the node to the new
//! epoch. That makes phase 1 a question that disturbs no leader, as Raft's pre-vote is. The lease
//! rests on the two rules that are left: a node that has accepted acknowledges no older leader, and
//! a node that has acknowledged a leader accepts nothing newer for `election_min`.

use elector_core::{Epoch, NodeId, Outbox, quorum::Phase};

use crate::{Ballot, Learning, Paxos, PaxosMessage, Proposal, state::Request};

impl Paxos {
    /// Phase 1b. A promise for an instance that is decided is a promise all the same: it carries
    /// what was accepted, and so the latecomer can only choose the same leader again.
    pub(super) fn on_prepare(&mut self, request: Request, out: &mut Outbox<Self>) {
        let Request {
            from,
            instance,
            ballot,
            handover,
        } = request;
        if ballot.node != from {
            return; // Nonsense: that ballot is another's.
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

    /// Phase 2b: "An acceptor can accept a proposal numbered n iff it has not responded to a
    /// prepare request having a number greater than n" (section 2.2, P1a).
    pub(super) fn on_accept(
        &mut self,
        from: NodeId,
        instance: Epoch,
        proposal: Proposal,
        out: &mut Outbox<Self>,
    ) {
        let Proposal { ballot, value } = proposal;
        if ballot.node != from || !self.node.rules.members.contains(value) {
            return; // Nonsense: another's ballot, or a stranger to lead.
        }
        self.seen.counter = self.seen.counter.max(ballot.counter);
        if self.is_late(instance, ballot) || self.owes_silence(instance) {
            return self.reject(from, ballot, self.floor(), out);
        }
        if let Some(bound) = self.memory.bound(instance, ballot) {
            return self.reject(from, ballot, (instance, Some(bound)), out);
        }
        let held = self.memory.accepted(instance);
        if held.is_some_and(|held| held.ballot == ballot && held.value != value) {
            return; // Nonsense: two values in one ballot.
        }
        self.hold(instance, proposal, out);
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

    /// The lowest instance and ballot that this acceptor still deals with, as far as it knows: see
    /// [`bound`](crate::durable::Memory::bound) for what a restart leaves open. A proposer's own
    /// `Prepare` counts as soon as it is on its way, before the promise to itself is durable: to
    /// refuse more than one must is always safe.
    pub(super) fn floor(&self) -> (Epoch, Option<Ballot>) {
        let promised = self.memory.floor();
        match &self.node.phase {
            Phase::Candidate(own) => promised.max((own.instance, Some(own.ballot))),
            Phase::Follower { .. } | Phase::Leader(_) => promised,
        }
    }

    /// I1: below the floor nothing is promised or accepted. Epoch zero is before all elections, and
    /// always late.
    fn is_late(&self, instance: Epoch, ballot: Ballot) -> bool {
        instance == Epoch::ZERO || (instance, Some(ballot)) < self.floor()
    }

    /// Returns `true` if a leader relies on this node not to help to elect another (I6). In an
    /// epoch whose leader is decided, only the same leader can be chosen again, so that it is not
    /// in danger. An epoch that this node knows only by number may still be decided against the
    /// leader that it has just acknowledged; after a restart, that may be the leader of this very
    /// epoch.
    fn owes_silence(&self, instance: Epoch) -> bool {
        let is_decided = instance <= self.epoch() && self.node.elected.is_some();
        !is_decided && self.node.has_fresh_leader()
    }

    /// Names what it has seen, so that the proposer chooses a higher ballot, or a newer instance,
    /// or learns that there is a leader.
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

    /// Makes the promise. One that the leader before has asked for ends all silence at once, also
    /// against a heartbeat of that leader that is still under way: it has stepped down, and the
    /// leases of those before it had ended when it was elected.
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

    /// Accepts the proposal. From here on this node supports no older leader (I6).
    pub(super) fn hold(&mut self, instance: Epoch, proposal: Proposal, out: &mut Outbox<Self>) {
        if instance > self.epoch() {
            self.enter(instance, out);
        }
        self.memory.accept(proposal);
    }

    /// Leaves another's proposal the time to come to a decision, before making one of its own. A
    /// proposer that has had that time before, and does not lead, may be unable to get a majority:
    /// the wait goes on as it was.
    fn give_way(&mut self, proposer: NodeId, instance: Epoch, out: &mut Outbox<Self>) {
        if self.has_decided(instance) {
            return;
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

    /// A proposer that asks to accept has the promises of a majority: it gets the time to come to a
    /// decision, however often it has had it.
    fn expect_decision(&mut self, instance: Epoch, out: &mut Outbox<Self>) {
        if self.has_decided(instance) {
            return;
        }
        self.node.phase = Phase::Follower { leader: None };
        if !self.node.has_fresh_leader() {
            self.wait_for_decision(out);
        }
    }

    /// Returns `true` if this instance is decided already: a proposer in it is late.
    fn has_decided(&self, instance: Epoch) -> bool {
        self.node.elected.is_some() && instance == self.epoch()
    }
}
