use core::fmt;

use elector_core::{Epoch, NodeId};
use serde::{Deserialize, Serialize};

/// What a node must still know after a crash: the paper's persistent state (figure 2).
///
/// Term and vote are one record because they are written together. A node that came back with the
/// new term and the old vote, or the other way round, could vote twice in one term.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RaftDurable {
    /// The newest term this node has seen (`currentTerm`). Never goes back.
    pub term: Epoch,
    /// Whom it voted for in this term (`votedFor`). Set once in a term, cleared only when the term
    /// grows.
    pub voted_for: Option<NodeId>,
    /// Where its log ends. Elections alone never move it: it stays at `(0, 0)` until there is a
    /// log on top, which does.
    pub last_log: LogPosition,
}

/// The position of a log's last entry. The order is that of section 5.4.1: "If the logs have last
/// entries with different terms, then the log with the later term is more up-to-date. If the logs
/// end with the same term, then whichever log is longer is more up-to-date."
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogPosition {
    // The derived order compares the fields from the top: the term must stay first.
    /// The term in which the last entry was appended; zero for an empty log.
    pub term: Epoch,
    /// The number of the last entry, from 1; zero for an empty log.
    pub index: u64,
}

// Every request for a vote carries one; `0/0` keeps traces and scenarios readable.
impl fmt::Debug for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.term, self.index)
    }
}
