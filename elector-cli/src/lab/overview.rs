//! A comparison of hundreds of cells, in three tables that fit a terminal.

mod growth;
mod guarantees;
mod matrix;

use std::fmt::Write as _;

use crate::lab::study::Study;

/// The maximum width of a table.
const WIDTH: usize = 100;

/// Returns three tables: the figures of each variant, the time to elect in each scenario, and the
/// messages of an election at each size.
#[must_use]
pub(crate) fn text(study: &Study) -> String {
    let (nodes, reference) = (study.middle(), study.reference());
    let mut text = format!(
        "{} runs: {} variants, {} scenarios, {} sizes, {} seeds each.\n",
        count(study.runs()),
        study.entries.len(),
        study.sweep.scenarios.len(),
        study.sweep.nodes.len(),
        count(study.sweep.runs as usize),
    );
    let _ = write!(
        text,
        "\nWhat was seen. Costs of the first election in {reference} with n = {nodes}, until all \
         know.\n\n{}",
        guarantees::table(study)
    );
    let _ = write!(
        text,
        "\nTime to elect, n = {nodes}: median milliseconds until all know, of all elections, also \
         take-overs by\nnodes that return.  ·  nobody was elected  ‖  two nodes believed to lead \
         at once  !  violation\n"
    );
    for block in matrix::tables(study) {
        let _ = write!(text, "\n{block}");
    }
    let _ = write!(
        text,
        "\nMessages of the first election in {reference}: mean seen, and in brackets the closed \
         form\n(best–worst) for one node that notices; more are sent where several notice at \
         once. Ring's\nacknowledgements of hops (HopAck) are seen and outside the form.\n\n{}",
        growth::table(study)
    );
    text
}

/// Formats milliseconds: with a decimal only below ten.
fn ms(value: f64) -> String {
    if value < 9.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// Formats a number with separated thousands.
pub(crate) fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
