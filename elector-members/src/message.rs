use elector_core::{DiskId, Epoch, Message, Moment, NodeId, Pledge, Purpose, RosterId, Scope};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};

use crate::{Rank, Roster};

/// The messages between nodes whose members can change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MembersMessage<M> {
    /// A message of the election algorithm. Only a voter with the same roster as the sender
    /// processes this message.
    Inner {
        /// The name of the sender's roster.
        roster: RosterId,
        /// The message of the election algorithm.
        message: M,
    },
    /// A roster. A node adopts a roster that is newer than its own, unless the node leads the term
    /// of the roster or a newer epoch.
    Roster(Roster),
    /// The leader asks which roster the receiver has on its disk. To an observer, which is a node
    /// that does not vote, this message is also a sign of life of the leader.
    Beat {
        /// The epoch of the leader.
        epoch: Epoch,
        /// The place of the leader's roster in the order of rosters.
        rank: Rank,
        /// The time on the leader's clock when it sent this message. The answer echoes this time.
        sent: Moment,
    },
    /// The answer to a [`Beat`](Self::Beat) or to a [`Roster`](Self::Roster): which roster the
    /// sender has on its disk. An observer (a node that does not vote) without a leader sends this
    /// message to all nodes that it knows.
    Holds {
        /// The place of the sender's roster in the order of rosters.
        rank: Rank,
        /// The epoch of the sender.
        epoch: Epoch,
        /// The id of the sender's disk.
        disk: Option<DiskId>,
        /// Whether the sender is a witness, which never leads.
        is_witness: bool,
        /// The timestamp of the [`Beat`](MembersMessage::Beat) that this message answers;
        /// [`Moment::ZERO`] if it answers none.
        sent: Moment,
    },
}

impl<M: Message> Message for MembersMessage<M> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Inner { message, .. } => message.kind(),
            Self::Roster(_) => "Roster",
            Self::Beat { .. } => "Beat",
            Self::Holds { .. } => "Holds",
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Self::Inner { message, .. } => message.purpose(),
            Self::Roster(_) | Self::Beat { .. } | Self::Holds { .. } => Purpose::Liveness,
        }
    }

    fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Inner { roster, message } => message.epoch().max(Some(roster.created)),
            Self::Roster(roster) => Some(roster.term),
            Self::Beat { epoch, rank, .. } | Self::Holds { epoch, rank, .. } => {
                Some(rank.term.max(*epoch))
            }
        }
    }

    fn pledge(&self, to: NodeId) -> Option<Pledge> {
        match self {
            Self::Inner { message, .. } => message.pledge(to),
            Self::Roster(_) | Self::Beat { .. } | Self::Holds { .. } => None,
        }
    }

    fn scope(&self) -> Scope {
        match self {
            Self::Inner { roster, .. } => Scope::Roster(*roster),
            Self::Roster(_) | Self::Beat { .. } | Self::Holds { .. } => Scope::AnyRoster,
        }
    }

    fn serialize_bare<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Inner { message, .. } => message.serialize(to),
            Self::Roster(_) | Self::Beat { .. } | Self::Holds { .. } => {
                Err(S::Error::custom("a message about rosters has no bare form"))
            }
        }
    }

    fn deserialize_bare<'de, D: Deserializer<'de>>(
        roster: RosterId,
        from: D,
    ) -> Result<Self, D::Error> {
        let message = M::deserialize(from)?;
        Ok(Self::Inner { roster, message })
    }
}
