//! Compares the types that count votes, acknowledgements and nodes with simple models of them.
#![allow(clippy::unwrap_used, reason = "an unexpected result must end a test")]

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use elector_core::{Acks, Membership, MembershipError, Moment, NodeId, NodeSet, Tally, Verdict};
use proptest::prelude::*;

/// Returns a cluster of `n` nodes, seen from node 1.
fn cluster(n: u64) -> Membership {
    Membership::new(NodeId(1), (1..=n).map(NodeId)).unwrap()
}

proptest! {
    // Only the first answer of each member counts in a vote. If an answer of another node, or a
    // second answer, counted, a candidate could win without a majority.
    #[test]
    fn a_tally_counts_first_answers_of_members(
        n in 1..=9_u64,
        answers in prop::collection::vec((0..=11_u64, any::<bool>()), 0..30),
    ) {
        let (members, mut tally) = (cluster(n), Tally::new());
        let mut first = BTreeMap::new();
        for (node, granted) in answers {
            if (1..=n).contains(&node) {
                first.entry(node).or_insert(granted);
            }
            let yes = u64::try_from(first.values().filter(|yes| **yes).count()).unwrap();
            let no = u64::try_from(first.len()).unwrap() - yes;
            let expected = if 2 * yes > n {
                Verdict::Won
            } else if 2 * (n - no) <= n {
                Verdict::Lost
            } else {
                Verdict::Pending
            };
            prop_assert_eq!(tally.record(&members, NodeId(node), granted), expected);
            prop_assert_eq!(tally.verdict(&members), expected);
            let granted: Vec<u64> = tally.granted().iter().map(|node| node.0).collect();
            let yes = first.iter().filter(|(_, yes)| **yes).map(|(node, _)| *node);
            prop_assert_eq!(granted, yes.collect::<Vec<_>>());
        }
    }

    // `Acks::quorum` must return the newest time at which a majority still followed the leader. A
    // lease counts from this time, and not from the time of a later acknowledgement.
    #[test]
    fn acks_know_the_newest_moment_of_a_majority(
        n in 1..=9_u64,
        echoes in prop::collection::vec((0..=11_u64, 0..20_u64), 0..40),
        me in 0..=11_u64,
        suspect in 0..=11_u64,
    ) {
        let (members, mut acks) = (cluster(n), Acks::new(&cluster(n)));
        let mut newest = BTreeMap::<u64, u64>::new();
        let mut first = None;
        for (node, sent) in echoes {
            acks.record(&members, NodeId(node), Moment::from_nanos(sent));
            if node == 1 {
                first.get_or_insert(sent);
            }
            // Node 1 leads: only an acknowledgement of a round of heartbeats that it has sent in
            // this tenure counts.
            let round_exists = node == 1
                || first <= Some(sent) && newest.get(&1).is_some_and(|round| sent <= *round);
            if (1..=n).contains(&node) && round_exists {
                let known = newest.entry(node).or_insert(sent);
                *known = sent.max(*known);
            }
            let followed_at = |moment: u64| newest.values().filter(|at| **at >= moment).count();
            let quorum = (0..20).rev().find(|at| 2 * followed_at(*at) > members.len());
            prop_assert_eq!(acks.quorum(&members), quorum.map(Moment::from_nanos));
            let around = |node: u64| if node > me { node } else { node + n };
            let others = (1..=n).filter(|node| *node != me && *node != suspect);
            let successor = others.min_by_key(|node| (Reverse(newest.get(node)), around(*node)));
            let suspects = NodeSet::from_iter([NodeId(suspect)]);
            prop_assert_eq!(acks.successor(&members, NodeId(me), &suspects), successor.map(NodeId));
        }
    }

    // Algorithms keep the nodes that they remember in node sets, so a node set must do what a
    // `BTreeSet` does.
    #[test]
    fn a_node_set_is_a_set(changes in prop::collection::vec((any::<bool>(), 0..8_u64), 0..30)) {
        let (mut set, mut model) = (NodeSet::new(), BTreeSet::new());
        for (insert, node) in changes {
            let node = NodeId(node);
            if insert {
                prop_assert_eq!(set.insert(node), model.insert(node));
            } else {
                prop_assert_eq!(set.remove(node), model.remove(&node));
            }
            prop_assert!(set.iter().eq(model.iter().copied()));
            prop_assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
            prop_assert_eq!(set.last(), model.last().copied());
            prop_assert_eq!(set.contains(node), model.contains(&node));
        }
        let rebuilt: NodeSet = model.iter().rev().chain(&model).copied().collect();
        prop_assert_eq!(&rebuilt, &set);
        set.clear();
        prop_assert!(set.is_empty());
    }

    // A malicious peer may send an unsorted set over the wire: the set that is read must be sorted.
    #[test]
    fn a_node_set_from_an_unsorted_list_is_a_set(nodes in prop::collection::vec(0..8_u64, 0..12)) {
        let text = serde_json::to_string(&nodes).unwrap();
        let set: NodeSet = serde_json::from_str(&text).unwrap();
        let model: BTreeSet<u64> = nodes.into_iter().collect();
        prop_assert!(set.iter().map(|node| node.0).eq(model.iter().copied()));
        let text = serde_json::to_string(&model).unwrap();
        prop_assert_eq!(serde_json::to_string(&set).unwrap(), text);
        for node in 0..8 {
            prop_assert_eq!(set.contains(NodeId(node)), model.contains(&node));
        }
    }

    // A membership is searched by binary search, which needs sorted nodes, and its majority needs
    // nodes without duplicates. So each membership is checked, from any source.
    #[test]
    fn a_membership_is_checked_at_every_source(
        me in 0..6_u64,
        nodes in prop::collection::vec(0..6_u64, 0..6),
    ) {
        let set: BTreeSet<u64> = nodes.iter().copied().collect();
        let valid = set.len() == nodes.len() && set.contains(&me);
        let built = Membership::new(NodeId(me), nodes.iter().copied().map(NodeId));
        let text = serde_json::json!({ "me": me, "nodes": nodes }).to_string();
        let read = serde_json::from_str::<Membership>(&text);
        prop_assert_eq!(built.is_ok(), valid);
        prop_assert_eq!(read.is_ok(), valid);
        let (Ok(built), Ok(read)) = (built, read) else {
            return Ok(());
        };
        prop_assert_eq!(&built, &read);
        let again = serde_json::to_string(&built).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Membership>(&again).unwrap(), &built);
        describes(&built, me, &set)?;
    }
}

