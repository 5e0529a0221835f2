use core::fmt;

use serde::{Deserialize, Serialize};

/// The random number that identifies a disk of a node. It is drawn when the disk is formatted, and
/// distinguishes two disks of one node, for example a new disk from the old one that it replaces.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiskId([u8; 16]);

impl DiskId {
    /// The disk id of a storage that has no id of its own, such as a storage in memory.
    pub const NONE: Self = Self([0; 16]);

    /// Creates a disk id from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns this disk id; `None` if it is [`NONE`](Self::NONE).
    #[must_use]
    pub fn known(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }
}

impl From<u128> for DiskId {
    fn from(number: u128) -> Self {
        Self(number.to_be_bytes())
    }
}

impl fmt::Display for DiskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for DiskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
