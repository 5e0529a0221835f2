use elector_core::Epoch;
use serde::{Deserialize, Serialize};

/// The state that must survive a crash. The papers have no such state. This crate needs the state
/// for epochs and for serials (the numbers of tokens).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct RingDurable {
    /// The newest epoch in which this node led or followed a leader. The epoch never goes back.
    pub epoch: Epoch,
    /// The number of times that this node has started. This number is part of the serials of the
    /// node's tokens, so no node takes a token from before a crash for a new token.
    pub life: u64,
}
