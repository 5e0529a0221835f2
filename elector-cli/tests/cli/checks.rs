//! `elector check`.

use crate::{elector, refused, told};

// An exhaustive search must say so, and one that was cut short must not.
#[test]
fn a_search_says_whether_it_was_exhaustive() {
    let whole = told("check --algorithm raft/plain --nodes 2 --max-epoch 1 --timeouts 2");
    assert!(whole.contains("exhaustive within the bounds"), "{whole}");
    assert!(
        whole.contains("one-leader-per-epoch      holds in every run"),
        "{whole}"
    );
    let cut = told("check --algorithm raft --nodes 3 --states 1000");
    assert!(!cut.contains("exhaustive within the bounds"), "{cut}");
}

// What a bounded search says depends on its bounds: with time they are others, and leases are
// looked at.
#[test]
fn a_search_in_time_says_what_it_has_exhausted() {
    let told = told("check --algorithm raft/plain --ticks 4 --led --timeouts 2 --late 0");
    let bounds = "bounds: 3 nodes, led at the beginning, 4 ticks of 1ms, epochs up to 2, 2 timeouts, \
                  no crash, no command, no hint, no late message";
    assert!(told.contains(bounds), "{told}");
    assert!(told.contains("exhaustive within the bounds"), "{told}");
    assert!(
        told.contains("exclusive-lease           holds in every run"),
        "{told}"
    );
    assert!(told.contains("lease-held                happens"), "{told}");
    let untimed = refused("check --algorithm raft --late 1");
    assert!(untimed.contains("--ticks"), "{untimed}");
}

// Best effort must be seen to be just that: two leaders, and how they came about.
#[test]
fn two_coordinators_are_found_and_told_step_by_step() {
    let told = told("check --algorithm bully --nodes 3 --timeouts 2");
    assert!(told.contains("two-leaders-in-one-epoch  happens"), "{told}");
    assert!(told.contains("n1 elapsed Answer"), "{told}");
}

// A cluster whose orders nobody can try must be refused before the search, not by the memory.
#[test]
fn clusters_that_cannot_be_searched_are_refused() {
    assert!(refused("check --algorithm raft --nodes 10").contains("the limit is 9"));
    let unknown = elector("check --algorithm rft");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("did you mean \"raft\""));
}
