//! Tests of the model: the numbers of states for small bounds, and the properties that fail without
//! each rule.

use elector_oracle::properties::*;
use elector_oracle::search::{Counts, count, shortest};
use elector_oracle::{Reconfiguration, Set, State, Variant, majorities_meet, majority};
use stateright::Model;
use std::collections::HashSet;

/// Asserts the number of distinct states, and the depth of the search, within the `bounds` on term
/// and version.
fn assert_counts<const N: usize>(variant: Variant, bounds: (u16, u16), expected: (usize, usize)) {
    let model = Reconfiguration::<N>::new(variant, bounds.0, bounds.1);
    let Counts {
        initial,
        distinct,
        depth,
        failed,
        ..
    } = count(model, 1);
    assert_eq!(
        (initial, distinct, depth),
        (N, expected.0, expected.1),
        "{variant:?} {bounds:?}"
    );
    assert!(failed.is_empty(), "{variant:?} {bounds:?}: {failed:?}");
}

#[test]
fn counts_with_one_majority() {
    assert_counts::<3>(Variant::OneMajority, (2, 2), (919, 10));
    assert_counts::<3>(Variant::OneMajority, (2, 3), (2_955, 12));
    assert_counts::<3>(Variant::OneMajority, (3, 2), (3_198, 12));
    assert_counts::<3>(Variant::OneMajority, (3, 3), (10_741, 14));
    assert_counts::<4>(Variant::OneMajority, (2, 2), (10_663, 13));
}

#[test]
fn counts_with_two_majorities() {
    assert_counts::<3>(Variant::TwoMajorities, (2, 2), (947, 10));
    assert_counts::<3>(Variant::TwoMajorities, (2, 3), (3_071, 12));
    assert_counts::<3>(Variant::TwoMajorities, (3, 2), (3_294, 12));
    assert_counts::<3>(Variant::TwoMajorities, (3, 3), (11_141, 14));
    assert_counts::<4>(Variant::TwoMajorities, (2, 2), (11_328, 13));
}

#[test]
#[ignore = "minutes without full optimization"]
fn counts_equal_the_published_ones() {
    assert_counts::<4>(Variant::OneMajority, (4, 4), (6_174_538, 25));
    assert_counts::<4>(Variant::TwoMajorities, (4, 4), (6_788_633, 25));
}

/// Returns all states that a model reaches.
fn reached<const N: usize>(model: &Reconfiguration<N>) -> HashSet<State<N>> {
    let mut open = model.init_states();
    let mut seen: HashSet<_> = open.iter().copied().collect();
    while let Some(state) = open.pop() {
        let next = model
            .next_states(&state)
            .into_iter()
            .filter(|next| model.within_boundary(next));
        open.extend(next.filter(|next| seen.insert(*next)));
    }
    seen
}

/// The model must merge states that differ in the order of servers only, and no other states.
#[test]
fn symmetry_keeps_one_state_of_each_orbit() {
    let model = Reconfiguration::<3>::new(Variant::TwoMajorities, 2, 3);
    let all = reached(&model.clone().without_symmetry());
    let merged: HashSet<_> = all.iter().map(|state| model.canonical(state)).collect();
    assert_eq!(merged, reached(&model));
    assert_eq!((all.len(), merged.len()), (18_163, 3_071));
}

#[test]
fn majorities_meet_as_their_definition_says() {
    let majorities = |of: Set| (1..=of).filter(move |set| set & !of == 0 && majority(*set, of));
    for (a, b) in (1..64).flat_map(|a| (1..64).map(move |b| (a, b))) {
        let meet = majorities(a).all(|x| majorities(b).all(|y| x & y != 0));
        assert_eq!(majorities_meet(a, b), meet, "{a:b} {b:b}");
    }
}

/// Asserts the depth of a shortest counterexample with 3 servers, or that no counterexample exists.
fn assert_shortest(variant: Variant, property: &'static str, depth: Option<usize>) {
    let model = Reconfiguration::<3>::new(variant, 3, 3).only(property);
    let found = shortest(&model).map(|found| found.depth());
    assert_eq!(found, depth, "{variant:?} {property}");
}

