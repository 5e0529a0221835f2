use core::fmt;

use elector_core::{Epoch, NodeId};
use serde::{Deserialize, Serialize};

/// The state that must survive a crash: the paper's persistent state (figure 2).
///
/// Term and vote are one record, so a host (the program that runs the algorithm) writes them
/// together. A node that restarted with the new term and the old vote, or with the old term and the
/// new vote, could vote twice in one term.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RaftDurable {
    /// The newest term that this node has seen (`currentTerm`). The term never goes back.
    pub term: Epoch,
    /// The candidate that this node voted for in this term (`votedFor`). It is set once in a term,
    /// and cleared only when the term grows.
    pub voted_for: Option<NodeId>,
    /// The end of this node's log. Elections never change it: it stays at `(0, 0)`, unless a
    /// program that builds a log on top of the election changes it.
    pub last_log: LogPosition,
}

/// The position of the last entry of a log, in the order of section 5.4.1: "If the logs have last
/// entries with different terms, then the log with the later term is more up-to-date. If the logs
/// end with the same term, then whichever log is longer is more up-to-date."
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogPosition {
    // The derived `Ord` compares the fields from top to bottom: the term must stay first.
    /// The term in which the last entry was appended; zero for an empty log.
    pub term: Epoch,
    /// The number of the last entry, from 1; zero for an empty log.
    pub index: u64,
}

// Every request for a vote carries a position in the log, so the short form `0/0` keeps traces and
// scenarios readable.
impl fmt::Debug for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.term, self.index)
    }
}
