//! The proposer: how a node proposes, and which answers it counts.
//!
//! Each phase takes two steps, so that the proposer writes while its requests are in flight. The
//! first step sends the requests. In the second step, after a timer of length zero, the node's own
//! acceptor promises or accepts, and the promise or acceptance is made durable. Until then the
//! node's own promise or acceptance is not counted. This is safe in each case that can happen
//! between the two steps:
//!
//! - *A crash after `Prepare`.* The node restarts without knowing the ballot, and may use the
//!   ballot again. It has sent only that `Prepare` with the ballot: `Accept` is sent only after the
//!   node's own promise, and waits for the disk like every message after that promise. So no
//!   acceptor has accepted anything with this ballot, and the promises that acceptors made for the
//!   first use of the ballot are still true.
//! - *A crash after `Accept`.* By then the counter on disk is at least the counter of the ballot,
//!   so the node does not use the ballot again. The other acceptors finish the proposal or drop it,
//!   as for any proposer that fails.
//! - *A competing request.* The node's own acceptor treats the ballot of the proposal as promised
//!   from the first step on, and refuses lower ballots. A promise or an acceptance with a higher
//!   ballot, or a newer epoch, ends the proposal, so the second step finds no proposal. If the
//!   second step does find the proposal, the node has promised no higher ballot meanwhile.
//! - *A heartbeat of the previous leader.* The node follows that leader again, and the proposal
//!   ends. If `Accept` was sent, the other nodes may accept and decide without this node.
//! - *The answers of a majority.* The node's own promise must be among the promises before `Accept`
//!   is sent. The learner decides when it has the acceptances of a majority, with or without the
//!   node's own acceptance.

use elector_core::{Delay, Epoch, NodeId, NodeSet, Outbox, Tally, Verdict, quorum::Phase};

use crate::{
    Ballot, Learning, Paxos, PaxosMessage, PaxosTimer, Proposal,
    state::{Candidacy, ProposalPhase},
};

/// How many proposals in a row may follow the first one without a wait. Further proposals wait, so
/// peers that always refuse cannot keep a node busy.
const MAX_RETRIES: u32 = 2;

/// From this number of attempts on, rivals do not widen the wait of a proposer any more if the
/// random part of the wait has room for one round trip per member. At this number, the random part
/// is eight times as long as configured.
const MANY_ATTEMPTS: u32 = 4;

impl Paxos {
    /// Phase 1a: "A proposer chooses a new proposal number n and sends a request to each member of
    /// some set of acceptors" ("Paxos Made Simple", section 2.2). Here the proposer sends the
    /// request to all members. A node that still owes silence to a leader may support no other node
    /// yet (invariant I6), but asks ahead: it sends the request before the silence has ended. It
    /// promises to itself only when the silence has ended, and does not send `Accept` before that.
    pub(super) fn propose(&mut self, out: &mut Outbox<Self>) {
        let attempts = &mut self.node.attempts;
        let count = attempts.count();
        let has_room = count >= MANY_ATTEMPTS && self.node.rules.has_room(count);
        attempts.begin(&self.node.rules.members, has_room);
        self.send_prepare(0, out);
    }

    fn send_prepare(&mut self, retries: u32, out: &mut Outbox<Self>) {
        let ahead = self.node.has_fresh_leader();
        let Some((instance, ballot)) = self.next_ballot() else {
            if !ahead {
                self.node.keep_vigil(out); // There is no higher ballot or epoch.
            }
            return;
        };
        self.seen.counter = ballot.counter;
        out.broadcast(&PaxosMessage::Prepare {
            epoch: instance,
            ballot,
            handover: self.handover == Some(instance),
        });
        let phase = ProposalPhase::Prepare {
            promises: Tally::new(),
            bounds: NodeSet::new(),
            highest: None,
            own: false,
        };
        self.node.phase = Phase::Candidate(Candidacy {
            instance,
            ballot,
            retries,
            phase,
        });
        if !ahead {
            self.wait_for_decision(out);
            out.set_timer(PaxosTimer::OwnPromise, Delay::ZERO);
        }
    }

    /// Takes the second step of phase 1: the node promises to itself.
    pub(super) fn promise_to_self(&mut self, out: &mut Outbox<Self>) {
        let Phase::Candidate(candidacy) = &self.node.phase else {
            return; // The proposal has ended meanwhile.
        };
        let (instance, ballot) = (candidacy.instance, candidacy.ballot);
        if !matches!(candidacy.phase, ProposalPhase::Prepare { own: false, .. }) {
            return; // The node has promised to itself already.
        }
        if self.node.has_fresh_leader() {
            return; // The node has asked ahead, and its silence has not ended.
        }
        self.promise(instance, ballot, self.handover == Some(instance), out);
        let (me, accepted) = (self.node.me(), self.memory.accepted(instance));
        if let Phase::Candidate(candidacy) = &mut self.node.phase
            && let ProposalPhase::Prepare { own, .. } = &mut candidacy.phase
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
        let Phase::Candidate(candidacy) = &mut self.node.phase else {
            return; // Stale: this node proposes nothing any more.
        };
        if (candidacy.instance, candidacy.ballot) != (instance, ballot) {
            return; // Stale: the promise answers an earlier proposal.
        }
        if accepted.is_some_and(|accepted| !members.contains(accepted.value)) {
            // The promise names a node that is no member any more, but was a member when the
            // acceptor accepted it. That former member may have been chosen in this instance, so no
            // other value may be chosen here. The next proposal is for the next instance.
            self.seen.instance = self.seen.instance.max(instance.next());
            return;
        }
        let ProposalPhase::Prepare {
            promises,
            highest,
            own,
            ..
        } = &mut candidacy.phase
        else {
            return; // Late: a majority has promised already.
        };
        let verdict = promises.record(members, from, true);
        *highest = (*highest).max(accepted);
        if verdict == Verdict::Won && *own {
            self.send_accept(out);
        } else {
            self.ask_above_bounds(out);
        }
    }

