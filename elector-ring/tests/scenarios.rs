//! Golden scenarios: `tests/scenarios/*.txt`.

use elector_ring::Ring;

// Each file is a story in the paper's terms; a change of behaviour must show as a change of one.
#[test]
fn scenarios() {
    elector_sim::script::check_dir::<Ring>(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios"));
}
