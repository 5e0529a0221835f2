//! The candidate.
//!
//! A candidacy takes two steps, so that the candidate's own write overlaps with the flight of its
//! requests. The first sends them and changes nothing durable; the second, a zero timer later,
//! enters the term and casts the candidate's own vote in it. Until then the vote is not counted,
//! and the term is not the node's own. That is safe, because of what can come in between:
//!
//! - *A crash.* The node comes back in the old term without a vote in the new one. Peers may have
//!   voted for it in a term that it knows nothing of. It leads no term in which it has not itself
//!   voted for itself (I3), so these votes count only if it campaigns for the same term again; and
//!   then they are what they say, the one vote of each voter in that term, given to this node.
//! - *A competing request*, or anything else from the new term or a later one. The node adopts the
//!   term, which ends the candidacy, and may give its vote, which it still has. The second step
//!   then finds no candidacy.
//! - *A heartbeat of the old term.* The node follows its leader again, the candidacy is over.
//! - *The votes of a majority.* The node wins when its own vote joins them, and not before: a
//!   leader that forgot its term in a crash could vote for another in it.

use elector_core::{Delay, Epoch, NodeId, Outbox, Tally, Verdict, quorum::Phase};

use crate::{
    Raft, RaftMessage, RaftTimer,
    state::{Asks, Candidacy},
};

impl Raft {
    /// Tries to get elected in the next term.
    pub(super) fn campaign(&mut self, out: &mut Outbox<Self>) {
        if !self.node.rules.config.pre_vote {
            return self.stand(Asks::Vote, out);
        }
        self.node.phase = Phase::Candidate(Candidacy::PreVote {
            granted: Tally::new(),
            votes: self.votes_so_far(),
        });
        self.ask_for_pre_votes(out);
    }

    /// To ask about the next term does not end a candidacy in the present one: votes that come late
    /// still count.
    fn votes_so_far(&self) -> Tally {
        match &self.node.phase {
            Phase::Candidate(Candidacy::Vote { election, votes }) if *election == self.term() => {
                votes.clone()
            }
            Phase::Candidate(Candidacy::PreVote { votes, .. }) => votes.clone(),
            Phase::Candidate(_) | Phase::Follower { .. } | Phase::Leader(_) => Tally::new(),
        }
    }

    /// Asks for pre-votes while this node still owes silence to a leader. Its own is not among
    /// them until the silence has ended, so that it cannot become a candidate before.
    pub(super) fn ask_ahead(&mut self, out: &mut Outbox<Self>) {
        self.node.phase = Phase::Candidate(Candidacy::PreVote {
            granted: Tally::new(),
            votes: Tally::new(),
        });
        self.request_pre_votes(out);
    }

    /// A pre-candidate that owes no silence asks all, also those that it has asked ahead: what was
    /// set aside then may be forgotten since.
    pub(super) fn ask_for_pre_votes(&mut self, out: &mut Outbox<Self>) {
        self.request_pre_votes(out);
        self.node.keep_vigil(out);
        // Its own answer needs no disk: it binds no node, not even this one (I6).
        self.on_pre_vote(self.node.me(), self.term(), self.term().next(), true, out);
    }

    fn request_pre_votes(&self, out: &mut Outbox<Self>) {
        out.broadcast(&RaftMessage::RequestPreVote {
            next_term: self.term().next(),
            last_log: self.durable.last_log,
        });
    }

    /// Only a grant for the very term that this node asks about counts, and only towards a
    /// candidacy: it is never a vote (I6). A refusal changes nothing, unless it comes from a later
    /// term.
    pub(super) fn on_pre_vote(
        &mut self,
        from: NodeId,
        term: Epoch,
        next_term: Epoch,
        grants: bool,
        out: &mut Outbox<Self>,
    ) {
        if !grants {
            if term > self.term() {
                self.adopt(term, out);
            }
            return;
        }
        let asked = self.term().next();
        let owes_silence = self.node.rules.config.check_quorum && self.node.owes_silence(); // I7
        let Phase::Candidate(Candidacy::PreVote { granted, .. }) = &mut self.node.phase else {
            return; // Late: elected, beaten or given up.
        };
        if next_term != asked {
            return; // Late: it is about another term.
        }
        let verdict = granted.record(&self.node.rules.members, from, true);
        if verdict == Verdict::Won && !owes_silence {
            self.stand(Asks::Vote, out);
        }
    }

    /// The first step of a candidacy: asks for votes. Only this counts as an attempt. Pre-votes
    /// cannot split, so a wider spread would not help them; and a cluster that was without a
    /// majority is not slow when it has one again.
    pub(super) fn stand(&mut self, asks: Asks, out: &mut Outbox<Self>) {
        let transfer = asks == Asks::Transfer;
        let election = self.term().next();
        self.node.keep_vigil(out);
        if election == self.term() {
            self.node.phase = Phase::Follower { leader: None };
            return; // A node has claimed the last term that exists. There is no other to win.
        }
        let attempts = &mut self.node.attempts;
        let has_room = self.node.rules.has_room(attempts.count());
        attempts.begin(&self.node.rules.members, has_room);
        out.broadcast(&RaftMessage::RequestVote {
            term: election,
            last_log: self.durable.last_log,
            transfer,
        });
        self.node.phase = Phase::Candidate(Candidacy::Vote {
            election,
            votes: Tally::new(),
        });
        out.set_timer(RaftTimer::OwnVote, Delay::ZERO);
    }

    /// The second step of a candidacy: makes the term and the own vote durable, if it still can.
    pub(super) fn vote_for_self(&mut self, out: &mut Outbox<Self>) {
        let me = self.node.me();
        let Phase::Candidate(Candidacy::Vote { election, votes }) = &mut self.node.phase else {
            return; // The candidacy has ended in between.
        };
        let election = *election;
        if election <= self.durable.term {
            return; // Cast already.
        }
        let verdict = votes.record(&self.node.rules.members, me, true);
        self.enter(election, Some(me)); // I3
        if verdict == Verdict::Won {
            self.lead(out);
        }
    }

    /// A refusal changes nothing, unless it comes from a later term.
    pub(super) fn on_vote(
        &mut self,
        from: NodeId,
        term: Epoch,
        granted: bool,
        out: &mut Outbox<Self>,
    ) {
        let (me, own) = (self.node.me(), self.term());
        let (newest, votes) = match &mut self.node.phase {
            Phase::Candidate(Candidacy::Vote { election, votes }) => (*election, Some(votes)),
            Phase::Candidate(Candidacy::PreVote { votes, .. }) => (own, Some(votes)),
            Phase::Follower { .. } | Phase::Leader(_) => (own, None),
        };
        let attempts = &mut self.node.attempts;
        if !granted && term >= newest {
            attempts.contested(from); // It has voted for another.
        }
        // Only a voter that still hears its leader refuses in an older term.
        if term < newest && (granted || !self.node.rules.config.check_quorum) {
            attempts.late(from);
        }
        if term > newest {
            return self.adopt(term, out);
        }
        if granted && term == newest {
            let Some(votes) = votes else {
                return; // Late: elected, beaten or given up.
            };
            attempts.supported(from);
            let verdict = votes.record(&self.node.rules.members, from, true);
            // I3: not before it is cast. I4: not after a restart, before which this node may have
            // led.
            let own_vote_cast = votes.granted().contains(me);
            if verdict == Verdict::Won && own_vote_cast {
                self.lead(out);
            }
        }
    }
}
