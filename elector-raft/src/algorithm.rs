mod candidate;
mod commands;
mod follower;
mod leader;
mod voter;

use elector_core::{
    ElectionAlgorithm, Epoch, Input, Membership, Moment, NodeId, Outbox, Quorum, View,
    quorum::{Due, Phase, Reseat},
};

use crate::{
    Raft, RaftConfig, RaftDurable, RaftMessage, RaftTimer,
    state::{Candidacy, Kind, Request, rules},
};

impl ElectionAlgorithm for Raft {
    const NAME: &'static str = "raft";

    type Guarantee = Quorum;
    type Config = RaftConfig;
    type Message = RaftMessage;
    type Timer = RaftTimer;
    type Durable = RaftDurable;

    fn restore(config: &RaftConfig, members: Membership, durable: RaftDurable) -> Self {
        Self::new(config, members, durable)
    }

    fn durable(&self) -> &RaftDurable {
        &self.durable
    }

    /// Returns the view of this node. A node that asks for pre-votes has the role of a
    /// pre-candidate: it has sent no request for votes since it began to ask for pre-votes. But
    /// votes of its present term that arrive late may still elect it.
    fn view(&self) -> View {
        match &self.node.phase {
            Phase::Candidate(Candidacy::PreVote { .. }) => View::asking_first(self.term()),
            Phase::Candidate(Candidacy::Vote { .. })
            | Phase::Follower { .. }
            | Phase::Leader(_) => self.node.view(self.term()),
        }
    }

    fn lease(&self) -> Option<Moment> {
        self.node.lease()
    }

    fn has_lease(config: &RaftConfig) -> bool {
        config.check_quorum
    }

    fn raised(durable: &RaftDurable, floor: Epoch) -> Option<RaftDurable> {
        let mut raised = durable.clone();
        if raised.term <= floor {
            // The node has not voted in the new term.
            raised.term = floor.checked_next()?;
            raised.voted_for = None;
        }
        Some(raised)
    }

    fn check(&self) -> Result<(), &'static str> {
        self.node.check()?;
        let has_own_vote = self.durable.voted_for == Some(self.node.me());
        let is_silent = self.node.owes_silence();
        match &self.node.phase {
            Phase::Leader(_) if !has_own_vote => Err("I3: a leader has its own durable vote"),
            Phase::Candidate(Candidacy::Vote { election, .. })
                if *election <= self.term() && !has_own_vote =>
            {
                Err("I5: a candidate in its own term has voted for itself")
            }
            Phase::Candidate(Candidacy::Vote { .. }) if is_silent => {
                Err("I7: a candidate owes no leader silence")
            }
            Phase::Candidate(Candidacy::PreVote { granted, .. })
                if is_silent && granted.granted().contains(self.node.me()) =>
            {
                Err("I7: a node that owes a leader silence does not count its own pre-vote")
            }
            Phase::Follower { .. } | Phase::Candidate(_) | Phase::Leader(_) => Ok(()),
        }
    }

    fn step(&mut self, input: Input<RaftMessage, RaftTimer>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => self.node.on_started(out),
            Input::Received { from, message } => self.on_message(from, message, out),
            Input::Elapsed(timer) => self.on_timer(timer, out),
            Input::Suspected(peer) => {
                let due = self.node.on_suspected(peer, out);
                self.carry_out(due, out);
            }
            Input::Silent(peer) | Input::Died(peer) => {
                let due = self.node.on_marked_down(peer, out);
                self.carry_out(due, out);
            }
            Input::Returned(peer) => self.node.clear_suspicion(peer),
            Input::Commanded(command) => self.on_command(&command, out),
        }
    }
}

impl Reseat for Raft {
    fn reseat(&mut self, members: Membership, closed: Epoch, out: &mut Outbox<Self>) {
        if closed > self.term() {
            self.adopt(closed, out);
        }
        self.closed = self.closed.max(closed);
        let rules = rules(&self.node.rules.config, members);
        self.node.reseat(rules, out);
    }
}

impl Raft {
    fn on_message(&mut self, from: NodeId, message: RaftMessage, out: &mut Outbox<Self>) {
        self.node.clear_suspicion(from);
        let request = |kind, term, last_log| Request {
            from,
            kind,
            term,
            last_log,
        };
        match message {
            RaftMessage::RequestPreVote {
                next_term,
                last_log,
            } => self.on_request(request(Kind::PreVote, next_term, last_log), out),
            RaftMessage::RequestVote {
                term,
                last_log,
                transfer,
            } => {
                let kind = if transfer { Kind::Transfer } else { Kind::Vote };
                self.on_request(request(kind, term, last_log), out);
            }
            RaftMessage::PreVote {
                term,
                next_term,
                granted,
            } => self.on_pre_vote(from, term, next_term, granted, out),
            RaftMessage::Vote { term, granted } => self.on_vote(from, term, granted, out),
            RaftMessage::Heartbeat { term, sent, .. } => self.on_heartbeat(from, term, sent, out),
            RaftMessage::HeartbeatAck { term, sent } => {
                self.on_heartbeat_ack(from, term, sent, out);
            }
            RaftMessage::TimeoutNow { term } => self.on_timeout_now(from, term, out),
        }
    }

    fn on_timer(&mut self, timer: RaftTimer, out: &mut Outbox<Self>) {
        match timer {
            RaftTimer::Vigil | RaftTimer::Stagger => {
                let due = self.node.on_wait_timer(timer, out);
                self.carry_out(due, out);
            }
            RaftTimer::OwnVote => self.vote_for_self(out),
            RaftTimer::Heartbeat => self.send_round(false, out),
            // "A leader steps down if an election timeout elapses without a successful round of
            // heartbeats to a majority of its cluster" (dissertation, section 6.2). The node stays
            // in the same term: messages of a higher term could depose a leader that other nodes
            // follow. This node never leads the same term again (invariant I4).
            RaftTimer::Quorum => self.node.step_down(out),
        }
    }

    /// Carries out what the election timeout has decided. Without pre-votes, every request binds
    /// the voter that grants it. So, without pre-votes, a node sends no request ahead
    /// ([`Due::AskAhead`]): it waits until it may vote again, which is when it does not owe its
    /// last leader silence (support for no other node) any more (invariant I7).
    fn carry_out(&mut self, due: Due<Request>, out: &mut Outbox<Self>) {
        match due {
            Due::AskAhead if self.node.rules.config.pre_vote => self.ask_ahead(out),
            Due::AskAhead | Due::Nothing => {}
            Due::Campaign => self.campaign(out),
            Due::Resume(asked) => {
                self.ask_for_pre_votes(out);
                if let Some(request) = asked {
                    self.on_request(request, out);
                }
            }
            Due::Answer(request) => self.on_request(request, out),
        }
    }
}
