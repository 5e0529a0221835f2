use super::*;
use crate::lab::study::sample;

// Readers cannot read large numbers in a table without commas.
#[test]
fn thousands_are_separated() {
    assert_eq!(count(7), "7");
    assert_eq!(count(1_000), "1,000");
    assert_eq!(count(13_200_345), "13,200,345");
}

// For ten milliseconds and more, a decimal would only make the table harder to read.
#[test]
fn milliseconds_have_a_decimal_below_ten() {
    assert_eq!(ms(2.04), "2.0");
    assert_eq!(ms(9.97), "10");
    assert_eq!(ms(212.4), "212");
}

// Readers must not miss a run in which two nodes led at the same time.
#[test]
fn the_matrix_marks_two_leaders_and_violations() {
    let mut study = sample();
    let row = |study: &Study| {
        let text = text(study);
        let matrix = text.split("Time to elect").nth(1).unwrap();
        let row = matrix
            .lines()
            .find(|line| line.starts_with("minority-leader"));
        row.unwrap().to_owned()
    };
    // In the scenario `minority-leader`, two nodes lead at the same time under Bully, and not under
    // Raft, which is the other variant in the row. So the row has one mark.
    assert_eq!(row(&study).matches('‖').count(), 1);
    assert!(row(&study).ends_with('‖'));
    study.summaries[7].violations = 1;
    assert!(row(&study).ends_with("‖!"));
}
