//! The voter.

use elector_core::{NodeId, Outbox};

use crate::{
    Raft, RaftMessage,
    state::{Asks, Request, Watch},
};

impl Raft {
    pub(super) fn asked(&mut self, request: Request, out: &mut Outbox<Self>) {
        match request.asks {
            Asks::PreVote => self.pre_vote_asked(request, out),
            Asks::Vote | Asks::Transfer => self.vote_asked(request, out),
        }
    }

    /// Says whether this node would vote for the candidate, and changes nothing by that: neither
    /// the vote, nor the term, nor the election timeout.
    fn pre_vote_asked(&mut self, request: Request, out: &mut Outbox<Self>) {
        let led = self.has_fresh_leader();
        if led {
            self.set_aside(request);
        }
        let granted = !led
            && request.last_log >= self.durable.last_log
            && (request.term > self.term()
                || request.term == self.term() && self.may_vote_for(request.from));
        let answer = RaftMessage::PreVote {
            term: self.term(),
            next_term: request.term,
            granted,
        };
        out.send(request.from, answer);
    }

    /// The voter's rule: at most one vote per term, first come, first served (section 5.2), to a
    /// candidate whose log is at least as up to date (section 5.4.1).
    ///
    /// A candidate of an older term is refused too, not ignored: it learns the term by that.
    fn vote_asked(&mut self, request: Request, out: &mut Outbox<Self>) {
        let is_new = request.term > self.term();
        if !self.has_fresh_leader() {
            self.attempts.contested(request.from);
        }
        let granted = request.term >= self.term() && self.listens(request) && {
            if is_new {
                // A leader stops leading here, before it can give its vote away.
                self.adopt(request.term, out);
            }
            self.may_vote_for(request.from) && request.last_log >= self.durable.last_log
        };
        if granted {
            self.step_down(out);
            let mut first = false;
            if self.durable.voted_for.is_none() {
                self.durable.voted_for = Some(request.from);
                first = self.give_way(request.from);
            }
            // In a term that it has entered before, this node may have acknowledged the leader of
            // that very term before a restart. That silence stays.
            let owes_silence = self.rules.check_quorum && !is_new && self.has_fresh_leader();
            let waits_on = !first && !matches!(self.watch, Watch::Silent { .. });
            if !owes_silence && !waits_on {
                self.keep_vigil(Watch::Vigil, out);
            }
        }
        let answer = RaftMessage::Vote {
            term: self.term(),
            granted,
        };
        out.send(request.from, answer);
    }

    /// A vote for another candidate than before is a sign of split votes, which a wider spread
    /// cures, up to one that has room for all. One that asks again and again and never leads may be
    /// deaf, or reach no quorum: if its voters waited longer each time, or anew, they would leave
    /// the next try to it. Returns whether the wait begins anew.
    fn give_way(&mut self, candidate: NodeId) -> bool {
        let first = self.attempts.give_way(candidate);
        if first && !self.rules.has_room(self.attempts.count()) {
            self.attempts.widen();
        }
        first
    }

    /// "If a server receives a `RequestVote` request within the minimum election timeout of hearing
    /// from a current leader, it does not update its term or grant its vote" (dissertation,
    /// section 4.2.3). The lease rests on this.
    ///
    /// A transfer is considered nevertheless. The leader of the term before has stepped down for
    /// it, and the lease of any leader before *that* one had ended when that one was elected. That
    /// says nothing of a leader of the term of the transfer itself: see the caller.
    fn listens(&mut self, request: Request) -> bool {
        let refuses =
            self.rules.check_quorum && request.asks != Asks::Transfer && self.has_fresh_leader();
        if refuses {
            self.set_aside(request);
        }
        !refuses
    }

    fn set_aside(&mut self, request: Request) {
        if let Watch::Silent { asked, .. } = &mut self.watch {
            *asked = Some(request);
        }
    }

    /// Whether this node's vote in its present term is still to be had for `candidate`. Once a
    /// term has a leader there is nobody left to vote for.
    fn may_vote_for(&self, candidate: NodeId) -> bool {
        self.winner.is_none()
            && self
                .durable
                .voted_for
                .is_none_or(|choice| choice == candidate)
    }
}
