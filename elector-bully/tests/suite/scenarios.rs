//! Golden scenarios. `elector_sim::script` explains the format, and how to rewrite them.

use elector_bully::Bully;

// Each file shows one case, message by message. Any change of the messages between nodes fails this
// test.
#[test]
fn scenarios() {
    elector_sim::script::check_dir::<Bully>(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/scenarios"
    ));
}
