use core::fmt;

use serde::{Deserialize, Serialize};

/// The number of a tenure: Raft's term, Paxos's instance, and what Bully and Ring number their
/// coordinators with. Durable and monotonic on every node.
///
/// `(epoch, leader)` names one tenure. Under [`Quorum`](crate::Quorum) an epoch has at most one
/// leader, ever, so the epoch alone is a fencing token.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// Before any election.
    pub const ZERO: Self = Self(0);

    /// The epoch after this one. Saturates: a peer that claims `u64::MAX` cannot make a node
    /// panic, nor make its epoch go back.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The epoch after this one; `None` after the last.
    #[must_use]
    pub fn checked_next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}", self.0)
    }
}
