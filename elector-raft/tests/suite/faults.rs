//! All faults of the simulator: never two leaders in a term, never two leases, and one leader in
//! the end.

use elector_core::Comparable;
use elector_raft::Raft;
use elector_sim::Trial;

// Every fault of the simulator with every variant: each step keeps the invariants, there is one
// leader within the bound of the scenario, and then there are no more elections.
#[test]
fn every_fault_ends_with_one_leader() {
    let trial = Trial {
        nodes: vec![3, 4, 5, 7],
        seeds: 1..=10,
    };
    for variant in Raft::variants() {
        let failures = trial.failures::<Raft>(&variant.config).unwrap();
        assert!(failures.is_empty(), "{}: {failures:#?}", variant.name);
    }
}