#[test]
fn leaders_need_every_rule() {
    assert_shortest(Variant::NoConfigQuorum, ELECTION_SAFETY, Some(6));
    assert_shortest(Variant::NoTermQuorum, ELECTION_SAFETY, Some(7));
    assert_shortest(Variant::NoQuorums, ELECTION_SAFETY, Some(6));
    assert_shortest(Variant::NoComparison, ELECTION_SAFETY, Some(8));
    assert_shortest(Variant::NoOverlap, ELECTION_SAFETY, Some(5));
}

/// If a winner does not rewrite the term of its configuration, two servers can lead one term only
/// in a cluster of four or more servers.
#[test]
fn leaders_need_the_rewrite_of_terms() {
    assert_shortest(Variant::NoRewrite, ELECTION_SAFETY, None);
    let model = Reconfiguration::<4>::new(Variant::NoRewrite, 3, 3).only(ELECTION_SAFETY);
    assert_eq!(shortest(&model).map(|found| found.depth()), Some(8));
}

#[test]
fn invariants_fail_no_later_than_the_promise() {
    assert_shortest(Variant::NoConfigQuorum, ACTIVE_CONFIGS_OVERLAP, Some(4));
    assert_shortest(Variant::NoTermQuorum, ACTIVE_CONFIGS_SAFE_AT_TERMS, Some(5));
    assert_shortest(Variant::NoQuorums, ACTIVE_CONFIGS_SAFE_AT_TERMS, Some(4));
    assert_shortest(Variant::NoComparison, ACTIVE_CONFIGS_OVERLAP, Some(7));
    assert_shortest(Variant::NoRewrite, LEADER_CONFIG_IN_ITS_TERM, Some(2));
    assert_shortest(Variant::NoOverlap, ACTIVE_CONFIGS_SAFE_AT_TERMS, Some(3));
    assert_shortest(Variant::NoConfigQuorum, LEADER_HOLDS_NEWEST, Some(6));
    assert_shortest(Variant::NoTermQuorum, ONE_CONFIG_PER_NAME, Some(12));
}

/// Returns the depth at which a sequence of single-server changes, as in the bug of Raft, elects
/// two leaders of one term; `None` if it does not.
fn shape<const N: usize>(variant: Variant, max_term: u16, targets: &[Set]) -> Option<usize> {
    let model = Reconfiguration::<N>::new(variant, max_term, 2).single_changes(0b1111, targets);
    shortest(&model.only(ELECTION_SAFETY)).map(|found| found.depth())
}

#[test]
fn single_changes_elect_two_leaders_without_the_quorums() {
    assert_eq!(
        shape::<5>(Variant::NoQuorums, 3, &[0b1_1111, 0b0_1110]),
        Some(8)
    );
    assert_eq!(
        shape::<6>(Variant::NoQuorums, 3, &[0b01_1111, 0b10_1111]),
        Some(8)
    );
    assert_eq!(
        shape::<4>(Variant::NoQuorums, 3, &[0b0111, 0b1011]),
        Some(8)
    );
}

#[test]
fn single_changes_are_safe_with_the_quorums() {
    assert_eq!(
        shape::<5>(Variant::TwoMajorities, 3, &[0b1_1111, 0b0_1110]),
        None
    );
    assert_eq!(
        shape::<4>(Variant::TwoMajorities, 3, &[0b0111, 0b1011]),
        None
    );
}

/// The leaders of two terms change the configuration, and after that two servers lead a third term.
/// So a model with only two terms has no state in which two servers lead one term.
#[test]
fn single_changes_need_a_third_term() {
    assert_eq!(
        shape::<5>(Variant::NoQuorums, 2, &[0b1_1111, 0b0_1110]),
        None
    );
    assert_eq!(shape::<4>(Variant::NoQuorums, 2, &[0b0111, 0b1011]), None);
}
