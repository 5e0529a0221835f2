use alloc::{vec, vec::Vec};
use core::{cmp::Reverse, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Membership, Moment, NodeId, NodeSet};

/// The acknowledgements that a leader has received: for each node, the send time of the newest
/// round of heartbeats that the node acknowledged. The lease of the leader is computed from these
/// times.
///
/// The leader stamps its heartbeats with [`Outbox::now`](crate::Outbox::now), and followers echo
/// the timestamp. At the time that [`quorum`](Self::quorum) returns, which is the quorum-th newest
/// of the echoed timestamps, a majority still followed the leader (Ongaro's dissertation, section
/// 6.4.1, with the send time in place of the receive time).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Acks {
    // For each member, by its position: the send time of the newest round that it has acknowledged.
    // `None` until the member has acknowledged a round.
    newest: Vec<Option<Moment>>,
    // The send time of the leader's first round of heartbeats in this tenure.
    first: Option<Moment>,
}

impl Acks {
    /// Creates the acknowledgements of a leader that has just been elected: no node has
    /// acknowledged a round of heartbeats yet.
    #[must_use]
    pub fn new(members: &Membership) -> Self {
        Self {
            newest: vec![None; members.len()],
            first: None,
        }
    }

    /// Records that `node` acknowledged the round of heartbeats that the leader sent at `sent`. The
    /// leader acknowledges each round itself when it sends the round. Returns `true` if the
    /// acknowledgement counts.
    ///
    /// Acknowledgements from nodes that are not members do not count. An acknowledgement of a round
    /// that the leader has not sent does not count, so that no peer can make a lease last longer
    /// than the leader's own clock allows. An acknowledgement with a timestamp before the first
    /// round of this tenure does not count: it belongs to an earlier tenure, and does not show that
    /// the peer follows the leader of this tenure. So the peer may support another node.
    pub fn record(&mut self, members: &Membership, node: NodeId, sent: Moment) -> bool {
        let position = |node| members.position(node);
        let me = members.me();
        if node == me {
            self.first.get_or_insert(sent);
        } else {
            let newest = position(me).and_then(|me| self.newest.get(me).copied().flatten());
            if Some(sent) > newest || Some(sent) < self.first {
                return false;
            }
        }
        let Some(slot) = position(node).and_then(|place| self.newest.get_mut(place)) else {
            return false;
        };
        *slot = (*slot).max(Some(sent));
        true
    }

    /// Returns the same acknowledgements for the members `new` in place of the members `old`. A
    /// node that is only in `new` has acknowledged no round yet.
    #[must_use]
    pub fn reseat(&self, old: &Membership, new: &Membership) -> Self {
        let newest_of = |&node| {
            let place = old.position(node)?;
            self.newest.get(place).copied().flatten()
        };
        Self {
            newest: new.nodes().iter().map(newest_of).collect(),
            first: self.first,
        }
    }

    /// Returns the send time of the newest round of heartbeats that a majority has acknowledged;
    /// `None` if no round has a majority yet.
    #[must_use]
    pub fn quorum(&self, members: &Membership) -> Option<Moment> {
        members
            .reached_by_majority(self.newest.iter().copied())
            .flatten()
    }

    /// Returns the successor of the leader `me`: the node that acknowledged the newest round, or
    /// any node if no node has acknowledged one. The method leaves out the nodes of `except`. If
    /// several nodes acknowledged the same round, it takes the next node after `me` in the order of
    /// ids, in which the lowest id follows the highest. So if several nodes cannot lead and each of
    /// them steps down, the leadership still comes to every node in turn.
    #[must_use]
    pub fn successor(&self, members: &Membership, me: NodeId, except: &NodeSet) -> Option<NodeId> {
        let known = members.nodes().iter().zip(&self.newest);
        known
            .filter(|&(&node, _)| node != me && !except.contains(node))
            .max_by_key(|&(&node, newest)| (*newest, node > me, Reverse(node)))
            .map(|(&node, _)| node)
    }

