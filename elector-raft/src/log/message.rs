use alloc::vec::Vec;

use elector_core::{
    Epoch, Message, NodeId, Pledge, Purpose,
    log::{Entry, LogIndex},
};
use serde::{Deserialize, Serialize};

use crate::{LogPosition, RaftMessage};

/// The messages between the nodes of a [`RaftLog`](super::RaftLog).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RaftLogMessage {
    /// A message of the election.
    Election(RaftMessage),
    /// The leader's log continues after `previous` with `entries` (`AppendEntries`).
    Append {
        /// The leader's term.
        term: Epoch,
        /// The entry before the first of `entries`, in the leader's log.
        previous: LogPosition,
        /// The next entries of the leader's log. They may be few or none.
        entries: Vec<Entry>,
        /// The last entry that the leader knows to be committed.
        committed: LogIndex,
    },
    /// The sender's log is equal to the leader's log up to this entry, and on the sender's disk.
    Stored {
        /// The term of the leader.
        term: Epoch,
        /// The last entry that is known to be equal.
        matched: LogIndex,
        /// The last entry that the sender knows to be committed.
        committed: LogIndex,
    },
    /// The sender has no entry at `previous` of an [`Append`](Self::Append), or one of another
    /// term.
    Conflict {
        /// The term of the leader.
        term: Epoch,
        /// The index of `previous` in the message that is answered.
        previous: LogIndex,
        /// The last entry of the sender's log whose index and term are not higher than those of
        /// `previous`. The logs are equal up to this entry, or differ even before it.
        last_possible: LogPosition,
    },
    /// The sender has entries, and has not learnt for some heartbeats whether they are committed.
    Ask {
        /// The term of the leader.
        term: Epoch,
    },
}

impl Message for RaftLogMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Election(message) => message.kind(),
            Self::Append { .. } => "Append",
            Self::Stored { .. } => "Stored",
            Self::Conflict { .. } => "Conflict",
            Self::Ask { .. } => "Ask",
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Self::Election(message) => message.purpose(),
            Self::Append { .. }
            | Self::Stored { .. }
            | Self::Conflict { .. }
            | Self::Ask { .. } => Purpose::Application,
        }
    }

    fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Election(message) => message.epoch(),
            Self::Append { term, .. }
            | Self::Stored { term, .. }
            | Self::Conflict { term, .. }
            | Self::Ask { term } => Some(*term),
        }
    }

    fn pledge(&self, to: NodeId) -> Option<Pledge> {
        match self {
            Self::Election(message) => message.pledge(to),
            Self::Append { .. }
            | Self::Stored { .. }
            | Self::Conflict { .. }
            | Self::Ask { .. } => None,
        }
    }
}
