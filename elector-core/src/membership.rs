use alloc::{sync::Arc, vec::Vec};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{NodeId, NodeSet};

/// Who takes part: a fixed set of nodes in id order, seen from one of them. Cheap to clone.
///
/// Reading one from a file or from the wire checks the same rules as [`Membership::new`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Membership {
    me: NodeId,
    nodes: Arc<[NodeId]>,
}

/// A membership as it was read.
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

/// Why a set of nodes is no membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MembershipError {
    /// There is nobody in it.
    #[error("a cluster needs at least one node: list the node ids, this node's own among them")]
    Empty,
    /// Two nodes have the same id.
    #[error("node id {0} is listed twice: every node needs an id of its own")]
    Duplicate(NodeId),
    /// The local node is not in it.
    #[error("this node's own id {0} is not in the list of nodes: add it")]
    NotAMember(NodeId),
}

impl Membership {
    /// The cluster of `nodes`, in any order, seen from `me`.
    ///
    /// # Errors
    /// If `nodes` is empty, has a duplicate, or is without `me`.
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

    /// The same cluster seen from another of its nodes; `None` for a stranger.
    #[must_use]
    pub fn seen_from(&self, node: NodeId) -> Option<Self> {
        self.contains(node).then(|| Self {
            me: node,
            nodes: Arc::clone(&self.nodes),
        })
    }

    /// The local node.
    #[must_use]
    pub fn me(&self) -> NodeId {
        self.me
    }

    /// All nodes, in ascending order, the local one among them.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// How many nodes there are: n.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a membership is never empty")]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// How many nodes make a majority quorum: ⌊n/2⌋ + 1.
    #[must_use]
    pub fn majority(&self) -> usize {
        self.nodes.len() / 2 + 1
    }

    /// Whether this node takes part.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        self.position(node).is_some()
    }

    /// Returns `true` if this node takes part and is not the local one.
    #[must_use]
    pub fn has_peer(&self, node: NodeId) -> bool {
        node != self.me && self.contains(node)
    }

    /// The rank of this node in id order, from 0.
    #[must_use]
    pub fn position(&self, node: NodeId) -> Option<usize> {
        self.nodes.binary_search(&node).ok()
    }

    /// All nodes but the local one, in ascending order.
    pub fn peers(&self) -> impl DoubleEndedIterator<Item = NodeId> + Clone + '_ {
        let me = self.me;
        self.nodes.iter().copied().filter(move |&node| node != me)
    }

    /// The highest peer that is not among the suspects.
    #[must_use]
    pub fn highest_peer(&self, suspects: &NodeSet) -> Option<NodeId> {
        self.peers().rfind(|&peer| !suspects.contains(peer))
    }

    /// The nodes with a higher id than the local one, in ascending order.
    #[must_use]
    pub fn above(&self) -> &[NodeId] {
        let first = self.nodes.partition_point(|&node| node <= self.me);
        &self.nodes[first..]
    }

    /// The nodes with a lower id than the local one, in ascending order.
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

    // A cluster that is wrong in any way must be told which rule it breaks.
    #[test]
    fn broken_memberships_are_named() {
        let of = |me, nodes: &[u64]| Membership::new(NodeId(me), ids(nodes)).unwrap_err();
        assert_eq!(of(1, &[]), MembershipError::Empty);
        assert_eq!(of(1, &[2, 1, 2]), MembershipError::Duplicate(NodeId(2)));
        assert_eq!(of(4, &[1, 2, 3]), MembershipError::NotAMember(NodeId(4)));
    }

    // Bully asks those above and tells those below; an off-by-one there elects nobody.
    #[test]
    fn neighbours_are_split_by_id() {
        let members = Membership::new(NodeId(3), ids(&[5, 1, 3, 2])).unwrap();
        assert_eq!(members.above(), ids(&[5]));
        assert_eq!(members.below(), ids(&[1, 2]));
        assert_eq!(members.peers().collect::<Vec<_>>(), ids(&[1, 2, 5]));
    }

    // An even cluster must not accept half of itself as a quorum.
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
