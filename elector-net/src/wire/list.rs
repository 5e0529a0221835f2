use std::fmt;

use elector_core::NodeId;
use serde::{Deserialize, Serialize};

use super::fingerprint;
use crate::record::Ids;

/// The longest list that is sent as a list, so that a refusal can name both sides' nodes.
const MOST_NAMED: usize = 64;

/// The list of nodes that a node works with, as it tells it to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NodeList {
    /// How often the list was changed, counted from 1.
    pub(crate) generation: u64,
    /// Reserved: zero.
    pub(crate) lineage: [u8; 16],
    /// Of the ids of all nodes.
    fingerprint: u64,
    /// The ids in ascending order; none if there are more than [`MOST_NAMED`].
    named: Vec<NodeId>,
}

impl NodeList {
    /// `nodes` in ascending order.
    pub(crate) fn new(nodes: &[NodeId], generation: u64, lineage: [u8; 16]) -> Self {
        let named = if nodes.len() <= MOST_NAMED {
            nodes
        } else {
            &[]
        };
        Self {
            generation,
            lineage,
            fingerprint: fingerprint::of_nodes(nodes),
            named: named.to_vec(),
        }
    }

    /// Returns `true` if both name the same nodes, in whatever generation.
    pub(crate) fn has_nodes_of(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint && self.named == other.named
    }

    /// Returns `true` if both are of the same change of the same list.
    pub(crate) fn has_generation_of(&self, other: &Self) -> bool {
        self.generation == other.generation && self.lineage == other.lineage
    }
}

impl fmt::Display for NodeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.named.as_slice() {
            [] => write!(f, "a list of more than {MOST_NAMED} nodes")?,
            named => Ids(named).fmt(f)?,
        }
        write!(f, " (generation {})", self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(ids: impl IntoIterator<Item = u64>) -> NodeList {
        let nodes: Vec<NodeId> = ids.into_iter().map(NodeId).collect();
        NodeList::new(&nodes, 2, [0; 16])
    }

    // A list that is too long to be sent must still be told from another one of that length.
    #[test]
    fn long_lists_are_compared_by_their_fingerprints() {
        let (long, other) = (list(1..=100), list(2..=101));
        assert!(long.has_nodes_of(&list(1..=100)));
        assert!(!long.has_nodes_of(&other));
        assert_eq!(
            other.to_string(),
            "a list of more than 64 nodes (generation 2)"
        );
        assert_eq!(list([1, 2, 7]).to_string(), "1, 2, 7 (generation 2)");
    }
}
