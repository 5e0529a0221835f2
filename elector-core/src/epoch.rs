use core::fmt;

use serde::{Deserialize, Serialize};

/// The number of a tenure: Raft's term, Paxos's instance, and what Bully and Ring number their
/// coordinators with. Durable and monotonic on every node.
///
/// `(epoch, leader)` names one tenure. Under [`Quorum`](crate::Quorum) an epoch has at most one
/// leader, ever; a [`FencingToken`](crate::FencingToken) is an epoch and the number of a grant
/// within it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// Before any election.
    pub const ZERO: Self = Self(0);

    /// How far the epochs of a peer may be ahead of a node's own: at a million elections a second
    /// a node would have been away for nine years.
    pub const FARTHEST_AHEAD: u64 = 1 << 48;

    /// The highest epoch that a node without one takes from its peers.
    const HIGHEST_JOINED: u64 = 1 << 62;

    /// Returns `true` if a node in this epoch may believe a peer that names `heard`: it is at most
    /// [`FARTHEST_AHEAD`](Self::FARTHEST_AHEAD) above. A node in epoch zero has yet to join, and
    /// takes the epoch that the cluster has, up to 2^62.
    #[must_use]
    pub const fn accepts(self, heard: Self) -> bool {
        let highest = match self.0 {
            0 => Self::HIGHEST_JOINED,
            own => own.saturating_add(Self::FARTHEST_AHEAD),
        };
        heard.0 <= highest
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    // One message with an epoch near the end of the numbers would end all elections for good.
    #[test]
    fn an_absurd_epoch_is_not_believed() {
        let far = Epoch::FARTHEST_AHEAD;
        assert!(Epoch(7).accepts(Epoch(3)) && Epoch(7).accepts(Epoch(7 + far)));
        assert!(!Epoch(7).accepts(Epoch(8 + far)));
        assert!(Epoch::ZERO.accepts(Epoch(8 + far)), "it joins");
        assert!(!Epoch::ZERO.accepts(Epoch(u64::MAX)));
        assert!(Epoch(u64::MAX).accepts(Epoch(u64::MAX)));
    }
}
