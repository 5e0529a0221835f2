use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{Membership, NodeId};

/// A set of nodes. Written as a list of ids in ascending order; read from a list in any order,
/// since a peer may send one and every lookup rests on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<NodeId>")]
pub struct NodeSet(Vec<NodeId>);

impl From<Vec<NodeId>> for NodeSet {
    fn from(nodes: Vec<NodeId>) -> Self {
        nodes.into_iter().collect()
    }
}

impl NodeSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a node; whether it was new.
    pub fn insert(&mut self, node: NodeId) -> bool {
        match self.0.binary_search(&node) {
            Ok(_) => false,
            Err(place) => {
                self.0.insert(place, node);
                true
            }
        }
    }

    /// Takes a node out; whether it was in.
    pub fn remove(&mut self, node: NodeId) -> bool {
        self.0.binary_search(&node).is_ok_and(|place| {
            self.0.remove(place);
            true
        })
    }

    /// Whether this node is in.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        self.0.binary_search(&node).is_ok()
    }

    /// How many nodes are in.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes everybody out.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The nodes in ascending order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.0.iter().copied()
    }

    /// The highest node.
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

/// How a majority vote stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Neither side can be sure.
    Pending,
    /// A majority granted it.
    Won,
    /// So many refused that a majority can no longer grant it.
    Lost,
}

/// Counts one majority vote. A node counts once; its first answer stands. Answers of strangers do
/// not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tally {
    granted: NodeSet,
    refused: NodeSet,
}

impl Tally {
    /// A vote in which nobody has answered.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            granted: NodeSet::new(),
            refused: NodeSet::new(),
        }
    }

    /// Records the answer of `node`, and says how the vote stands.
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

    /// How the vote stands.
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

    /// Who granted it.
    #[must_use]
    pub fn granted(&self) -> &NodeSet {
        &self.granted
    }

    /// Who refused it.
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

    // A vote counted twice is a majority of one.
    #[test]
    fn a_node_counts_once_and_its_first_answer_stands() {
        let (members, mut tally) = (members(3), Tally::new());
        assert_eq!(tally.record(&members, NodeId(2), true), Verdict::Pending);
        assert_eq!(tally.record(&members, NodeId(2), true), Verdict::Pending);
        assert_eq!(tally.record(&members, NodeId(9), true), Verdict::Pending);
        assert_eq!(tally.record(&members, NodeId(2), false), Verdict::Pending);
        assert_eq!(tally.record(&members, NodeId(3), true), Verdict::Won);
    }

    // Half of an even cluster is enough to block, and not enough to win.
    #[test]
    fn half_of_an_even_cluster_blocks() {
        let (members, mut tally) = (members(4), Tally::new());
        tally.record(&members, NodeId(1), true);
        tally.record(&members, NodeId(2), true);
        assert_eq!(tally.record(&members, NodeId(3), false), Verdict::Pending);
        assert_eq!(tally.record(&members, NodeId(4), false), Verdict::Lost);
    }
}
