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
    /// A suspicion of the host: the connection to this peer broke, was refused, or another life of
    /// the peer answers. It may be wrong, for whatever is between two nodes can cause it. It may
    /// prepare an election. It must not shorten the silence that a voter owes to a lease.
    Suspected(NodeId),
    /// The host has heard nothing at all of this peer for longer than [`Timing::lease`] by its own
    /// clock, with room for drift. So no lease rests on what the node has acknowledged to that
    /// peer, and it owes it no silence any more. The peer may live.
    ///
    /// [`Timing::lease`]: crate::Timing::lease
    Silent(NodeId),
    /// A proof of the host: the life of this peer that the node knows has ended, and with it all
    /// that it did as a leader. Only an observer that saw the process end can give it. What the
    /// node owed to that life it owes no more. A host drops a proof of any other life, as that says
    /// nothing about the present one.
    Died(NodeId),
    /// The host hears this peer again, after it gave one of the three above: what was believed of
    /// the peer is not so any more. That peer may be in another life by now, so a leader that has
    /// returned need not lead.
    Returned(NodeId),
    /// The application asks for something.
    Commanded(Command),
}

impl<M, T> Input<M, T> {
    /// The peer that the fact comes from, or is about.
    #[must_use]
    pub const fn peer(&self) -> Option<NodeId> {
        match self {
            Self::Received { from: peer, .. }
            | Self::Suspected(peer)
            | Self::Silent(peer)
            | Self::Died(peer)
            | Self::Returned(peer) => Some(*peer),
            Self::Started | Self::Elapsed(_) | Self::Commanded(_) => None,
        }
    }
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
