//! Golden scenarios: see `elector_sim::script` for the format and for how to rewrite them.

use elector_raft::Raft;

// Each file tells, message by message, one thing that an election must do; any change of what
// nodes say to each other shows up here.
#[test]
fn scenarios() {
    elector_sim::script::check_dir::<Raft>(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios"));
}