/// Compares the result of every method of `members` with the result that follows from the plain set
/// of ids.
fn describes(members: &Membership, me: u64, set: &BTreeSet<u64>) -> Result<(), TestCaseError> {
    let ids = |nodes: &[NodeId]| nodes.iter().map(|node| node.0).collect::<Vec<_>>();
    let those = |keep: &dyn Fn(u64) -> bool| {
        let kept = set.iter().copied().filter(|node| keep(*node));
        kept.collect::<Vec<_>>()
    };
    prop_assert_eq!(members.me(), NodeId(me));
    prop_assert_eq!(ids(members.nodes()), those(&|_| true));
    prop_assert_eq!(ids(members.above()), those(&|node| node > me));
    prop_assert_eq!(ids(members.below()), those(&|node| node < me));
    let peers: Vec<NodeId> = members.peers().collect();
    prop_assert_eq!(ids(&peers), those(&|node| node != me));
    prop_assert_eq!(members.len(), set.len());
    prop_assert!(2 * members.majority() > set.len() && 2 * (members.majority() - 1) <= set.len());
    for node in 0..7 {
        let place = set.iter().position(|known| *known == node);
        prop_assert_eq!(members.position(NodeId(node)), place);
        prop_assert_eq!(members.contains(NodeId(node)), place.is_some());
        let seen = members.seen_from(NodeId(node));
        prop_assert_eq!(seen.is_some(), place.is_some());
        if let Some(seen) = seen {
            prop_assert_eq!(seen.me(), NodeId(node));
            prop_assert_eq!(seen.nodes(), members.nodes());
        }
    }
    Ok(())
}

// A person who writes a membership into a file must see in the error which rule the file breaks.
#[test]
fn the_error_for_a_membership_in_a_file_names_the_rule() {
    let read = |text| serde_json::from_str::<Membership>(text).unwrap_err();
    let duplicate = read(r#"{"me": 1, "nodes": [1, 2, 2]}"#).to_string();
    let expected = MembershipError::Duplicate(NodeId(2)).to_string();
    assert!(duplicate.contains(&expected), "{duplicate}");
    let not_a_member = read(r#"{"me": 4, "nodes": [1, 2]}"#).to_string();
    let expected = MembershipError::NotAMember(NodeId(4)).to_string();
    assert!(not_a_member.contains(&expected), "{not_a_member}");
}
