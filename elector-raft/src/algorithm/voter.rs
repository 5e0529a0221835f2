//! The voter: how a node answers requests for pre-votes and votes.

use elector_core::{NodeId, Outbox};

use crate::{
    Raft, RaftMessage,
    state::{Kind, Request},
};

impl Raft {
    pub(super) fn on_request(&mut self, request: Request, out: &mut Outbox<Self>) {
        match request.kind {
            Kind::PreVote => self.on_pre_vote_request(request, out),
            Kind::Vote | Kind::Transfer => self.on_vote_request(request, out),
        }
    }

    /// Answers whether this node would vote for the candidate. The vote, the term and the election
    /// timeout of this node do not change (invariant I6).
    fn on_pre_vote_request(&mut self, request: Request, out: &mut Outbox<Self>) {
        let has_leader = self.node.has_fresh_leader();
        if has_leader {
            self.node.set_aside(request);
        }
        let granted = !has_leader
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

    /// Votes at most once per term, for the first candidate that asks (section 5.2) and whose log
    /// is at least as up to date as that of this node (section 5.4.1).
    ///
    /// A candidate of an older term gets a refusal, which informs the candidate of the newer term.
    fn on_vote_request(&mut self, request: Request, out: &mut Outbox<Self>) {
        let is_new = request.term > self.term();
        if !self.node.has_fresh_leader() {
            self.node.attempts.contested(request.from);
        }
        let granted = request.term >= self.term() && self.considers(request) && {
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
                self.durable.voted_for = Some(request.from); // I2: the only vote in this term.
                first = self.give_way(request.from);
            }
            // The request can come from a transfer of leadership, for a term that this node has
            // entered already. Then this node may have acknowledged the leader of this term before
            // a restart, and it still owes that leader silence: it must not vote in a later term
            // yet.
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

    /// Gives the candidate time to be elected. Returns `true` if this node must restart its
    /// election timeout.
    ///
    /// The first vote for a candidate since the last leader is a sign of split votes. So it widens
    /// the random part of this node's election timeout, which makes split votes rarer, until the
    /// random part has room for one round trip per node. A later vote for the same candidate does
    /// not widen or restart the timeout: that candidate asks again and again but never leads, so it
    /// may receive no messages, or reach no quorum. If its voters widened or restarted their
    /// timeouts with each vote, that candidate would always make the next attempt before them.
    fn give_way(&mut self, candidate: NodeId) -> bool {
        let attempts = &mut self.node.attempts;
        let first = attempts.give_way(candidate);
        if first && !self.node.rules.has_room(attempts.count()) {
            attempts.widen();
        }
        first
    }

    /// Returns `true` if this node considers the request. Otherwise keeps the request until the
    /// silence that this node owes its leader ends, and returns `false`: "if a server receives a
    /// `RequestVote` request within the minimum election timeout" after a heartbeat of a current
    /// leader, "it does not update its term or grant its vote" (dissertation, section 4.2.3). The
    /// leader's lease depends on this rule (invariant I7).
    ///
    /// This node always considers the request of a transfer of leadership. The leader of the
    /// previous term stepped down before it asked the candidate to campaign, and the leases of all
    /// earlier leaders had ended when that leader was elected. This argument does not cover a
    /// leader of the transfer's own term: [`on_vote_request`](Self::on_vote_request) keeps the
    /// silence that this node owes to that leader.
    fn considers(&mut self, request: Request) -> bool {
        let check_quorum = self.node.rules.config.check_quorum;
        let refuses =
            check_quorum && request.kind != Kind::Transfer && self.node.has_fresh_leader();
        if refuses {
            self.node.set_aside(request);
        }
        !refuses
    }

    /// Returns `true` if this node may vote for `candidate` in its present term (invariant I2). A
    /// node votes for no candidate in a term that has a leader, or whose election is closed because
    /// the members have changed.
    fn may_vote_for(&self, candidate: NodeId) -> bool {
        let voted_for = self.durable.voted_for;
        let is_open = self.node.elected.is_none() && self.term() > self.closed;
        is_open && voted_for.is_none_or(|choice| choice == candidate)
    }
}
