//! Tests that a cluster whose members do not change behaves as without this crate.

use elector_core::{Comparable, quorum::Reseat};
use elector_members::{Members, MembersConfig};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_sim::{Scenario, Setup, run};

/// The maximum number of bytes that the wrapper adds to each message: the name of a roster, and
/// the kind of the message.
const ADDED: u64 = 3;

/// Runs each scenario with the algorithm alone and with the wrapper around it. Asserts that both
/// runs are the same, except that messages of the wrapper have some more bytes.
fn behaves_the_same<A: Reseat + Comparable>() {
    for scenario in &Scenario::builtin().unwrap() {
        for (seed, variant) in A::variants().into_iter().enumerate() {
            let nodes = 3 + 2 * (seed as u64 % 2);
            if nodes < scenario.min_nodes {
                continue;
            }
            let mut alone = Setup::<A>::new(nodes);
            alone.seed = seed as u64;
            alone.config = variant.config.clone();
            let mut wrapped = Setup::<Members<A>>::new(nodes);
            wrapped.seed = seed as u64;
            wrapped.config = MembersConfig {
                algorithm: variant.config,
                ..MembersConfig::default()
            };
            let (alone, _) = run::run(alone, scenario).unwrap();
            let (mut wrapped, _) = run::run(wrapped, scenario).unwrap();
            for (wrapped, alone) in wrapped.kinds.iter_mut().zip(&alone.kinds) {
                assert!(
                    wrapped.bytes <= alone.bytes + ADDED * alone.sent,
                    "{}: {}",
                    scenario.name,
                    alone.kind
                );
                wrapped.bytes = alone.bytes;
            }
            wrapped.election_bytes = alone.election_bytes;
            for (wrapped, alone) in wrapped.elections.iter_mut().zip(&alone.elections) {
                wrapped.bytes = alone.bytes;
            }
            assert_eq!(wrapped, alone, "{} {}", scenario.name, variant.name);
        }
    }
}

#[test]
fn raft_behaves_as_without_the_wrapper() {
    behaves_the_same::<Raft>();
}

#[test]
fn paxos_behaves_as_without_the_wrapper() {
    behaves_the_same::<Paxos>();
}
