use alloc::{vec, vec::Vec};
use core::{cmp::Reverse, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Membership, Moment, NodeId, NodeSet};

/// What a leader knows of its own quorum: for each node, the send time of the newest round that
/// the node acknowledged. The base of leases and of check-quorum.
///
/// The leader stamps its heartbeats with [`Outbox::now`](crate::Outbox::now), followers echo the
/// stamp, and the quorum-th newest echo is a moment at which a majority still followed it
/// (Ongaro's dissertation, section 6.4.1, with the send time in place of the receive time).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Acks {
    // By position in the membership; `None` until the node has acknowledged anything.
    newest: Vec<Option<Moment>>,
    // When the first round of this tenure was sent.
    first: Option<Moment>,
}

impl Acks {
    /// No node has acknowledged anything yet.
    #[must_use]
    pub fn new(members: &Membership) -> Self {
        Self {
            newest: vec![None; members.len()],
            first: None,
        }
    }

    /// Records that `node` acknowledged the round sent at `sent`; the leader itself acknowledges
    /// each round as it sends it. Returns whether that counts.
    ///
    /// Strangers do not count. An echo of a round that the leader has not sent does not, so that
    /// no peer can make a lease last longer than the leader's own clock says. An echo from before
    /// the first round does not either: it belongs to an earlier tenure, and its sender does not
    /// owe this tenure anything.
    pub fn record(&mut self, members: &Membership, node: NodeId, sent: Moment) -> bool {
        let at = |node| members.position(node);
        let me = members.me();
        if node == me {
            self.first.get_or_insert(sent);
        } else {
            let newest = at(me).and_then(|me| self.newest.get(me).copied().flatten());
            if Some(sent) > newest || Some(sent) < self.first {
                return false;
            }
        }
        let Some(slot) = at(node).and_then(|place| self.newest.get_mut(place)) else {
            return false;
        };
        *slot = (*slot).max(Some(sent));
        true
    }

    /// The send time of the newest round that a majority has acknowledged.
    #[must_use]
    pub fn quorum(&self, members: &Membership) -> Option<Moment> {
        let mut sorted = self.newest.clone();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        sorted.get(members.majority() - 1).copied().flatten()
    }

    /// To which node the leader `me` hands over: the one that acknowledged the newest round, or any
    /// if none has yet; not one of the suspects. Ties go to the next one after `me`, in the order
    /// of ids and around: if several nodes cannot lead and each hands over, all have their turn.
    #[must_use]
    pub fn heir(&self, members: &Membership, me: NodeId, suspects: &NodeSet) -> Option<NodeId> {
        let known = members.nodes().iter().zip(&self.newest);
        known
            .filter(|&(&node, _)| node != me && !suspects.contains(node))
            .max_by_key(|&(&node, newest)| (*newest, node > me, Reverse(node)))
            .map(|(&node, _)| node)
    }

    /// Whether `node` has acknowledged no round that was sent within the last `span`, though this
    /// tenure is older than that. Such a node is unreachable, or does not follow.
    #[must_use]
    pub fn misses(&self, members: &Membership, node: NodeId, now: Moment, span: Duration) -> bool {
        let place = members.position(node);
        let newest = place.and_then(|place| self.newest.get(place).copied().flatten());
        let last = newest.max(self.first).unwrap_or(now);
        u128::from(now.nanos().saturating_sub(last.nanos())) > span.as_nanos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A lease counted from anything newer than the quorum-th newest echo outlives its quorum.
    #[test]
    fn the_quorum_moment_is_the_majority_th_newest() {
        let members = Membership::new(NodeId(1), (1..=5).map(NodeId)).unwrap();
        let mut acks = Acks::new(&members);
        for (node, nanos) in [(1, 10), (1, 50), (2, 40)] {
            acks.record(&members, NodeId(node), Moment::from_nanos(nanos));
        }
        assert_eq!(acks.quorum(&members), None, "two of five are no quorum");
        acks.record(&members, NodeId(3), Moment::from_nanos(10));
        assert_eq!(acks.quorum(&members), Some(Moment::from_nanos(10)));
        acks.record(&members, NodeId(4), Moment::from_nanos(30));
        acks.record(&members, NodeId(4), Moment::from_nanos(20));
        assert_eq!(acks.quorum(&members), Some(Moment::from_nanos(30)));
        let mut suspects = NodeSet::new();
        let heir = |suspects: &NodeSet| acks.heir(&members, NodeId(1), suspects);
        assert_eq!(heir(&suspects), Some(NodeId(2)));
        suspects.insert(NodeId(2));
        assert_eq!(heir(&suspects), Some(NodeId(4)));
    }

    // One peer that echoes the end of time must not keep a leader's lease alive for ever.
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

    // A late heartbeat of an earlier tenure is answered by a node that does not follow this one:
    // its echo must not make a lease.
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

    // A tenure that has just begun has not missed anything yet.
    #[test]
    fn a_node_is_missed_a_span_after_its_last_round() {
        let members = Membership::new(NodeId(1), (1..=3).map(NodeId)).unwrap();
        let at = Moment::from_nanos;
        let misses = |acks: &Acks, node, now| {
            acks.misses(&members, NodeId(node), at(now), Duration::from_nanos(10))
        };
        let mut acks = Acks::new(&members);
        assert!(!misses(&acks, 2, 50), "no round was sent yet");
        acks.record(&members, NodeId(1), at(50));
        assert!(!misses(&acks, 2, 60));
        assert!(misses(&acks, 2, 61));
        acks.record(&members, NodeId(1), at(60));
        acks.record(&members, NodeId(2), at(60));
        assert!(!misses(&acks, 2, 70));
        assert!(misses(&acks, 3, 70) && misses(&acks, 2, 71));
    }
}
