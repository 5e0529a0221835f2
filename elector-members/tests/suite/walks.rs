//! Tests changes of the members in random walks of the model checker, with leases and time.

use std::env;

use elector_check::Walks;
use elector_core::{Comparable, MembersChange, NodeId, quorum::Reseat};
use elector_members::{Members, MembersConfig};
use elector_paxos::{Learning, Paxos, PaxosConfig};
use elector_raft::Raft;

use crate::ids;

/// Returns the number of walks. The environment variable `MEMBERS_WALKS` sets this number; the
/// default is 400.
fn walks() -> u64 {
    let walks = env::var("MEMBERS_WALKS").ok();
    walks.map_or(400, |walks| walks.parse().unwrap())
}

/// Returns walks with this number of nodes, of which the first `voters` vote at the beginning, and
/// with changes to any set of voters.
fn walks_of<A: Reseat>(algorithm: A::Config, nodes: u64, voters: u64) -> Walks<Members<A>> {
    let mut walks = Walks::new(MembersConfig {
        algorithm,
        first: (1..=voters).map(NodeId).collect(),
        ..MembersConfig::default()
    });
    (walks.nodes, walks.walks) = (Some(nodes), self::walks());
    let goals = (1..1 << nodes).map(|mask: u64| {
        let goal = (1..=nodes).filter(|node| mask >> (node - 1) & 1 == 1);
        MembersChange::to(ids(&goal.collect::<Vec<_>>()))
    });
    walks.changes = goals.collect();
    walks
}

fn walk<A: Reseat + Comparable>(nodes: u64, voters: u64) {
    for variant in A::variants() {
        let report = walks_of::<A>(variant.config, nodes, voters).run().unwrap();
        assert!(report.is_clean(), "{}: {report}", variant.name);
    }
}

// This random walk once found a fault: voters accepted a node as leader, and then a change removed
// this node. No proposer could propose the removed node any more, so the remaining voters elected
// no leader.
#[test]
fn voters_that_accepted_a_removed_node_elect_another() {
    let broadcast = PaxosConfig {
        learning: Learning::Broadcast,
        ..PaxosConfig::default()
    };
    let mut walks = walks_of::<Paxos>(broadcast, 5, 3);
    (walks.walks, walks.seed) = (1, 1758);
    let report = walks.run().unwrap();
    assert!(report.is_clean(), "{report}");
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
