//! Multi-Paxos over a quorum election.

use elector_paxos::{Paxos, log::MultiPaxos};

#[path = "../../../elector-sim/tests/log/mod.rs"]
mod cases;

#[test]
fn commands_are_replicated_in_order() {
    cases::commands_are_replicated_in_order::<MultiPaxos<Paxos>>();
}

#[test]
fn committed_entries_survive_faults() {
    cases::committed_entries_survive_faults::<MultiPaxos<Paxos>>();
}

#[test]
fn a_node_that_is_far_behind_catches_up() {
    cases::a_node_that_is_far_behind_catches_up::<MultiPaxos<Paxos>>();
}
