use alloc::{sync::Arc, vec::Vec};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{NodeId, NodeSet, debug_as_text};

/// The members of a cluster: a fixed set of nodes in the order of their ids, seen from one of them,
/// which is the local node. A membership is cheap to clone, because all clones share the list of
/// nodes.
///
/// When a membership is read from a file or from the wire, serde checks it by the same rules as
/// [`Membership::new`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Membership {
    me: NodeId,
    nodes: Arc<[NodeId]>,
}

/// A membership that was read, and that is not checked yet.
#[derive(Deserialize)]
#[serde(rename = "Membership")]
struct Unchecked {
    me: NodeId,
    nodes: Vec<NodeId>,
}

impl TryFrom<Unchecked> for Membership {
    type Error = MembershipError;

    fn try_from(read: Unchecked) -> Result<Self, MembershipError> {
        Self::new(read.me, read.nodes)
    }
}

/// Why a set of nodes is not a valid membership.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MembershipError {
    /// The set is empty.
    #[error("the list of nodes is empty: list the ids of all nodes, with this node's own id")]
    Empty,
    /// Two nodes have the same id.
    #[error("node id {0} is listed twice: give every node an id of its own")]
    Duplicate(NodeId),
    /// The local node is not in the set.
    #[error("this node's own id {0} is not in the list of nodes: add it")]
    NotAMember(NodeId),
}

debug_as_text!(MembershipError);

impl Membership {
    /// Creates the membership of the cluster of `nodes`, which may come in any order, with the
    /// local node `me`.
    ///
    /// # Errors
    /// If `nodes` is empty, has a duplicate, or does not contain `me`.
    pub fn new(
        me: NodeId,
        nodes: impl IntoIterator<Item = NodeId>,
    ) -> Result<Self, MembershipError> {
        let mut nodes: Vec<NodeId> = nodes.into_iter().collect();
        nodes.sort_unstable();
        if nodes.is_empty() {
            return Err(MembershipError::Empty);
        }
        if let Some(pair) = nodes.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(MembershipError::Duplicate(pair[0]));
        }
        if nodes.binary_search(&me).is_err() {
            return Err(MembershipError::NotAMember(me));
        }
        Ok(Self {
            me,
            nodes: nodes.into(),
        })
    }

    /// Returns the membership of the same cluster with `node` as the local node; `None` if `node`
    /// is not a member.
    #[must_use]
    pub fn seen_from(&self, node: NodeId) -> Option<Self> {
        self.contains(node).then(|| Self {
            me: node,
            nodes: Arc::clone(&self.nodes),
        })
    }

    /// Returns the local node.
    #[must_use]
    pub fn me(&self) -> NodeId {
        self.me
    }

    /// Returns all nodes in ascending order, including the local node.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// Returns the number of nodes, n.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a membership is never empty")]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns how many nodes make a majority quorum: ⌊n/2⌋ + 1.
    #[must_use]
    pub fn majority(&self) -> usize {
        self.nodes.len() / 2 + 1
    }

    /// Returns the highest value that a majority has reached. `values` has one value for each node
    /// of the cluster. Returns `None` if there are fewer values than a majority.
    pub fn reached_by_majority<T: Ord>(&self, values: impl IntoIterator<Item = T>) -> Option<T> {
        let mut values: Vec<T> = values.into_iter().collect();
        values.sort_unstable_by(|a, b| b.cmp(a));
        values.into_iter().nth(self.majority() - 1)
    }

    /// Returns `true` if this node is a member.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        self.position(node).is_some()
    }

    /// Returns `true` if this node is a member and is not the local node.
    #[must_use]
    pub fn has_peer(&self, node: NodeId) -> bool {
        node != self.me && self.contains(node)
    }

    /// Returns the position of this node in the order of ids, counted from 0; `None` if it is not a
    /// member.
    #[must_use]
    pub fn position(&self, node: NodeId) -> Option<usize> {
        self.nodes.binary_search(&node).ok()
    }

    /// Returns all nodes except the local node, in ascending order.
    pub fn peers(&self) -> impl DoubleEndedIterator<Item = NodeId> + Clone + '_ {
        let me = self.me;
        self.nodes.iter().copied().filter(move |&node| node != me)
    }

    /// Returns the peer with the highest id that is not in `suspects`; `None` if all are suspects.
    #[must_use]
    pub fn highest_peer(&self, suspects: &NodeSet) -> Option<NodeId> {
        self.peers().rfind(|&peer| !suspects.contains(peer))
    }

    /// Returns the nodes with a higher id than the local node, in ascending order.
    #[must_use]
    pub fn above(&self) -> &[NodeId] {
        let first = self.nodes.partition_point(|&node| node <= self.me);
        &self.nodes[first..]
    }

    /// Returns the nodes with a lower id than the local node, in ascending order.
    #[must_use]
    pub fn below(&self) -> &[NodeId] {
        let end = self.nodes.partition_point(|&node| node < self.me);
        &self.nodes[..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[u64]) -> Vec<NodeId> {
        ids.iter().copied().map(NodeId).collect()
    }

    // The error for an invalid cluster must name the rule that is broken.
    #[test]
    fn errors_name_the_broken_rule() {
        let of = |me, nodes: &[u64]| Membership::new(NodeId(me), ids(nodes)).unwrap_err();
        assert_eq!(of(1, &[]), MembershipError::Empty);
        assert_eq!(of(1, &[2, 1, 2]), MembershipError::Duplicate(NodeId(2)));
        assert_eq!(of(4, &[1, 2, 3]), MembershipError::NotAMember(NodeId(4)));
    }

    // Bully asks the nodes with higher ids and notifies the nodes with lower ids. With an
    // off-by-one error in these lists, no node would be elected.
    #[test]
    fn neighbours_are_split_by_id() {
        let members = Membership::new(NodeId(3), ids(&[5, 1, 3, 2])).unwrap();
        assert_eq!(members.above(), ids(&[5]));
        assert_eq!(members.below(), ids(&[1, 2]));
        assert_eq!(members.peers().collect::<Vec<_>>(), ids(&[1, 2, 5]));
    }

    // In a cluster with an even number of nodes, half of the nodes must not be a quorum.
    #[test]
    fn a_majority_is_more_than_half() {
        let majority = |n| {
            Membership::new(NodeId(1), (1..=n).map(NodeId))
                .unwrap()
                .majority()
        };
        assert_eq!([1, 2, 3, 4, 5, 6].map(majority), [1, 2, 2, 3, 3, 4]);
    }
}
