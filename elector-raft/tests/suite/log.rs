//! Tests Raft with its replicated log.

use elector_raft::log::RaftLog;

#[path = "../../../elector-sim/tests/log/mod.rs"]
mod cases;

#[test]
fn commands_are_replicated_in_order() {
    cases::commands_are_replicated_in_order::<RaftLog>();
}

#[test]
fn committed_entries_survive_faults() {
    cases::committed_entries_survive_faults::<RaftLog>();
}

#[test]
fn a_node_that_is_far_behind_catches_up() {
    cases::a_node_that_is_far_behind_catches_up::<RaftLog>();
}
