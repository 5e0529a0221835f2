//! Whatever goes wrong: never two leaders of an epoch, never two leases, and one leader in the end.

use elector_core::Comparable;
use elector_paxos::Paxos;
use elector_sim::Trial;

// Every fault that the simulator knows, against every variant: the invariants of each step, one
// leader within the scenario's bound, and stillness after that.
#[test]
fn every_fault_is_stood_and_ends_with_one_leader() {
    let trial = Trial {
        nodes: vec![3, 4, 5, 7],
        seeds: 1..=8,
    };
    for variant in Paxos::variants() {
        let failures = trial.failures::<Paxos>(&variant.config).unwrap();
        assert!(failures.is_empty(), "{}: {failures:#?}", variant.name);
    }
}
