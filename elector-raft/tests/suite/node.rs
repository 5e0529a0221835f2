//! One node under test. Tests give it inputs and check its steps.

// Each test file uses only a part of this.
#![allow(dead_code)]

use elector_core::{
    Command, Driver, Epoch, Input, Membership, Moment, NodeId, Step, TimerChange, View,
};
use elector_raft::{LogPosition, Raft, RaftConfig, RaftDurable, RaftMessage, RaftTimer};

pub(crate) const EMPTY: LogPosition = LogPosition {
    term: Epoch::ZERO,
    index: 0,
};

pub(crate) struct Node {
    driver: Driver<Raft>,
    now: u64,
    pub(crate) disk: RaftDurable,
    config: RaftConfig,
    members: Membership,
}

impl Node {
    /// Node 1 of `1..=nodes`, after its start.
    pub(crate) fn new(nodes: u64, config: &RaftConfig) -> Self {
        Self::with_disk(nodes, config, RaftDurable::default())
    }

    pub(crate) fn with_disk(nodes: u64, config: &RaftConfig, disk: RaftDurable) -> Self {
        let members = Membership::new(NodeId(1), (1..=nodes).map(NodeId)).unwrap();
        let mut node = Self {
            driver: Driver::restore(config, members.clone(), disk.clone()),
            now: 0,
            disk,
            config: config.clone(),
            members,
        };
        node.step(Input::Started);
        node
    }

    /// Crashes the node and starts it again with the state on its disk.
    pub(crate) fn restart(&mut self) {
        self.driver = Driver::restore(&self.config, self.members.clone(), self.disk.clone());
        self.step(Input::Started);
    }

    pub(crate) fn step(&mut self, input: Input<RaftMessage, RaftTimer>) -> Step<Raft> {
        self.now += 1;
        let step = self.driver.step(input, Moment::from_nanos(self.now));
        let step = *step.unwrap();
        if let Some(durable) = &step.persist {
            self.disk = durable.clone();
        }
        step
    }

    pub(crate) fn receive(&mut self, from: u64, message: RaftMessage) -> Step<Raft> {
        let from = NodeId(from);
        self.step(Input::Received { from, message })
    }

    pub(crate) fn elapse(&mut self, timer: RaftTimer) -> Step<Raft> {
        self.step(Input::Elapsed(timer))
    }

    pub(crate) fn suspect(&mut self, peer: u64) -> Step<Raft> {
        self.step(Input::Suspected(NodeId(peer)))
    }

    pub(crate) fn peer_returned(&mut self, peer: u64) -> Step<Raft> {
        self.step(Input::Returned(NodeId(peer)))
    }

    pub(crate) fn prove_dead(&mut self, dead: u64) -> Step<Raft> {
        self.step(Input::Died(NodeId(dead)))
    }

    pub(crate) fn command(&mut self, command: Command) -> Step<Raft> {
        self.step(Input::Commanded(command))
    }

    /// Lets the election timeout pass.
    pub(crate) fn time_out(&mut self) -> Step<Raft> {
        self.elapse(RaftTimer::Vigil);
        self.elapse(RaftTimer::Stagger)
    }

    /// Makes the node lead the next term, with the votes of the peers from 2 upwards.
    pub(crate) fn lead(&mut self) -> Step<Raft> {
        let majority = self.members.majority() as u64;
        self.time_out();
        let next_term = self.view().epoch.next();
        for peer in 2..=majority {
            let term = self.view().epoch;
            self.receive(peer, pre_vote(term, next_term));
        }
        let mut step = self.elapse(RaftTimer::OwnVote);
        for peer in 2..=majority {
            step = self.receive(peer, vote(next_term));
        }
        step
    }

    pub(crate) fn view(&self) -> View {
        self.driver.view()
    }

    pub(crate) fn lease(&self) -> Option<Moment> {
        self.driver.lease()
    }

    /// Returns the time of the last step.
    pub(crate) fn moment(&self) -> Moment {
        Moment::from_nanos(self.now)
    }
}

/// Returns the message that a step sends to `to`. There must be at most one.
pub(crate) fn sent(step: &Step<Raft>, to: u64) -> Option<RaftMessage> {
    let mut to_peer = step.sends.iter().filter(|out| out.to == NodeId(to));
    let first = to_peer.next().map(|out| out.message);
    assert_eq!(to_peer.next(), None, "there is one message for each peer");
    first
}

pub(crate) fn is_set(step: &Step<Raft>, timer: RaftTimer) -> bool {
    let last = step.timers.iter().rev().find(|order| match order {
        TimerChange::Set(name, _) | TimerChange::Cancel(name) => *name == timer,
    });
    matches!(last, Some(TimerChange::Set(..)))
}

pub(crate) fn plain() -> RaftConfig {
    RaftConfig {
        pre_vote: false,
        ..RaftConfig::default()
    }
}

pub(crate) fn paper() -> RaftConfig {
    RaftConfig {
        check_quorum: false,
        ..plain()
    }
}

pub(crate) fn e(term: u64) -> Epoch {
    Epoch(term)
}

pub(crate) fn request_vote(term: Epoch) -> RaftMessage {
    RaftMessage::RequestVote {
        term,
        last_log: EMPTY,
        transfer: false,
    }
}

pub(crate) fn transfer_request(term: Epoch) -> RaftMessage {
    RaftMessage::RequestVote {
        term,
        last_log: EMPTY,
        transfer: true,
    }
}

pub(crate) fn request_pre_vote(next_term: Epoch) -> RaftMessage {
    RaftMessage::RequestPreVote {
        next_term,
        last_log: EMPTY,
    }
}

pub(crate) fn vote(term: Epoch) -> RaftMessage {
    RaftMessage::Vote {
        term,
        granted: true,
    }
}

pub(crate) fn no_vote(term: Epoch) -> RaftMessage {
    RaftMessage::Vote {
        term,
        granted: false,
    }
}

pub(crate) fn pre_vote(term: Epoch, next_term: Epoch) -> RaftMessage {
    RaftMessage::PreVote {
        term,
        next_term,
        granted: true,
    }
}

pub(crate) fn no_pre_vote(term: Epoch, next_term: Epoch) -> RaftMessage {
    RaftMessage::PreVote {
        term,
        next_term,
        granted: false,
    }
}

pub(crate) fn heartbeat(term: Epoch) -> RaftMessage {
    RaftMessage::Heartbeat {
        term,
        sent: Moment::ZERO,
        announce: false,
    }
}

pub(crate) fn ack(term: Epoch, sent: Moment) -> RaftMessage {
    RaftMessage::HeartbeatAck { term, sent }
}
