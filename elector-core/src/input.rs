use serde::{Deserialize, Serialize};

use crate::{MembersChange, NodeId, log::Request};

/// An input of an algorithm: one fact that the host reports. An algorithm has no other kinds of
/// input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Input<M, T> {
    /// The node has started, for the first time or again. This is always the first input after
    /// [`restore`](crate::ElectionAlgorithm::restore), and it comes only once.
    Started,
    /// A message arrived.
    Received {
        /// The sender of the message, as the host authenticated it. The sender is never a field of
        /// the message.
        from: NodeId,
        /// The message. It may be stale, repeated or out of order.
        message: M,
    },
    /// This timer elapsed. Since the timer was set, no step has set it again or cancelled it.
    Elapsed(T),
    /// A suspicion of the host: the connection to this peer broke or was refused, or another life
    /// (process) of the peer answers. A suspicion may be wrong, because anything between two nodes
    /// can break a connection. The algorithm may prepare an election. But a suspicion must not
    /// shorten the silence that a voter owes to a leader with a lease: for [`Timing::election_min`]
    /// after a sign of life of the leader, the voter supports no other node.
    ///
    /// [`Timing::election_min`]: crate::Timing::election_min
    Suspected(NodeId),
    /// The host has received nothing from this peer for longer than [`Timing::lease`], by its own
    /// clock and with room for clock drift. The last acknowledgement that this node sent to the
    /// peer is older than that, so no lease of the peer depends on it any more. Therefore the node
    /// owes the peer no silence any more: it may support another node. The peer may be alive.
    ///
    /// [`Timing::lease`]: crate::Timing::lease
    Silent(NodeId),
    /// A proof of death from the host: the life (process) of this peer that the node knows has
    /// ended, and with it everything that this life did as a leader. Only a watcher that saw the
    /// process end can give this proof. The node owes no silence to that life any more: it may
    /// support another node. A host drops a proof of death of any other life, because such a proof
    /// says nothing about the life that the node knows.
    Died(NodeId),
    /// The host receives messages from this peer again, after it reported the peer as
    /// [suspected](Self::Suspected), [silent](Self::Silent) or [dead](Self::Died). That report does
    /// not hold any more. The peer may have been restarted (be in another life) since, so a peer
    /// that led before may not lead any more.
    Returned(NodeId),
    /// The application gave this command.
    Commanded(Command),
}

impl<M, T> Input<M, T> {
    /// Returns the peer that the fact comes from, or is about; `None` if the fact concerns no peer.
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

/// A command of an application. The algorithm refuses a command that makes no sense in its current
/// state: it gives a reason ([`Outbox::refuse`](crate::Outbox::refuse)) and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Try to become the leader now, without waiting for the election timeout.
    Campaign,
    /// Stop leading, and do not campaign in the next election if other nodes can lead.
    Resign,
    /// Stop leading in favour of this peer.
    TransferTo(NodeId),
    /// Change the members. Only an algorithm whose members can change carries out this command.
    ChangeMembers(MembersChange),
    /// Append this request to the replicated log. Only the leader of an algorithm with a log
    /// ([`ReplicatedLog`](crate::log::ReplicatedLog)) carries out this command.
    Propose(Request),
}
