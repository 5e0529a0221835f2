use elector_core::Epoch;
use serde::{Deserialize, Serialize};

use crate::Roster;

/// The state that must survive a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MembersDurable<D> {
    /// The newest roster that this node has received or made. This node does not support a node
    /// whose messages name an older roster.
    pub roster: Roster,
    /// The newest epoch of the views of this node while it was an observer. It is durable, so that
    /// the epoch in the view of an observer does not go back after a restart.
    pub seen: Epoch,
    /// The state of the election algorithm. An observer keeps the state of its time as a voter: if
    /// it becomes a voter again, its earlier votes still bind it.
    pub algorithm: D,
}
