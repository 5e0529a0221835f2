//! The proposer.
//!
//! Each phase takes two steps, so that the proposer's own write overlaps with the flight of its
//! requests. The first sends them; the second, a zero timer later, is what the node's own acceptor
//! makes of the request: it promises, or accepts, and makes that durable. Until then the node's own
//! promise, or acceptance, is not counted. That is safe, because of what can come in between:
//!
//! - *A crash after `Prepare`.* The node comes back knowing nothing of the ballot, and may use it
//!   again. All that it has sent with it is that `Prepare`: `Accept` is sent only once the own
//!   promise is made, and it waits for the disk like everything else after it. So no acceptor has
//!   accepted anything with this ballot, and the old promises say what they would say again.
//! - *A crash after `Accept`.* The disk has the ballot by then, or vouches for it: it is not used
//!   again. What becomes of the proposal is up to the other acceptors, as for any proposer that
//!   fails.
//! - *A competing request.* The own acceptor treats the own ballot as promised from the first step
//!   on. It refuses lower ones; a higher one, or news of a newer epoch, ends the proposal, and the
//!   second step finds none. So nothing can have overtaken a proposal that it does find.
//! - *A heartbeat of the leader before.* The node follows it again; the proposal is over. If
//!   `Accept` is out, others may accept and decide without this node.
//! - *The answers of a majority.* The own promise must be among the promises before `Accept` goes
//!   out. Acceptances are counted by the learner, with or without the own one.

use elector_core::{Delay, Epoch, NodeId, NodeSet, Outbox, Tally, Verdict, quorum::Phase};

use crate::{
    Ballot, Learning, Paxos, PaxosMessage, PaxosTimer, Proposal,
    state::{Proposing, Stage},
};

/// How many proposals in a row may follow the first at once. Peers that refuse without end gain
/// nothing: the next one waits like any other.
const AT_ONCE: u32 = 2;

/// From this attempt on, the spread is eight times what is configured, and may have room for all.
const MANY: u32 = 4;

impl Paxos {
    /// Phase 1a: "A proposer chooses a new proposal number n and sends a request to each member of
    /// some set of acceptors" ("Paxos Made Simple", section 2.2). Here: to all. A node that still
    /// owes silence to a leader asks ahead: it makes the promise to itself, without which nothing
    /// goes on, when its silence has ended.
    pub(super) fn propose(&mut self, out: &mut Outbox<Self>) {
        let attempts = &mut self.node.attempts;
        let has_room = attempts.count() >= MANY && self.node.rules.has_room(attempts.count());
        attempts.begin(&self.node.rules.members, has_room);
        self.ask_to_promise(0, out);
    }

    fn ask_to_promise(&mut self, at_once: u32, out: &mut Outbox<Self>) {
        let ahead = self.node.has_fresh_leader();
        let Some((instance, ballot)) = self.next_ballot() else {
            if !ahead {
                self.node.keep_vigil(out); // There are no numbers left.
            }
            return;
        };
        self.seen.counter = ballot.counter;
        out.broadcast(&PaxosMessage::Prepare {
            epoch: instance,
            ballot,
            handover: self.handover == Some(instance),
        });
        let stage = Stage::Prepare {
            promises: Tally::new(),
            bounds: NodeSet::new(),
            highest: None,
            own: false,
        };
        self.node.phase = Phase::Candidate(Proposing {
            instance,
            ballot,
            at_once,
            stage,
        });
        if !ahead {
            self.wait_for_decision(out);
            out.set_timer(PaxosTimer::OwnPromise, Delay::ZERO);
        }
    }

    /// The second step of phase 1.
    pub(super) fn promise_to_self(&mut self, out: &mut Outbox<Self>) {
        let Phase::Candidate(proposing) = &self.node.phase else {
            return; // The proposal has ended in between.
        };
        let (instance, ballot) = (proposing.instance, proposing.ballot);
        if !matches!(proposing.stage, Stage::Prepare { own: false, .. }) {
            return; // Done already.
        }
        if self.node.has_fresh_leader() {
            return; // It has asked ahead: its silence is not over.
        }
        self.promise(instance, ballot, self.handover == Some(instance), out);
        let (me, accepted) = (self.node.me(), self.memory.accepted(instance));
        if let Phase::Candidate(proposing) = &mut self.node.phase
            && let Stage::Prepare { own, .. } = &mut proposing.stage
        {
            *own = true;
        }
        self.on_promise(me, instance, ballot, accepted, out);
    }

    pub(super) fn on_promise(
        &mut self,
        from: NodeId,
        instance: Epoch,
        ballot: Ballot,
        accepted: Option<Proposal>,
        out: &mut Outbox<Self>,
    ) {
        if ballot.node == self.node.me() && from != self.node.me() {
            self.note_promise(from, ballot);
        }
        let members = &self.node.rules.members;
        if accepted.is_some_and(|accepted| !members.contains(accepted.value)) {
            return; // Nonsense: a stranger to lead.
        }
        let Phase::Candidate(proposing) = &mut self.node.phase else {
            return; // Stale: nothing is proposed any more.
        };
        if (proposing.instance, proposing.ballot) != (instance, ballot) {
            return; // Stale: of an earlier proposal.
        }
        let Stage::Prepare {
            promises,
            highest,
            own,
            ..
        } = &mut proposing.stage
        else {
            return; // Late: there are enough.
        };
        let verdict = promises.record(members, from, true);
        *highest = (*highest).max(accepted);
        if verdict == Verdict::Won && *own {
            self.ask_to_accept(out);
        } else {
            self.ask_above_bounds(out);
        }
    }

