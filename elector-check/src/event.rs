use elector_core::{NodeId, Pledge, View, invariants::InvariantViolation};

use crate::action::{Request, position};

/// A message with its sender and its receiver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Envelope<M> {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) message: M,
}

/// An event at one node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// A message arrives. The value is the number of its envelope.
    Received(u32),
    /// A timer elapses. The value is its index among the timers of the node.
    Elapsed(usize),
    Suspected(NodeId),
    Died(NodeId),
    Commanded(Request),
    Crashed,
    Restarted,
}

/// The effect of an event at one node.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    /// The number of the node's state ([`Node`](crate::node::Node)) after the event.
    pub(crate) node: u32,
    /// The numbers of the [`Envelope`]s that the node sends.
    pub(crate) sends: Box<[u32]>,
    pub(crate) observation: u32,
    pub(crate) violation: Option<Box<InvariantViolation>>,
}

/// What one step of a node has made visible: its view and its pledges.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Observation {
    pub(crate) node: NodeId,
    pub(crate) view: View,
    pub(crate) pledges: Vec<Pledge>,
}

/// The number of kinds of events that [`Event::code`] distinguishes. Two events of one kind have
/// different numbers.
const KINDS: u32 = 7;

impl Event {
    /// Returns a number that is unique among the events of one node.
    pub(crate) fn code(self) -> u32 {
        let node = |id: NodeId| position(id) as u32;
        let (number, kind) = match self {
            Self::Received(envelope) => (envelope, 0),
            Self::Elapsed(timer) => (timer as u32, 1),
            Self::Suspected(peer) => (node(peer), 2),
            Self::Commanded(Request::TransferTo(peer)) => (node(peer), 3),
            Self::Commanded(Request::Campaign) => (0, 4),
            Self::Commanded(Request::Resign) => (1, 4),
            Self::Commanded(Request::Change(number)) => (number as u32, 6),
            Self::Crashed => (2, 4),
            Self::Restarted => (3, 4),
            Self::Died(peer) => (node(peer), 5),
        };
        number * KINDS + kind
    }
}
