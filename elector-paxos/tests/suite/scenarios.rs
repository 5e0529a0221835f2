//! Golden scenarios. `elector_sim::script` explains the format, and how to rewrite them.

use elector_paxos::Paxos;

// Each file shows one case, message by message. Any change of the messages between nodes fails this
// test. Three of them are the cases of the article that comes with `httpPaxos`.
#[test]
fn scenarios() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    elector_sim::script::check_dir::<Paxos>(dir);
}