    /// Returns `true` if `node` has acknowledged no round that was sent within the last `span`,
    /// although this tenure is older than `span`. A node that is late in this way is unreachable,
    /// or does not follow the leader.
    #[must_use]
    pub fn is_late(&self, members: &Membership, node: NodeId, now: Moment, span: Duration) -> bool {
        let place = members.position(node);
        let newest = place.and_then(|place| self.newest.get(place).copied().flatten());
        let last = newest.max(self.first).unwrap_or(now);
        now.saturating_since(last) > span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Of five nodes, the lease must count from the third newest acknowledgement (the quorum-th
    // newest). If it counted from a later time, it could last longer than the time for which a
    // quorum supports no other node.
    #[test]
    fn the_quorum_moment_is_the_quorum_th_newest_acknowledgement() {
        let members = Membership::new(NodeId(1), (1..=5).map(NodeId)).unwrap();
        let mut acks = Acks::new(&members);
        for (node, nanos) in [(1, 10), (1, 50), (2, 40)] {
            acks.record(&members, NodeId(node), Moment::from_nanos(nanos));
        }
        assert_eq!(
            acks.quorum(&members),
            None,
            "two of five nodes are not a quorum"
        );
        acks.record(&members, NodeId(3), Moment::from_nanos(10));
        assert_eq!(acks.quorum(&members), Some(Moment::from_nanos(10)));
        acks.record(&members, NodeId(4), Moment::from_nanos(30));
        acks.record(&members, NodeId(4), Moment::from_nanos(20));
        assert_eq!(acks.quorum(&members), Some(Moment::from_nanos(30)));
        let mut suspects = NodeSet::new();
        let successor = |suspects: &NodeSet| acks.successor(&members, NodeId(1), suspects);
        assert_eq!(successor(&suspects), Some(NodeId(2)));
        suspects.insert(NodeId(2));
        assert_eq!(successor(&suspects), Some(NodeId(4)));
    }

    // A peer that echoes a timestamp of the far future must not keep the leader's lease valid for
    // ever.
    #[test]
    fn an_echo_from_the_future_does_not_count() {
        let members = Membership::new(NodeId(1), (1..=3).map(NodeId)).unwrap();
        let mut acks = Acks::new(&members);
        acks.record(&members, NodeId(2), Moment::from_nanos(u64::MAX));
        acks.record(&members, NodeId(1), Moment::from_nanos(10));
        acks.record(&members, NodeId(2), Moment::from_nanos(11));
        assert_eq!(acks.quorum(&members), None);
        acks.record(&members, NodeId(2), Moment::from_nanos(10));
        assert_eq!(acks.quorum(&members), Some(Moment::from_nanos(10)));
    }

    // A node that does not follow the leader of this tenure can answer a late heartbeat of an
    // earlier tenure. This answer must not count for the lease of this tenure.
    #[test]
    fn an_echo_of_an_earlier_tenure_does_not_count() {
        let members = Membership::new(NodeId(1), (1..=3).map(NodeId)).unwrap();
        let mut acks = Acks::new(&members);
        acks.record(&members, NodeId(1), Moment::from_nanos(10));
        acks.record(&members, NodeId(1), Moment::from_nanos(20));
        assert!(!acks.record(&members, NodeId(2), Moment::from_nanos(9)));
        assert_eq!(acks.quorum(&members), None);
        assert!(acks.record(&members, NodeId(2), Moment::from_nanos(10)));
        assert_eq!(acks.quorum(&members), Some(Moment::from_nanos(10)));
    }

    // A node has the time `span` to answer a round of heartbeats. Otherwise a leader that has just
    // been elected would take all its peers for late.
    #[test]
    fn a_node_is_overdue_one_span_after_its_last_round() {
        let members = Membership::new(NodeId(1), (1..=3).map(NodeId)).unwrap();
        let at = Moment::from_nanos;
        let is_late = |acks: &Acks, node, now| {
            acks.is_late(&members, NodeId(node), at(now), Duration::from_nanos(10))
        };
        let mut acks = Acks::new(&members);
        assert!(!is_late(&acks, 2, 50), "the leader has sent no round yet");
        acks.record(&members, NodeId(1), at(50));
        assert!(!is_late(&acks, 2, 60));
        assert!(is_late(&acks, 2, 61));
        acks.record(&members, NodeId(1), at(60));
        acks.record(&members, NodeId(2), at(60));
        assert!(!is_late(&acks, 2, 70));
        assert!(is_late(&acks, 3, 70) && is_late(&acks, 2, 71));
    }
}
