use std::collections::BTreeMap;

use elector_core::{Epoch, NodeId};

/// The epoch that a node shows never goes back, not even across a restart.
#[derive(Debug, Default)]
pub struct EpochMonotonic {
    shown: BTreeMap<NodeId, Epoch>,
}

impl EpochMonotonic {
    /// The name in reports.
    pub const NAME: &'static str = "epoch-monotonic";

    /// `node` showed `epoch`, in a view or by being restored.
    pub fn shown(&mut self, node: NodeId, epoch: Epoch) -> Option<String> {
        let before = self.shown.entry(node).or_default();
        if epoch >= *before {
            *before = epoch;
            return None;
        }
        Some(format!(
            "node {node} showed epoch {epoch} after epoch {before}"
        ))
    }
}
