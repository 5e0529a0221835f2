//! The candidate.
//!
//! A candidacy takes two steps, so that the candidate writes its own vote while its requests are in
//! flight. The first step sends the requests and changes nothing durable. The second step runs when
//! a timer of length zero elapses. It enters the new term and casts the candidate's own vote in
//! this term. Until then the candidate's own vote is not counted, and the node is not in the new
//! term. This is safe in each case that can happen between the two steps:
//!
//! - *A crash.* The node comes back in the old term, without a vote in the new one. Peers may have
//!   voted for this node in the new term, which this node does not remember. The node leads no term
//!   in which it has not voted for itself (invariant I3), so these votes count only if it campaigns
//!   for the same term again. In a second campaign the votes are valid: each is the one vote of its
//!   voter in that term, given to this node.
//! - *A competing request*, or another message that makes the node adopt the new term or a later
//!   one. Such a message ends the candidacy. The node may give its vote in the new term, which it
//!   has not used, to another candidate. The second step then finds no candidacy.
//! - *A heartbeat of the old term.* The node follows the leader of the old term again, and the
//!   candidacy ends.
//! - *The votes of a majority.* The node wins when its own vote is added to them, and not before: a
//!   leader that forgot its term in a crash could vote for another node in that term.

use elector_core::{Delay, Epoch, NodeId, Outbox, Tally, Verdict, quorum::Phase};

use crate::{
    Raft, RaftMessage, RaftTimer,
    state::{Candidacy, Kind},
};

impl Raft {
    /// Tries to get elected in the next term.
    pub(super) fn campaign(&mut self, out: &mut Outbox<Self>) {
        if !self.node.rules.config.pre_vote {
            return self.request_votes(Kind::Vote, out);
        }
        self.node.phase = Phase::Candidate(Candidacy::PreVote {
            granted: Tally::new(),
            votes: self.votes_so_far(),
        });
        self.ask_for_pre_votes(out);
    }

    /// Returns the votes of the present term. A node that asks for pre-votes for the next term is
    /// still a candidate in the present term, so votes of the present term that arrive late still
    /// count.
    fn votes_so_far(&self) -> Tally {
        match &self.node.phase {
            Phase::Candidate(Candidacy::Vote { election, votes }) if *election == self.term() => {
                votes.clone()
            }
            Phase::Candidate(Candidacy::PreVote { votes, .. }) => votes.clone(),
            Phase::Candidate(_) | Phase::Follower { .. } | Phase::Leader(_) => Tally::new(),
        }
    }

    /// Asks for pre-votes while this node still owes silence to a leader, which means that it
    /// supports no other node (invariant I7). The node does not count its own pre-vote, and does
    /// not ask for votes, before this silence has ended.
    pub(super) fn ask_ahead(&mut self, out: &mut Outbox<Self>) {
        self.node.phase = Phase::Candidate(Candidacy::PreVote {
            granted: Tally::new(),
            votes: Tally::new(),
        });
        self.request_pre_votes(out);
    }

    /// Asks all peers for pre-votes, when this node owes no leader silence (invariant I7) and may
    /// vote for any node. If the node has asked during its silence
    /// ([`ask_ahead`](Self::ask_ahead)), it asks the same peers again: a peer that kept the first
    /// request, to answer it at the end of its own silence, may have dropped the request since.
    pub(super) fn ask_for_pre_votes(&mut self, out: &mut Outbox<Self>) {
        self.request_pre_votes(out);
        self.node.keep_vigil(out);
        // The node's own pre-vote need not be durable: a pre-vote binds no node, not even its
        // sender (invariant I6).
        self.on_pre_vote(self.node.me(), self.term(), self.term().next(), true, out);
    }

    fn request_pre_votes(&self, out: &mut Outbox<Self>) {
        out.broadcast(&RaftMessage::RequestPreVote {
            next_term: self.term().next(),
            last_log: self.durable.last_log,
        });
    }

