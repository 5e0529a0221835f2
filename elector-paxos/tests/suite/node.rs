//! A node of Paxos under test, and short names for its messages.

use elector_core::{Epoch, Moment, NodeId, Step, View};
use elector_paxos::{Ballot, Paxos, PaxosConfig, PaxosDurable, PaxosMessage, PaxosTimer, Proposal};

use crate::algorithm::node;
pub(crate) use crate::algorithm::node::{sent, set};

pub(crate) type Node = node::Node<Paxos>;

impl Node {
    /// Returns node 1 of a cluster of the nodes `1..=nodes`, after its start.
    pub(crate) fn new(nodes: u64, config: &PaxosConfig) -> Self {
        Self::restored(1, nodes, config, PaxosDurable::default()).start()
    }

    /// Makes the node propose, and promise to itself. Returns the ballot of its proposal.
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

/// Returns node 1 of a cluster of three nodes. It follows node 2 in epoch 1.
pub(crate) fn follower() -> Node {
    let mut node = Node::new(3, &PaxosConfig::default());
    node.receive(2, heartbeat(e(1)));
    assert_eq!(node.view(), View::following(e(1), Some(NodeId(2))));
    node
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

pub(crate) fn ack(epoch: Epoch, sent: Moment) -> PaxosMessage {
    PaxosMessage::HeartbeatAck { epoch, sent }
}

/// Returns the refusal of `ballot` by a node in epoch 0 that has made the promise `promised` in
/// instance 1.
pub(crate) fn reject(ballot: Ballot, promised: Ballot) -> PaxosMessage {
    PaxosMessage::Reject {
        ballot,
        epoch: e(0),
        leader: None,
        instance: e(1),
        promised: Some(promised),
    }
}

/// Returns `true` if the step refuses a request of this peer.
pub(crate) fn rejects(step: &Step<Paxos>, to: u64) -> bool {
    matches!(sent(step, to), Some(PaxosMessage::Reject { .. }))
}
