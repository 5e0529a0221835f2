mod campaign;
mod follow;
mod lead;
mod vote;

use elector_core::{
    Command, ElectionAlgorithm, Epoch, Input, Membership, Moment, NodeId, Outbox, Quorum, View,
};

use crate::{
    Raft, RaftConfig, RaftDurable, RaftMessage, RaftTimer,
    state::{Asks, Part, Request},
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

    fn view(&self) -> View {
        self.present()
    }

    /// Without `check_quorum` followers owe no silence, so that no round proves anything.
    fn lease(&self) -> Option<Moment> {
        match &self.part {
            Part::Leader { acks, .. } if self.rules.check_quorum => {
                acks.quorum(&self.rules.members)
            }
            Part::Leader { .. }
            | Part::Follower { .. }
            | Part::PreCandidate { .. }
            | Part::Candidate { .. } => None,
        }
    }

    fn has_lease(config: &RaftConfig) -> bool {
        config.check_quorum
    }

    fn raised(durable: &RaftDurable, floor: Epoch) -> Option<RaftDurable> {
        let mut raised = durable.clone();
        if raised.term <= floor {
            // A term that nobody has voted in.
            raised.term = floor.checked_next()?;
            raised.voted_for = None;
        }
        Some(raised)
    }

    fn step(&mut self, input: Input<RaftMessage, RaftTimer>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => self.started(out),
            Input::Received { from, message } => self.received(from, message, out),
            Input::Elapsed(timer) => self.elapsed(timer, out),
            Input::Suspected(peer) => self.suspected(peer, out),
            Input::Silent(peer) | Input::Died(peer) => self.gone(peer, out),
            Input::Returned(peer) => self.returned(peer),
            Input::Commanded(command) => self.commanded(command, out),
        }
    }
}

impl Raft {
    fn received(&mut self, from: NodeId, message: RaftMessage, out: &mut Outbox<Self>) {
        if !self.suspects.is_empty() {
            self.suspects.remove(from);
        }
        match message {
            RaftMessage::RequestPreVote {
                next_term: term,
                last_log,
            } => {
                let asks = Asks::PreVote;
                self.asked(
                    Request {
                        from,
                        asks,
                        term,
                        last_log,
                    },
                    out,
                );
            }
            RaftMessage::RequestVote {
                term,
                last_log,
                transfer,
            } => {
                let asks = if transfer { Asks::Transfer } else { Asks::Vote };
                self.asked(
                    Request {
                        from,
                        asks,
                        term,
                        last_log,
                    },
                    out,
                );
            }
            RaftMessage::PreVote {
                term,
                next_term,
                granted,
            } => self.pre_vote_answered(from, term, next_term, granted, out),
            RaftMessage::Vote { term, granted } => self.vote_answered(from, term, granted, out),
            RaftMessage::Heartbeat { term, sent, .. } => self.heartbeat(from, term, sent, out),
            RaftMessage::HeartbeatAck { term, sent } => self.acknowledged(from, term, sent, out),
            RaftMessage::TimeoutNow { term } => self.called_upon(from, term, out),
        }
    }

    fn elapsed(&mut self, timer: RaftTimer, out: &mut Outbox<Self>) {
        match timer {
            RaftTimer::Vigil => self.vigil_over(out),
            RaftTimer::Stagger => self.stagger_over(out),
            RaftTimer::OwnVote => self.vote_for_self(out),
            RaftTimer::Heartbeat => self.next_round(out),
            RaftTimer::Quorum => self.quorum_missed(out),
        }
    }

    fn commanded(&mut self, command: Command, out: &mut Outbox<Self>) {
        match command {
            Command::Campaign => self.told_to_campaign(out),
            Command::Resign => self.told_to_resign(out),
            Command::TransferTo(peer) => self.told_to_transfer(peer, out),
        }
    }
}
