//! Whatever goes wrong: never two leaders in a term, never two leases, and one leader in the end.

use elector_raft::{Raft, RaftConfig};
use elector_sim::{Scenario, Setup, run};

// Every fault that the simulator knows, against every variant: the invariants of each step, one
// leader within the scenario's bound, and stillness after that.
#[test]
fn every_scenario_is_safe_and_ends_with_one_leader() {
    for variant in RaftConfig::variants() {
        for scenario in &Scenario::builtin().unwrap() {
            for nodes in [3, 4, 5, 7] {
                for seed in 1..=10 {
                    let mut setup = Setup::<Raft>::new(nodes);
                    setup.config = variant.config.clone();
                    setup.seed = seed;
                    let (outcome, _) = run::run(setup, scenario).unwrap();
                    assert!(
                        outcome.elected && outcome.violations.is_empty(),
                        "{} {} n {nodes} seed {seed}: {:?}",
                        variant.name,
                        scenario.name,
                        outcome.violations
                    );
                    assert_eq!(outcome.most_leaders_of_an_epoch, 1);
                }
            }
        }
    }
}
