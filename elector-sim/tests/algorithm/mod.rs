//! The tests and test helpers of all algorithm crates. `tests/suite/main.rs` in each of these
//! crates includes this module, and defines `Algorithm`, `FAULT_SEEDS` and `configurations`.

pub(crate) mod inputs;
pub(crate) mod node;

use std::time::Duration;

use elector_core::{Comparable, ElectionAlgorithm};
use elector_sim::{Disk, Network, Setup, Trial};

use crate::{Algorithm, FAULT_SEEDS, configurations};

type Config = <Algorithm as ElectionAlgorithm>::Config;

/// The one-way delay of messages in [`setup`].
pub(crate) const DELAY: Duration = Duration::from_micros(100);
/// The time of a durable write in [`setup`].
pub(crate) const WRITE: Duration = Duration::from_micros(50);

/// Returns the setup of a cluster with constant delays, so that tests can compute exact times and
/// counts.
pub(crate) fn setup(nodes: u64, config: &Config) -> Setup<Algorithm> {
    let mut setup = Setup::new(nodes);
    setup.config = config.clone();
    setup.network = Network::constant(DELAY);
    setup.disk = Disk::constant(WRITE);
    setup
}

/// Returns the configuration of each variant.
pub(crate) fn variants() -> Vec<Config> {
    let variants = Algorithm::variants().into_iter();
    variants.map(|variant| variant.config).collect()
}

// Each file in `tests/scenarios` shows one case, message by message. Any change of the messages
// between nodes fails this test. `elector_sim::script` explains the format, and how to rewrite the
// files.
#[test]
fn scenarios() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    elector_sim::script::check_dir::<Algorithm>(dir);
}

// This test runs the built-in scenarios and a storm of random faults with every configuration. Each
// step must keep the invariants, all nodes must agree on one leader within the time that the
// scenario allows, and then there must be no more elections.
#[test]
fn every_fault_ends_with_one_leader() {
    let trial = Trial {
        nodes: vec![3, 4, 5, 7],
        seeds: FAULT_SEEDS,
    };
    for config in configurations() {
        let failures = trial.failures::<Algorithm>(&config).unwrap();
        assert!(failures.is_empty(), "{config:?}: {failures:#?}");
    }
}
