use elector_core::Epoch;
use serde::{Deserialize, Serialize};

/// The state that must survive a crash. The papers have no such state: it is needed for epochs.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct RingDurable {
    /// The newest epoch in which this node led or followed. Never goes back.
    pub epoch: Epoch,
    /// How often this node has started. It makes the serials of its tokens unique, so a token from
    /// before a crash is never taken for a new one.
    pub life: u64,
}
