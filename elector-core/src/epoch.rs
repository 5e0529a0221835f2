use core::fmt;

use serde::{Deserialize, Serialize};

/// The number of an election round: Raft's term, Paxos's instance, and the number that Bully and
/// Ring give their coordinators. It is durable and monotonic on every node.
///
/// The pair `(epoch, leader)` is a tenure. Under [`Quorum`](crate::Quorum) an epoch never has more
/// than one leader. A [`FencingToken`](crate::FencingToken) is an epoch and the number of a grant
/// within it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch before any election.
    pub const ZERO: Self = Self(0);

    /// How far the epoch of a peer may be ahead of a node's own epoch. Even if there were a million
    /// elections per second, a node would have to be offline for nine years to be this far behind.
    pub const FARTHEST_AHEAD: u64 = 1 << 48;

    /// The highest epoch that a node in epoch zero, which has not joined the cluster yet, accepts
    /// from its peers.
    const HIGHEST_JOINED: u64 = 1 << 62;

    /// Returns `true` if a node in this epoch accepts a message that names the epoch `received`.
    /// The epoch `received` may be at most [`FARTHEST_AHEAD`](Self::FARTHEST_AHEAD) above this
    /// epoch. A node in epoch zero has not joined the cluster yet, and accepts the epoch of the
    /// cluster, up to 2^62.
    #[must_use]
    pub const fn accepts(self, received: Self) -> bool {
        let highest = match self.0 {
            0 => Self::HIGHEST_JOINED,
            own => own.saturating_add(Self::FARTHEST_AHEAD),
        };
        received.0 <= highest
    }

    /// Returns the epoch after this one. The number saturates: a peer that claims `u64::MAX` cannot
    /// make a node panic, and cannot make the node's epoch go back.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Returns the epoch after this one; `None` after the last epoch.
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

    // If a node accepted a message with an epoch near `u64::MAX`, the cluster would have no epochs
    // left for further elections.
    #[test]
    fn an_absurd_epoch_is_not_accepted() {
        let far = Epoch::FARTHEST_AHEAD;
        assert!(Epoch(7).accepts(Epoch(3)) && Epoch(7).accepts(Epoch(7 + far)));
        assert!(!Epoch(7).accepts(Epoch(8 + far)));
        assert!(
            Epoch::ZERO.accepts(Epoch(8 + far)),
            "a node without an epoch joins"
        );
        assert!(!Epoch::ZERO.accepts(Epoch(u64::MAX)));
        assert!(Epoch(u64::MAX).accepts(Epoch(u64::MAX)));
    }
}
