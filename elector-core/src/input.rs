use serde::{Deserialize, Serialize};

use crate::NodeId;

/// A fact that reaches an algorithm. There are no others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Input<M, T> {
    /// The node runs, for the first time or again: always the first input after
    /// [`restore`](crate::ElectionAlgorithm::restore), and never given twice.
    Started,
    /// A message arrived.
    Received {
        /// The peer that the host authenticated; never a field of the message.
        from: NodeId,
        /// What it said. May be stale, repeated or out of order.
        message: M,
    },
    /// A timer that was set ran out, and was neither set again nor cancelled since.
    Elapsed(T),
    /// A hint from the host: the connection to this peer broke, or its process is gone. It may be
    /// wrong. It may start an election early; it never decides one.
    Suspected(NodeId),
    /// The application asks for something.
    Commanded(Command),
}

/// What an application may ask of an algorithm. One that makes no sense now is refused in words
/// ([`Outbox::refuse`](crate::Outbox::refuse)) and changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Try to become the leader now, without waiting for a timeout.
    Campaign,
    /// Stop leading, and stay out of the next election if others can lead.
    Resign,
    /// Stop leading in favour of this peer.
    TransferTo(NodeId),
}
