use elector_core::{Command, NodeId, Pledge, View, invariants::InvariantViolation};

use crate::action::position;

/// A message in flight.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Envelope<M> {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) message: M,
}

/// What happens to one node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// The number of an envelope.
    Received(u32),
    /// The place of a timer among those of the node.
    Elapsed(usize),
    Suspected(NodeId),
    Died(NodeId),
    Commanded(Command),
    Crashed,
    Restarted,
}

/// What an event does.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    /// The node after it.
    pub(crate) node: u32,
    /// The envelopes that the node sends.
    pub(crate) sends: Box<[u32]>,
    pub(crate) deed: u32,
    pub(crate) breach: Option<Box<InvariantViolation>>,
}

/// What an observer can learn from one step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Deed {
    pub(crate) node: NodeId,
    pub(crate) view: View,
    pub(crate) pledges: Vec<Pledge>,
}

/// How many kinds of events have codes of their own.
const KINDS: u32 = 6;

impl Event {
    /// A number that no other event of the same node has.
    pub(crate) fn code(self) -> u32 {
        let node = |id: NodeId| position(id) as u32;
        let (number, kind) = match self {
            Self::Received(envelope) => (envelope, 0),
            Self::Elapsed(timer) => (timer as u32, 1),
            Self::Suspected(peer) => (node(peer), 2),
            Self::Commanded(Command::TransferTo(peer)) => (node(peer), 3),
            Self::Commanded(Command::Campaign) => (0, 4),
            Self::Commanded(Command::Resign) => (1, 4),
            Self::Crashed => (2, 4),
            Self::Restarted => (3, 4),
            Self::Died(peer) => (node(peer), 5),
        };
        number * KINDS + kind
    }
}
