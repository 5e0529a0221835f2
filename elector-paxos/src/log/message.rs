use alloc::vec::Vec;

use elector_core::{
    Epoch, Message, NodeId, Pledge, Purpose,
    log::{Entry, LogIndex},
};
use serde::{Deserialize, Serialize};

use super::Slot;
use crate::Ballot;

/// The messages between the nodes of a [`MultiPaxos`](super::MultiPaxos). `M` is the message of the
/// election.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MultiPaxosMessage<M> {
    /// A message of the election.
    Election(M),
    /// Phase 1a, for all slots.
    Prepare {
        /// The ballot, which belongs to the sender.
        ballot: Ballot,
    },
    /// Phase 1b.
    Promise {
        /// The promised ballot.
        ballot: Ballot,
        /// The last entry that the sender knows to be chosen.
        committed: LogIndex,
        /// The entries that the sender has accepted after `committed`, without gaps.
        accepted: Vec<Slot>,
    },
    /// The sender has promised a higher ballot.
    Reject {
        /// The rejected ballot.
        ballot: Ballot,
        /// The promised ballot.
        promised: Ballot,
    },
    /// Phase 2a.
    Accept {
        /// The ballot, which belongs to the sender.
        ballot: Ballot,
        /// The first slot of this ballot. All slots before it were chosen when phase 2 began.
        start: LogIndex,
        /// The slot of the first of `entries`.
        first: LogIndex,
        /// The proposed entries of successive slots. They may be few or none.
        entries: Vec<Entry>,
        /// The last entry that the sender knows to be chosen.
        committed: LogIndex,
    },
    /// Phase 2b.
    Accepted {
        /// The ballot.
        ballot: Ballot,
        /// The sender has accepted all entries of this ballot up to this slot, or knows that they
        /// are chosen.
        matched: LogIndex,
        /// The last entry that the sender knows to be chosen.
        committed: LogIndex,
    },
    /// The sender misses chosen entries.
    Fetch {
        /// The first slot whose chosen entry the sender does not know.
        first: LogIndex,
    },
    /// The entries of these slots are chosen (section 2.3).
    Learn {
        /// The slot of the first of `entries`.
        first: LogIndex,
        /// The chosen entries of successive slots.
        entries: Vec<Entry>,
        /// The last entry that the sender knows to be chosen.
        committed: LogIndex,
    },
}

impl<M: Message> Message for MultiPaxosMessage<M> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Election(message) => message.kind(),
            Self::Prepare { .. } => "Prepare",
            Self::Promise { .. } => "Promise",
            Self::Reject { .. } => "Reject",
            Self::Accept { .. } => "Accept",
            Self::Accepted { .. } => "Accepted",
            Self::Fetch { .. } => "Fetch",
            Self::Learn { .. } => "Learn",
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Self::Election(message) => message.purpose(),
            _ => Purpose::Application,
        }
    }

    /// Returns the number of the ballot as an epoch, because it is at least as high as the epoch of
    /// its proposer. So hosts do not deliver a ballot with an absurd number, above which there
    /// would be no ballots left.
    fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Election(message) => message.epoch(),
            Self::Prepare { ballot }
            | Self::Promise { ballot, .. }
            | Self::Accept { ballot, .. }
            | Self::Accepted { ballot, .. } => Some(Epoch(ballot.counter)),
            Self::Reject { ballot, promised } => Some(Epoch(ballot.counter.max(promised.counter))),
            Self::Fetch { .. } | Self::Learn { .. } => None,
        }
    }

    fn pledge(&self, to: NodeId) -> Option<Pledge> {
        match self {
            Self::Election(message) => message.pledge(to),
            _ => None,
        }
    }
}
