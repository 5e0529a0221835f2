use core::fmt;

use serde::{Deserialize, Serialize};

/// The number of an entry in a log. The first entry has index 1.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogIndex(pub u64);

impl LogIndex {
    /// The index before the first entry of a log.
    pub const ZERO: Self = Self(0);

    /// Returns the next index. The number saturates, so that a peer that claims `u64::MAX` cannot
    /// make a node panic.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Returns the index before this one; zero for zero.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for LogIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

// Traces and golden scenarios print messages with `{:?}`. There, `i3` is easier to read than
// `LogIndex(3)`.
impl fmt::Debug for LogIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "i{}", self.0)
    }
}
