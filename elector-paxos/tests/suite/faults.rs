//! All faults of the simulator: never two leaders in an epoch, never two leases, and one leader in
//! the end.

use elector_core::Comparable;
use elector_paxos::Paxos;
use elector_sim::Trial;

// Every fault of the simulator with every variant: each step keeps the invariants, there is one
// leader within the bound of the scenario, and then there are no more elections.
#[test]
fn every_fault_ends_with_one_leader() {
    let trial = Trial {
        nodes: vec![3, 4, 5, 7],
        seeds: 1..=8,
    };
    for variant in Paxos::variants() {
        let failures = trial.failures::<Paxos>(&variant.config).unwrap();
        assert!(failures.is_empty(), "{}: {failures:#?}", variant.name);
    }
}
