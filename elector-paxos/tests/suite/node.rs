//! One node under test. Tests give it inputs and check its steps.

// Each test file uses only a part of this.
#![allow(dead_code)]

use elector_core::{
    Command, Delay, Driver, Epoch, Input, Membership, Moment, NodeId, Step, TimerChange, View,
};
use elector_paxos::{Ballot, Paxos, PaxosConfig, PaxosDurable, PaxosMessage, PaxosTimer, Proposal};

pub(crate) struct Node {
    config: PaxosConfig,
    members: Membership,
    pub(crate) driver: Driver<Paxos>,
    pub(crate) disk: PaxosDurable,
    now: u64,
}

impl Node {
    /// Node 1 of `1..=nodes`, after its start.
    pub(crate) fn new(nodes: u64, config: &PaxosConfig) -> Self {
        let members = Membership::new(NodeId(1), (1..=nodes).map(NodeId)).unwrap();
        let disk = PaxosDurable::default();
        let mut node = Self {
            driver: Driver::restore(config, members.clone(), disk.clone()),
            config: config.clone(),
            members,
            disk,
            now: 0,
        };
        node.step(Input::Started);
        node
    }

    /// Runs one step. Zero timers do not elapse by themselves.
    pub(crate) fn step(&mut self, input: Input<PaxosMessage, PaxosTimer>) -> Box<Step<Paxos>> {
        self.now += 1;
        let now = Moment::from_nanos(self.now);
        let mut step = self.driver.step(input, now).unwrap();
        if let Some(disk) = &step.persist {
            self.disk = disk.clone();
        }
        step.sends.sort();
        step
    }

    pub(crate) fn receive(&mut self, from: u64, message: PaxosMessage) -> Box<Step<Paxos>> {
        let from = NodeId(from);
        self.step(Input::Received { from, message })
    }

    pub(crate) fn elapse(&mut self, timer: PaxosTimer) -> Box<Step<Paxos>> {
        self.step(Input::Elapsed(timer))
    }

    pub(crate) fn suspect(&mut self, peer: u64) -> Box<Step<Paxos>> {
        self.step(Input::Suspected(NodeId(peer)))
    }

    pub(crate) fn peer_returned(&mut self, peer: u64) -> Box<Step<Paxos>> {
        self.step(Input::Returned(NodeId(peer)))
    }

    pub(crate) fn prove_dead(&mut self, dead: u64) -> Box<Step<Paxos>> {
        self.step(Input::Died(NodeId(dead)))
    }

    pub(crate) fn command(&mut self, command: Command) -> Box<Step<Paxos>> {
        self.step(Input::Commanded(command))
    }

    /// Crashes the node and starts it again with the state on its disk.
    pub(crate) fn restart(&mut self) {
        self.driver = Driver::restore(&self.config, self.members.clone(), self.disk.clone());
        self.step(Input::Started);
    }

    pub(crate) fn view(&self) -> View {
        self.driver.view()
    }

    /// Makes the node propose, and promise to itself. Returns the ballot.
    pub(crate) fn propose(&mut self) -> Ballot {
        self.elapse(PaxosTimer::Vigil);
        let mut asked = self.elapse(PaxosTimer::Stagger);
        if asked.sends.is_empty() {
            asked = self.elapse(PaxosTimer::Retry);
        }
        self.elapse(PaxosTimer::OwnPromise);
        match asked.sends[0].message {
            PaxosMessage::Prepare { ballot, .. } => ballot,
            other => panic!("{other:?} is no proposal"),
        }
    }

    /// Makes the node lead the first epoch of a cluster of three, with the support of node 2.
    pub(crate) fn lead(&mut self) {
        let ballot = self.propose();
        self.receive(2, promise(e(1), ballot, None));
        self.elapse(PaxosTimer::OwnAccept);
        self.receive(2, accepted(e(1), ballot, 1));
        assert_eq!(self.view(), View::leading(e(1), NodeId(1)));
    }
}

pub(crate) fn e(epoch: u64) -> Epoch {
    Epoch(epoch)
}

pub(crate) fn ballot(counter: u64, node: u64) -> Ballot {
    let node = NodeId(node);
    Ballot { counter, node }
}

pub(crate) fn proposal(ballot: Ballot, value: u64) -> Proposal {
    let value = NodeId(value);
    Proposal { ballot, value }
}

pub(crate) fn prepare(epoch: Epoch, ballot: Ballot) -> PaxosMessage {
    let handover = false;
    PaxosMessage::Prepare {
        epoch,
        ballot,
        handover,
    }
}

pub(crate) fn promise(epoch: Epoch, ballot: Ballot, accepted: Option<Proposal>) -> PaxosMessage {
    PaxosMessage::Promise {
        epoch,
        ballot,
        accepted,
    }
}

pub(crate) fn accept(epoch: Epoch, ballot: Ballot, value: u64) -> PaxosMessage {
    let proposal = proposal(ballot, value);
    PaxosMessage::Accept { epoch, proposal }
}

pub(crate) fn accepted(epoch: Epoch, ballot: Ballot, value: u64) -> PaxosMessage {
    let proposal = proposal(ballot, value);
    PaxosMessage::Accepted { epoch, proposal }
}

pub(crate) fn learn(epoch: Epoch, leader: u64) -> PaxosMessage {
    let leader = NodeId(leader);
    let sent = Moment::ZERO;
    PaxosMessage::Learn {
        epoch,
        leader,
        sent,
    }
}

pub(crate) fn heartbeat(epoch: Epoch) -> PaxosMessage {
    let sent = Moment::ZERO;
    PaxosMessage::Heartbeat { epoch, sent }
}

/// Returns the refusal of `ballot` by a node in epoch 0 that has made this promise in instance 1.
pub(crate) fn reject(ballot: Ballot, promised: Ballot) -> PaxosMessage {
    PaxosMessage::Reject {
        ballot,
        epoch: e(0),
        leader: None,
        instance: e(1),
        promised: Some(promised),
    }
}

/// Returns the message that a step sends to `to`.
pub(crate) fn sent(step: &Step<Paxos>, to: u64) -> Option<PaxosMessage> {
    let out = step.sends.iter().find(|out| out.to == NodeId(to));
    out.map(|out| out.message)
}

/// Returns `true` if the step refuses a request of this peer.
pub(crate) fn rejects(step: &Step<Paxos>, to: u64) -> bool {
    matches!(sent(step, to), Some(PaxosMessage::Reject { .. }))
}

/// Returns the delay for which the step sets this timer.
pub(crate) fn set(step: &Step<Paxos>, timer: PaxosTimer) -> Option<Delay> {
    step.timers.iter().rev().find_map(|order| match order {
        TimerChange::Set(name, delay) if *name == timer => Some(*delay),
        TimerChange::Set(..) | TimerChange::Cancel(_) => None,
    })
}
