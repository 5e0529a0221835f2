use elector_sim::invariants::Violation;

use super::*;
use crate::lab::study::{sample, sample_comparison};

// A page that does not report a violation would mislead readers.
#[test]
fn violations_are_on_the_page() {
    let mut study = sample();
    let good = page(&study, "again");
    assert!(good.contains("No invariant was violated."));
    assert!(!good.contains("it breaks its guarantee"));
    // This is the cell of Bully in `minority-leader`, which cuts the network, with five nodes.
    let cell = study.cells.last_mut().unwrap();
    cell.outcomes[1].violations.push(Violation {
        invariant: "epoch",
        at_ns: 5,
        detail: "went <back>".to_owned(),
    });
    let seed = cell.outcomes[1].seed;
    study.summaries = study.cells.iter().map(elector_sim::Cell::summary).collect();
    let page = page(&study, "again");
    assert!(page.contains("1 violation."));
    assert!(page.contains("went &lt;back&gt;"));
    assert!(page.contains("1 violation</strong> in 12 runs: it breaks its guarantee."));
    assert!(page.contains(&format!("minority-leader --nodes 5 --seed {seed}")));
}

// With one node, elections have no messages, and no node survives a crash, so charts and diagrams
// are empty. An empty chart must not contain a number that is no number (`NaN`).
#[test]
fn a_study_of_single_nodes_gives_a_page() {
    let mut single = sample_comparison();
    single.sweep.nodes = vec![1];
    single.sweep.scenarios.truncate(1);
    let study = Study::run(single);
    assert!(!page(&study, "again").contains("NaN"));
}

// Times of ten seconds and more must be shown in seconds, because numbers of five digits are hard
// to read.
#[test]
fn times_have_a_suitable_unit() {
    assert_eq!(ms(0.04), "0.0 ms");
    assert_eq!(ms(9.96), "10 ms");
    assert_eq!(ms(2_010.4), "2010 ms");
    assert_eq!(ms(10_500.0), "10.5 s");
}
