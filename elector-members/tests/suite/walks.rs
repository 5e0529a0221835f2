//! Changes of the members in random walks of the model checker, with leases and time.

use std::env;

use elector_check::Walks;
use elector_core::{Comparable, MembersChange, NodeId, quorum::Reseat};
use elector_members::{Members, MembersConfig};
use elector_paxos::Paxos;
use elector_raft::Raft;

use crate::ids;

/// Returns the number of walks. The variable `MEMBERS_WALKS` asks for more of them.
fn walks() -> u64 {
    let walks = env::var("MEMBERS_WALKS").ok();
    walks.map_or(400, |walks| walks.parse().unwrap())
}

/// Walks with this number of nodes, of which the first `voters` vote at the beginning.
fn walk<A: Reseat + Comparable>(nodes: u64, voters: u64) {
    for variant in A::variants() {
        let config = MembersConfig {
            algorithm: variant.config,
            first: (1..=voters).map(NodeId).collect(),
            ..MembersConfig::default()
        };
        let mut walks = Walks::<Members<A>>::new(config);
        (walks.nodes, walks.walks) = (Some(nodes), self::walks());
        let goals = (1..1 << nodes).map(|mask: u64| {
            let goal = (1..=nodes).filter(|node| mask >> (node - 1) & 1 == 1);
            MembersChange {
                goal: ids(&goal.collect::<Vec<_>>()),
                ..MembersChange::default()
            }
        });
        walks.changes = goals.collect();
        let report = walks.run().unwrap();
        assert!(report.is_clean(), "{}: {report}", variant.name);
    }
}

#[test]
fn raft_with_four_nodes() {
    walk::<Raft>(4, 3);
}

#[test]
fn raft_with_five_nodes() {
    walk::<Raft>(5, 3);
}

#[test]
fn paxos_with_four_nodes() {
    walk::<Paxos>(4, 3);
}

#[test]
fn paxos_with_five_nodes() {
    walk::<Paxos>(5, 3);
}
