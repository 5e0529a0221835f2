//! The voter.

use elector_core::{NodeId, Outbox};

use crate::{
    Raft, RaftMessage,
    state::{Asks, Request},
};

impl Raft {
    pub(super) fn on_request(&mut self, request: Request, out: &mut Outbox<Self>) {
        match request.asks {
            Asks::PreVote => self.on_pre_vote_request(request, out),
            Asks::Vote | Asks::Transfer => self.on_vote_request(request, out),
        }
    }

    /// Answers whether this node would vote for the candidate. The vote, the term and the
    /// election timeout do not change (I6).
    fn on_pre_vote_request(&mut self, request: Request, out: &mut Outbox<Self>) {
        let led = self.node.has_fresh_leader();
        if led {
            self.node.set_aside(request);
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
    fn on_vote_request(&mut self, request: Request, out: &mut Outbox<Self>) {
        let is_new = request.term > self.term();
        if !self.node.has_fresh_leader() {
            self.node.attempts.contested(request.from);
        }
        let granted = request.term >= self.term() && self.listens(request) && {
            if is_new {
                // I5: a leader stops leading here, before it can give its vote away.
                self.adopt(request.term, out);
            }
            self.may_vote_for(request.from) && request.last_log >= self.durable.last_log
        };
        if granted {
            self.step_down(out);
            let mut first = false;
            if self.durable.voted_for.is_none() {
                self.durable.voted_for = Some(request.from); // I2
                first = self.give_way(request.from);
            }
            // In a term that it has entered before, this node may have acknowledged the leader of
            // that very term before a restart. That silence stays.
            let owes_silence =
                self.node.rules.config.check_quorum && !is_new && self.node.has_fresh_leader();
            let waits_on = !first && !self.node.owes_silence();
            if !owes_silence && !waits_on {
                self.node.keep_vigil(out);
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
    /// the next try to it. Returns `true` if the wait begins anew.
    fn give_way(&mut self, candidate: NodeId) -> bool {
        let attempts = &mut self.node.attempts;
        let first = attempts.give_way(candidate);
        if first && !self.node.rules.has_room(attempts.count()) {
            attempts.widen();
        }
        first
    }

    /// "If a server receives a `RequestVote` request within the minimum election timeout of hearing
    /// from a current leader, it does not update its term or grant its vote" (dissertation,
    /// section 4.2.3). The lease rests on this (I7).
    ///
    /// A transfer is considered nevertheless. The leader of the term before has stepped down for
    /// it, and the lease of any leader before *that* one had ended when that one was elected. That
    /// says nothing of a leader of the term of the transfer itself: see the caller.
    fn listens(&mut self, request: Request) -> bool {
        let check_quorum = self.node.rules.config.check_quorum;
        let refuses =
            check_quorum && request.asks != Asks::Transfer && self.node.has_fresh_leader();
        if refuses {
            self.node.set_aside(request);
        }
        !refuses
    }

    /// Returns `true` if this node may vote for `candidate` in its present term (I2). Once a term
    /// has a leader, there is no candidate left to vote for.
    fn may_vote_for(&self, candidate: NodeId) -> bool {
        self.node.elected.is_none()
            && self
                .durable
                .voted_for
                .is_none_or(|choice| choice == candidate)
    }
}
