//! Golden scenarios: see `tests/scenarios/*.txt` and `elector_sim::script`.

use elector_paxos::Paxos;

// Message by message, the files say what the protocol does; among them the three cases of the
// article that this crate began with.
#[test]
fn scenarios() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    elector_sim::script::check_dir::<Paxos>(dir);
}
