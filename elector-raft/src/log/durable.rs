use elector_core::log::{Entry, Log};
use serde::{Deserialize, Serialize};

use crate::RaftDurable;

/// The state of [`RaftLog`](super::RaftLog) that must survive a crash: the paper's persistent state
/// (figure 2).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RaftLogDurable {
    /// The term and the vote. The field `last_log` is the end of `log`.
    pub election: RaftDurable,
    /// The entries.
    pub log: Log<Entry>,
}
