//! Every built-in scenario of the simulator, for every variant.

use elector_paxos::{Paxos, PaxosConfig};
use elector_sim::{Scenario, Setup, run};

// Whatever happens, one leader for all in the end, and never two leaders of one epoch, two leases
// at once, or a broken promise on the way.
#[test]
fn all_scenarios_end_with_one_leader() {
    let seeds: u64 = std::env::var("SEEDS").map_or(4, |seeds| seeds.parse().unwrap());
    for variant in PaxosConfig::variants() {
        for scenario in Scenario::builtin().unwrap() {
            for nodes in [3, 5] {
                for seed in 1..=seeds {
                    let mut setup = Setup::<Paxos>::new(nodes);
                    setup.config = variant.config.clone();
                    setup.seed = seed;
                    let (outcome, _) = run::run(setup, &scenario).unwrap();
                    let run = (variant.name, &scenario.name, nodes, seed);
                    assert!(outcome.elected, "{run:?}: {:?}", outcome.violations);
                    assert_eq!(outcome.violations, [], "{run:?}");
                }
            }
        }
    }
}