    /// Handles the answer to a request for a pre-vote: counts a granted pre-vote for the term that
    /// this node asks about. With a majority of pre-votes, the node asks for votes; the node never
    /// counts a pre-vote as a vote (invariant I6). A refusal changes nothing, unless the refusing
    /// node is in a later term.
    pub(super) fn on_pre_vote(
        &mut self,
        from: NodeId,
        term: Epoch,
        next_term: Epoch,
        granted: bool,
        out: &mut Outbox<Self>,
    ) {
        if !granted {
            if term > self.term() {
                self.adopt(term, out);
            }
            return;
        }
        let asked = self.term().next();
        // I7: a node that owes silence to a leader votes for no other node, so it asks for no
        // votes.
        let owes_silence = self.node.rules.config.check_quorum && self.node.owes_silence();
        let Phase::Candidate(Candidacy::PreVote { granted, .. }) = &mut self.node.phase else {
            return; // Late: the node asks for no pre-votes any more.
        };
        if next_term != asked {
            return; // Late: it is about another term.
        }
        let verdict = granted.record(&self.node.rules.members, from, true);
        if verdict == Verdict::Won && !owes_silence {
            self.request_votes(Kind::Vote, out);
        }
    }

    /// Takes the first step of a candidacy: asks for votes. A request for votes counts as an
    /// attempt, and attempts can widen the random part of the election timeout. A request for
    /// pre-votes does not count: several candidates can get the pre-vote of the same node, so
    /// pre-votes cannot split, and wider timeouts would not help. In addition, a candidate without
    /// the pre-votes of a majority makes no attempt. So its timeouts do not grow while the cluster
    /// has no majority, and the cluster elects a leader without delay once it has a majority again.
    pub(super) fn request_votes(&mut self, kind: Kind, out: &mut Outbox<Self>) {
        let transfer = kind == Kind::Transfer;
        let election = self.term().next();
        self.node.keep_vigil(out);
        if election == self.term() {
            self.node.phase = Phase::Follower { leader: None };
            return; // The present term is the highest possible one: there is no next term to win.
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

    /// Takes the second step of a candidacy: makes the term and the node's own vote durable, if the
    /// candidacy has not ended.
    pub(super) fn vote_for_self(&mut self, out: &mut Outbox<Self>) {
        let me = self.node.me();
        let Phase::Candidate(Candidacy::Vote { election, votes }) = &mut self.node.phase else {
            return; // The candidacy has ended meanwhile.
        };
        let election = *election;
        if election <= self.durable.term {
            return; // The node has cast its own vote already.
        }
        let verdict = votes.record(&self.node.rules.members, me, true);
        self.enter(election, Some(me)); // I3: the own vote becomes durable.
        if verdict == Verdict::Won {
            self.lead(out);
        }
    }

    /// Handles the answer to a request for a vote: counts a granted vote. A refusal does not end
    /// the candidacy, unless the refusing node is in a later term.
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
            attempts.contested(from); // The peer has voted for another candidate.
        }
        // An answer with an older term answers an earlier request, so it is late. The exception is
        // a refusal with check-quorum: a voter that has a live leader refuses even the newest
        // request with its own, older term.
        if term < newest && (granted || !self.node.rules.config.check_quorum) {
            attempts.late(from);
        }
        if term > newest {
            return self.adopt(term, out);
        }
        if granted && term == newest {
            let Some(votes) = votes else {
                return; // Late: the node is no candidate any more.
            };
            attempts.supported(from);
            let verdict = votes.record(&self.node.rules.members, from, true);
            // I3: a node does not lead before it has cast its own vote. I4: after a restart, the
            // tally does not contain the node's own vote in this term. So the node does not lead
            // this term, which it may have led before the restart.
            let own_vote_cast = votes.granted().contains(me);
            if verdict == Verdict::Won && own_vote_cast {
                self.lead(out);
            }
        }
    }
}
