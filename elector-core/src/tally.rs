use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{Membership, NodeId};

/// A set of nodes. Serde writes the set as a list of ids in ascending order, and reads a list in
/// any order. Reading sorts the ids, because lookups need sorted ids, and a peer may send unsorted
/// ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<NodeId>")]
pub struct NodeSet(Vec<NodeId>);

impl From<Vec<NodeId>> for NodeSet {
    fn from(nodes: Vec<NodeId>) -> Self {
        nodes.into_iter().collect()
    }
}

impl NodeSet {
    /// Creates an empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a node. Returns `true` if the node was not in the set.
    pub fn insert(&mut self, node: NodeId) -> bool {
        self.0.binary_search(&node).is_err_and(|place| {
            self.0.insert(place, node);
            true
        })
    }

    /// Removes a node. Returns `true` if the node was in the set.
    pub fn remove(&mut self, node: NodeId) -> bool {
        self.0.binary_search(&node).is_ok_and(|place| {
            self.0.remove(place);
            true
        })
    }

    /// Returns `true` if this node is in the set.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        self.0.binary_search(&node).is_ok()
    }

    /// Returns the number of nodes in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns `true` if the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes all nodes.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the nodes in ascending order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.0.iter().copied()
    }

    /// Returns the node with the highest id; `None` if the set is empty.
    #[must_use]
    pub fn last(&self) -> Option<NodeId> {
        self.0.last().copied()
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        let mut nodes: Vec<NodeId> = nodes.into_iter().collect();
        nodes.sort_unstable();
        nodes.dedup();
        Self(nodes)
    }
}

/// The state of a majority vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The vote is not decided yet.
    Pending,
    /// A majority granted the request.
    Won,
    /// A majority can no longer grant the request, because too many nodes refused it.
    Lost,
}

/// Counts the answers to one request that needs a majority. Each member counts once: its first
/// answer stands, and later answers are ignored. Answers of nodes that are not members do not
/// count.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tally {
    granted: NodeSet,
    refused: NodeSet,
}

impl Tally {
    /// Creates the count of a vote that has no answers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records the answer of `node`, and returns the state of the vote.
    pub fn record(&mut self, members: &Membership, node: NodeId, granted: bool) -> Verdict {
        let answered = self.granted.contains(node) || self.refused.contains(node);
        if members.contains(node) && !answered {
            let side = if granted {
                &mut self.granted
            } else {
                &mut self.refused
            };
            side.insert(node);
        }
        self.verdict(members)
    }

    /// Returns the state of the vote.
    #[must_use]
    pub fn verdict(&self, members: &Membership) -> Verdict {
        if self.granted.len() >= members.majority() {
            Verdict::Won
        } else if members.len().saturating_sub(self.refused.len()) < members.majority() {
            Verdict::Lost
        } else {
            Verdict::Pending
        }
    }

    /// Returns the nodes that granted the request.
    #[must_use]
    pub fn granted(&self) -> &NodeSet {
        &self.granted
    }

    /// Returns the nodes that refused the request.
    #[must_use]
    pub fn refused(&self) -> &NodeSet {
        &self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(n: u64) -> Membership {
        Membership::new(NodeId(1), (1..=n).map(NodeId)).unwrap()
    }

    // If two answers of one node counted, one node alone could be a majority.
    #[test]
    fn a_node_counts_once_and_its_first_answer_stands() {
        let (members, mut tally) = (members(3), Tally::new());
        assert_eq!(tally.record(&members, NodeId(2), true), Verdict::Pending);
        assert_eq!(tally.record(&members, NodeId(2), true), Verdict::Pending);
        assert_eq!(tally.record(&members, NodeId(9), true), Verdict::Pending);
        assert_eq!(tally.record(&members, NodeId(2), false), Verdict::Pending);
        assert_eq!(tally.record(&members, NodeId(3), true), Verdict::Won);
    }

    // In a cluster with an even number of nodes, half of the nodes can prevent a majority, but
    // cannot be one.
    #[test]
    fn half_of_an_even_cluster_blocks() {
        let (members, mut tally) = (members(4), Tally::new());
        tally.record(&members, NodeId(1), true);
        tally.record(&members, NodeId(2), true);
        assert_eq!(tally.record(&members, NodeId(3), false), Verdict::Pending);
        assert_eq!(tally.record(&members, NodeId(4), false), Verdict::Lost);
    }
}
