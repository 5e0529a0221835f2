//! Golden scenarios: `tests/scenarios/*.txt`.

use elector_bully::Bully;

// Each file is a story in the paper's terms; a change of behaviour must show as a change of one.
#[test]
fn scenarios() {
    elector_sim::script::check_dir::<Bully>(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/scenarios"
    ));
}
