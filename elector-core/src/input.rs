use serde::{Deserialize, Serialize};

use crate::{MembersChange, NodeId};

/// A fact that an algorithm receives. There are no other kinds of input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Input<M, T> {
    /// The node has started, for the first time or again. This is always the first input after
    /// [`restore`](crate::ElectionAlgorithm::restore), and it comes only once.
    Started,
    /// A message arrived.
    Received {
        /// The peer that the host authenticated. It is never a field of the message.
        from: NodeId,
        /// The message. It may be stale, repeated or out of order.
        message: M,
    },
    /// A timer elapsed. It was not set again or cancelled while it was running.
    Elapsed(T),
    /// A suspicion of the host: the connection to this peer broke or was refused, or another life
    /// of the peer answers. A suspicion may be wrong, because anything between two nodes can break
    /// a connection. The algorithm may prepare an election. It must not shorten the silence that a
    /// voter owes to a lease.
    Suspected(NodeId),
    /// The host has received nothing from this peer for longer than [`Timing::lease`], by its own
    /// clock and with room for clock drift. So no lease depends on an acknowledgement that this
    /// node sent to the peer, and the node owes the peer no silence any more. The peer may be
    /// alive.
    ///
    /// [`Timing::lease`]: crate::Timing::lease
    Silent(NodeId),
    /// A proof of death from the host: the life of this peer that the node knows has ended, and
    /// with it everything that this life did as a leader. Only a watcher that saw the process end
    /// can give this proof. The node owes no silence to that life any more. A host drops a proof of
    /// any other life, because such a proof says nothing about the current life.
    Died(NodeId),
    /// The host receives messages from this peer again, after it reported one of the three facts
    /// above. That fact does not hold any more. The peer may be in another life by now, so a leader
    /// that has returned need not lead.
    Returned(NodeId),
    /// The application gave a command.
    Commanded(Command),
}

impl<M, T> Input<M, T> {
    /// Returns the peer that the fact comes from, or is about.
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

/// A command of an application. A command that makes no sense in the current state is refused with
/// a reason ([`Outbox::refuse`](crate::Outbox::refuse)) and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Try to become the leader now, without a wait for a timeout.
    Campaign,
    /// Stop leading, and stay out of the next election if others can lead.
    Resign,
    /// Stop leading in favour of this peer.
    TransferTo(NodeId),
    /// Change the members. Only an algorithm whose members can change carries it out.
    ChangeMembers(MembersChange),
}
