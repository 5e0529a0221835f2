use std::fmt;

use elector_core::NodeId;
use serde::{Deserialize, Serialize};

use super::fingerprint;
use crate::record::Ids;

/// The maximum number of ids that are sent with a list of nodes. The ids are sent only so that a
/// rejection can name the nodes of both sides. The lists are compared by their fingerprints.
const MAX_NAMED: usize = 64;

/// The list of nodes of a node, in the form in which it is sent to a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NodeList {
    /// The number of this list: 1, plus the number of changes of the list.
    pub(crate) generation: u64,
    /// Zero, or the random number that `elector recover` has drawn for the cluster.
    pub(crate) lineage: [u8; 16],
    /// The fingerprint (a hash) of the ids of all nodes.
    fingerprint: u64,
    /// The ids in ascending order; empty if there are more than [`MAX_NAMED`].
    named: Vec<NodeId>,
}

impl NodeList {
    /// Creates the list of these nodes, which must be in ascending order.
    pub(crate) fn new(nodes: &[NodeId], generation: u64, lineage: [u8; 16]) -> Self {
        let named = if nodes.len() <= MAX_NAMED { nodes } else { &[] };
        Self {
            generation,
            lineage,
            fingerprint: fingerprint::of_nodes(nodes),
            named: named.to_vec(),
        }
    }

    /// Returns `true` if the list has no nodes. The list of a node that joined a running cluster is
    /// empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.fingerprint == fingerprint::of_nodes(&[])
    }

    /// Returns `false` if it is certain that one of these nodes is not in the list.
    pub(crate) fn may_contain<T>(&self, nodes: &[(NodeId, T)]) -> bool {
        self.named.is_empty() || nodes.iter().all(|(node, _)| self.named.contains(node))
    }

    /// Returns `true` if both lists have the same nodes. The generations may differ.
    pub(crate) fn has_nodes_of(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint && self.named == other.named
    }

    /// Returns `true` if both lists have the same generation (number of the list) and the same
    /// lineage, the number that a recovery draws.
    pub(crate) fn has_generation_of(&self, other: &Self) -> bool {
        self.generation == other.generation && self.lineage == other.lineage
    }
}

impl fmt::Display for NodeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.named.as_slice() {
            [] => write!(f, "a list of more than {MAX_NAMED} nodes")?,
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

    // A list that is too long for its ids to be sent must still be distinguished from other long
    // lists.
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
