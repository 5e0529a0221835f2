//! The text that `elector compare` prints about a comparison of hundreds of cells (one for each
//! variant, scenario and cluster size): tables that fit a terminal.

mod changes;
mod growth;
mod guarantees;
mod matrix;

use std::fmt::Write as _;

use elector_sim::Scenario;

use crate::lab::study::Study;

/// The maximum width of a table, in characters.
const WIDTH: usize = 100;

/// The mark that a table shows instead of a figure if the variant was not run in the scenario,
/// because the scenario changes the members and the members of the variant are fixed.
const FIXED: &str = "–";

/// Returns three tables: the figures of each variant, the time to elect in each scenario, and the
/// number of messages of an election at each cluster size. If a scenario changes the members, there
/// are also tables about these changes.
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
    if study.sweep.scenarios.iter().any(Scenario::changes_members) {
        text.push_str(FIXED);
        text.push_str(
            " means that the scenario changes the members, and those of the variant are fixed.\n",
        );
    }
    let _ = write!(
        text,
        "\nResults. Costs of the first election in {reference} with n = {nodes}, until all nodes \
         know the\nleader.\n\n{}",
        guarantees::table(study)
    );
    let _ = write!(
        text,
        "\nTime to elect, n = {nodes}: median milliseconds of all elections until all nodes know \
         the leader,\nincluding take-overs by nodes that return.  ·  no node was elected  ‖  two \
         nodes believed at once\nthat they lead  !  violation\n"
    );
    for block in matrix::of_elections(study) {
        let _ = write!(text, "\n{block}");
    }
    text.push_str(&changes::text(study));
    let _ = write!(
        text,
        "\nMessages of the first election in {reference}: the mean, and in brackets the closed \
         form\n(best–worst) for one node that notices the crash. If several nodes notice it at \
         once, they\nsend more. Ring's acknowledgements of hops (HopAck) count only in the \
         mean.\n\n{}",
        growth::table(study)
    );
    text
}

/// Formats milliseconds, with one decimal below ten and without decimals from ten on.
fn ms(value: f64) -> String {
    if value < 9.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// Formats a number, with commas between thousands.
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