    /// Phase 2a: the value is "the value of the highest-numbered proposal among the responses, or
    /// is any value selected by the proposer if the responders reported no proposals": itself.
    fn ask_to_accept(&mut self, out: &mut Outbox<Self>) {
        let me = self.node.me();
        let majority = self.node.rules.members.majority();
        let thrifty = self.node.rules.config.thrifty && self.node.attempts.count() <= 1;
        let Phase::Candidate(proposing) = &mut self.node.phase else {
            return; // Only a proposer has promises.
        };
        let Stage::Prepare {
            promises, highest, ..
        } = &proposing.stage
        else {
            return; // Asked already.
        };
        let value = highest.map_or(me, |highest| highest.value); // I3
        let accept = PaxosMessage::Accept {
            epoch: proposing.instance,
            proposal: Proposal {
                ballot: proposing.ballot,
                value,
            },
        };
        if thrifty {
            let peers = promises.granted().iter().filter(|&node| node != me);
            for peer in peers.take(majority - 1) {
                out.send(peer, accept);
            }
        } else {
            out.broadcast(&accept);
        }
        proposing.stage = Stage::Accept {
            value,
            refusals: Tally::new(),
        };
        out.set_timer(PaxosTimer::OwnAccept, Delay::ZERO);
    }

    /// The second step of phase 2.
    pub(super) fn accept_from_self(&mut self, out: &mut Outbox<Self>) {
        let Phase::Candidate(proposing) = &self.node.phase else {
            return; // The proposal has ended in between.
        };
        let (instance, ballot) = (proposing.instance, proposing.ballot);
        let Stage::Accept { value, .. } = proposing.stage else {
            return; // Stale: of an earlier proposal.
        };
        let proposal = Proposal { ballot, value };
        self.hold(instance, proposal, out);
        if self.node.rules.config.learning == Learning::Broadcast {
            out.broadcast(&PaxosMessage::Accepted {
                epoch: instance,
                proposal,
            });
        }
        self.count(self.node.me(), instance, proposal, out);
    }

    /// A refusal counts if the acceptor has promised more to another. If it only keeps silence for
    /// its leader, it may still come round: the proposal waits for that as long as its patience
    /// lasts. Once a majority cannot be had any more, this proposer is beaten, and leaves the
    /// others time.
    pub(super) fn on_reject(
        &mut self,
        from: NodeId,
        ballot: Ballot,
        floor: (Epoch, Option<Ballot>),
        out: &mut Outbox<Self>,
    ) {
        let (instance, promised) = floor;
        let rival = promised.filter(|&other| other > ballot && !other.is_bound());
        if ballot.node == self.node.me() && rival.is_some_and(|rival| rival.node != self.node.me())
        {
            self.node.attempts.contested(from);
        }
        let counter = promised.map_or(0, |promised| promised.counter);
        self.seen.counter = self.seen.counter.max(counter);
        self.seen.instance = self.seen.instance.max(instance);
        let Phase::Candidate(proposing) = &mut self.node.phase else {
            return; // Stale: nothing is proposed any more.
        };
        if proposing.ballot != ballot || floor <= (proposing.instance, Some(ballot)) {
            return; // Stale, or no more than silence.
        }
        let answers = match &mut proposing.stage {
            Stage::Prepare { bounds, .. } if promised.is_some_and(Ballot::is_bound) => {
                bounds.insert(from);
                return self.ask_above_bounds(out);
            }
            Stage::Prepare { promises, .. } => promises,
            Stage::Accept { refusals, .. } => refusals,
        };
        if answers.record(&self.node.rules.members, from, false) == Verdict::Lost {
            self.node.phase = Phase::Follower { leader: None };
            if !self.node.has_fresh_leader() {
                self.wait_for_decision(out);
            }
        }
    }

    /// Proposes again at once, with a higher ballot, if a majority would promise that, cannot be
    /// had otherwise, and no competitor is to be seen who should be left time. That is the price of
    /// promises that are not written, when a node was restarted that is needed now.
    fn ask_above_bounds(&mut self, out: &mut Outbox<Self>) {
        let Phase::Candidate(proposing) = &self.node.phase else {
            return; // Only a proposer is refused.
        };
        let at_once = proposing.at_once + 1;
        let Stage::Prepare {
            promises, bounds, ..
        } = &proposing.stage
        else {
            return; // There were promises enough.
        };
        if bounds.is_empty() || !promises.refused().is_empty() || at_once > AT_ONCE {
            return;
        }
        // The leader that this proposal is to replace will not answer.
        let replaced = self
            .node
            .elected
            .filter(|_| proposing.instance > self.epoch());
        let (mut willing, mut possible) = (1, 1); // Itself.
        for peer in self.node.rules.members.peers() {
            let promised = promises.granted().contains(peer);
            let bound = bounds.contains(peer);
            let gone = self.node.suspects.contains(peer) || replaced == Some(peer);
            willing += usize::from(promised || bound);
            possible += usize::from(promised || !bound && !gone);
        }
        let majority = self.node.rules.members.majority();
        if willing >= majority && possible < majority {
            self.ask_to_promise(at_once, out);
        }
    }

    /// A promise for an earlier ballot comes late: the wait for it was too short.
    fn note_promise(&mut self, from: NodeId, ballot: Ballot) {
        let attempts = &mut self.node.attempts;
        match &self.node.phase {
            Phase::Candidate(proposing) if proposing.ballot > ballot => attempts.late(from),
            Phase::Candidate(_) | Phase::Follower { .. } | Phase::Leader(_) => {
                attempts.supported(from);
            }
        }
    }
}
