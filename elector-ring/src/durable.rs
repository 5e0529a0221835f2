use elector_core::Epoch;
use serde::{Deserialize, Serialize};

/// What a node must still know after a crash. The papers keep nothing; this is what numbering
/// tenures costs.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct RingDurable {
    /// The newest epoch in which this node led or followed.
    pub epoch: Epoch,
    /// How often this node has started. It makes the serials of its tokens unique, so that one
    /// from before a crash is never taken for one that is under way.
    pub life: u64,
}
