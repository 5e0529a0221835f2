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
