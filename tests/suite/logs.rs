//! Logs: Multi-Paxos over each of the four elections, and walks that choose every event.

use std::env;

use elector_bully::Bully;
use elector_check::Walks;
use elector_core::ElectionAlgorithm;
use elector_paxos::{Paxos, log::MultiPaxos};
use elector_raft::{Raft, log::RaftLog};
use elector_ring::Ring;

#[path = "../../elector-sim/tests/log/mod.rs"]
mod cases;

#[test]
fn commands_are_replicated_in_order() {
    cases::commands_are_replicated_in_order::<MultiPaxos<Raft>>();
    cases::commands_are_replicated_in_order::<MultiPaxos<Bully>>();
    cases::commands_are_replicated_in_order::<MultiPaxos<Ring>>();
}

// Under Bully and the ring election a node with a higher id takes over at once, with a log that is
// far behind. It must fetch what it misses before it proposes.
#[test]
fn a_node_that_is_far_behind_catches_up() {
    cases::a_node_that_is_far_behind_catches_up::<MultiPaxos<Raft>>();
    cases::a_node_that_is_far_behind_catches_up::<MultiPaxos<Bully>>();
    cases::a_node_that_is_far_behind_catches_up::<MultiPaxos<Ring>>();
}

#[test]
fn over_raft_committed_entries_survive_faults() {
    cases::committed_entries_survive_faults::<MultiPaxos<Raft>>();
}

#[test]
fn over_paxos_committed_entries_survive_faults() {
    cases::committed_entries_survive_faults::<MultiPaxos<Paxos>>();
}

// Two nodes can believe that they lead at the same time, and the same node can lead an epoch twice.
#[test]
fn over_bully_committed_entries_survive_faults() {
    cases::committed_entries_survive_faults::<MultiPaxos<Bully>>();
}

#[test]
fn over_ring_committed_entries_survive_faults() {
    cases::committed_entries_survive_faults::<MultiPaxos<Ring>>();
}

fn walks_are_clean<A: ElectionAlgorithm>() {
    let walks = env::var("LOG_WALKS").map_or(200, |walks| walks.parse().unwrap());
    let report = Walks::<A> {
        walks,
        ..Walks::new(A::Config::default())
    };
    let report = report.run().unwrap();
    println!("{report}");
    assert!(report.is_clean(), "{report}");
}

// An adversary that chooses every event must not find a committed entry that changes or disappears.
// The environment variable `LOG_WALKS` sets the number of walks.
#[test]
fn committed_entries_survive_walks() {
    walks_are_clean::<RaftLog>();
    walks_are_clean::<MultiPaxos<Raft>>();
    walks_are_clean::<MultiPaxos<Paxos>>();
    walks_are_clean::<MultiPaxos<Bully>>();
    walks_are_clean::<MultiPaxos<Ring>>();
}