    /// Begins phase 2a with a proposal whose value is "the value of the highest-numbered proposal
    /// among the responses, or is any value selected by the proposer if the responders reported no
    /// proposals". If no response reports a proposal, this node selects itself.
    fn send_accept(&mut self, out: &mut Outbox<Self>) {
        let me = self.node.me();
        let majority = self.node.rules.members.majority();
        let thrifty = self.node.rules.config.thrifty && self.node.attempts.count() <= 1;
        let Phase::Candidate(candidacy) = &mut self.node.phase else {
            return; // Only a proposer counts promises.
        };
        let ProposalPhase::Prepare {
            promises, highest, ..
        } = &candidacy.phase
        else {
            return; // `Accept` is sent already.
        };
        let value = highest.map_or(me, |highest| highest.value); // I3: the paper's P2c.
        let accept = PaxosMessage::Accept {
            epoch: candidacy.instance,
            proposal: Proposal {
                ballot: candidacy.ballot,
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
        candidacy.phase = ProposalPhase::Accept {
            value,
            refusals: Tally::new(),
        };
        out.set_timer(PaxosTimer::OwnAccept, Delay::ZERO);
    }

    /// Takes the second step of phase 2: the node accepts its own proposal.
    pub(super) fn accept_from_self(&mut self, out: &mut Outbox<Self>) {
        let Phase::Candidate(candidacy) = &self.node.phase else {
            return; // The proposal has ended meanwhile.
        };
        let (instance, ballot) = (candidacy.instance, candidacy.ballot);
        let ProposalPhase::Accept { value, .. } = candidacy.phase else {
            return; // Stale: the timer belongs to an earlier proposal.
        };
        let proposal = Proposal { ballot, value };
        self.accept(instance, proposal, out);
        if self.node.rules.config.learning == Learning::Broadcast {
            out.broadcast(&PaxosMessage::Accepted {
                epoch: instance,
                proposal,
            });
        }
        self.count(self.node.me(), instance, proposal, out);
    }

    /// Handles a `Reject`: counts the refusal, if the acceptor has promised a higher ballot. An
    /// acceptor that refuses only because it owes silence to a leader (it may not support another
    /// node yet) may still promise later, so this refusal does not count, and the proposal stays
    /// open until its wait has ended. When too many acceptors have refused for a majority, this
    /// proposer has lost, and gives the other proposers time.
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
        let Phase::Candidate(candidacy) = &mut self.node.phase else {
            return; // Stale: this node proposes nothing any more.
        };
        if candidacy.ballot != ballot || floor <= (candidacy.instance, Some(ballot)) {
            return; // Stale, or the acceptor refuses only because of its silence.
        }
        let answers = match &mut candidacy.phase {
            ProposalPhase::Prepare { bounds, .. } if promised.is_some_and(Ballot::is_bound) => {
                bounds.insert(from);
                return self.ask_above_bounds(out);
            }
            ProposalPhase::Prepare { promises, .. } => promises,
            ProposalPhase::Accept { refusals, .. } => refusals,
        };
        if answers.record(&self.node.rules.members, from, false) == Verdict::Lost {
            self.node.phase = Phase::Follower { leader: None };
            if !self.node.has_fresh_leader() {
                self.wait_for_decision(out);
            }
        }
    }

    /// Proposes again at once, with a ballot above the bounds of restarted nodes. (Such a node
    /// refuses all ballots up to a bound, because it does not know which of them it has promised.)
    /// This happens under four conditions: a majority would promise the higher ballot, the present
    /// ballot cannot get a majority, no rival needs time, and there were fewer than [`MAX_RETRIES`]
    /// such retries in a row. A retry is the price for promises that are not written: a retry
    /// happens when this node needs the promise of a restarted node.
    fn ask_above_bounds(&mut self, out: &mut Outbox<Self>) {
        let Phase::Candidate(candidacy) = &self.node.phase else {
            return; // This node proposes nothing.
        };
        let retries = candidacy.retries + 1;
        let ProposalPhase::Prepare {
            promises, bounds, ..
        } = &candidacy.phase
        else {
            return; // A majority has promised already.
        };
        if bounds.is_empty() || !promises.refused().is_empty() || retries > MAX_RETRIES {
            return;
        }
        // The leader that this proposal replaces is taken for failed, so it will not answer.
        let elected = self.node.elected;
        let replaced = elected.filter(|_| candidacy.instance > self.epoch());
        let (mut willing, mut possible) = (1, 1); // Both counts include this node.
        for peer in self.node.rules.members.peers() {
            let promised = promises.granted().contains(peer);
            let bound = bounds.contains(peer);
            let failed = self.node.suspects.contains(peer) || replaced == Some(peer);
            willing += usize::from(promised || bound);
            possible += usize::from(promised || !bound && !failed);
        }
        let majority = self.node.rules.members.majority();
        if willing >= majority && possible < majority {
            self.send_prepare(retries, out);
        }
    }

    /// Records a promise in [`Attempts`](elector_core::Attempts). A promise for an earlier ballot
    /// is late: this node has not waited long enough for the promise.
    fn note_promise(&mut self, from: NodeId, ballot: Ballot) {
        let attempts = &mut self.node.attempts;
        match &self.node.phase {
            Phase::Candidate(candidacy) if candidacy.ballot > ballot => attempts.late(from),
            Phase::Candidate(_) | Phase::Follower { .. } | Phase::Leader(_) => {
                attempts.supported(from);
            }
        }
    }
}
