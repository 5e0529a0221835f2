use core::fmt;

use serde::{Deserialize, Serialize};

/// The id of a node. It stays the same as long as the cluster exists. Ids are ordered by their
/// number. Bully and Ring prefer the node with the highest id as the leader.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

// Traces and golden scenarios print messages with `{:?}`. There, `n3` is easier to read than
// `NodeId(3)`.
impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl From<u64> for NodeId {
    fn from(id: u64) -> Self {
        Self(id)
    }
}
