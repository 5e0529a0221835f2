use elector_core::log::{Entry, Log, LogIndex};
use serde::{Deserialize, Serialize};

use crate::Ballot;

/// The state of [`MultiPaxos`](super::MultiPaxos) that must survive a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MultiPaxosDurable<D> {
    /// The state of the election.
    pub election: D,
    /// The highest ballot that this node has promised. A proposer promises its own ballot, too.
    pub promised: Ballot,
    /// The last entry that this node knew to be chosen at its last write. It is a lower bound: a
    /// new chosen entry alone causes no write.
    pub committed: LogIndex,
    /// The accepted entries.
    pub log: Log<Slot>,
}

/// An entry that a node has accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The ballot with which the node accepted the entry. For an entry that the node has fetched as
    /// a chosen one, the ballot has no meaning.
    pub ballot: Ballot,
    /// The entry.
    pub entry: Entry,
}
