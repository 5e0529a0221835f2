use std::fmt::Write as _;

use elector_sim::{MembersSummary, Scenario, Summary};

use super::{count, matrix, ms};
use crate::lab::study::Study;

/// Returns the tables about the changes of the members. Returns an empty text if no scenario
/// changes the members.
pub(super) fn text(study: &Study) -> String {
    let mut text = String::new();
    if !study.sweep.scenarios.iter().any(Scenario::changes_members) {
        return text;
    }
    let _ = write!(
        text,
        "\nChanges of the members, n = {}, from the command until they are complete.  ! a run in \
         which\nthey were not completed\n",
        study.middle()
    );
    type Figure = fn(&MembersSummary) -> Option<f64>;
    let figures: [(&str, Figure); 3] = [
        ("Median milliseconds", |it| it.change_ms_p50),
        ("Milliseconds without a leader in this time, mean", |it| {
            Some(it.change_leaderless_ms_mean)
        }),
        ("Messages in this time, heartbeats included, mean", |it| {
            Some(it.change_messages_mean)
        }),
    ];
    for (title, figure) in figures {
        let _ = write!(text, "\n{title}:\n");
        for block in matrix::tables(study, Scenario::changes_members, |summary| {
            cell(summary, figure)
        }) {
            let _ = write!(text, "\n{block}");
        }
    }
    text
}

/// Returns the text of one cell of a table: the figure, and one character, which is the mark `!`
/// (some runs did not complete the change) or a blank. The blank keeps the figures of a column
/// aligned.
fn cell(summary: &Summary, figure: impl Fn(&MembersSummary) -> Option<f64>) -> String {
    let Some(members) = &summary.members else {
        return String::new();
    };
    let value = match figure(members) {
        Some(value) if value >= 1_000.0 => count(value.round() as usize),
        Some(value) => ms(value),
        None => "·".to_owned(),
    };
    let wrong = if members.changed_runs < summary.runs {
        '!'
    } else {
        ' '
    };
    format!("{value} {wrong}")
}
