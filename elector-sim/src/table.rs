use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use crate::Summary;

/// Returns a table for a terminal or a Markdown file, with one row for each cell. The columns are:
/// the messages, bytes and milliseconds of an election until all nodes know the leader; the time of
/// a run without a leader and with two leaders; the runs with two leaders; the tenures that began;
/// the violations; and the messages per second while nothing happens.
#[must_use]
pub fn table(summaries: &[Summary]) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "algorithm",
        "n",
        "scenario",
        "elected",
        "msgs",
        "bytes",
        "p50 ms",
        "p99",
        "no leader ms",
        "two leaders ms",
        "runs",
        "changes",
        "wrong",
        "idle/s",
    ]);
    for summary in summaries {
        let optional =
            |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.1}"));
        table.add_row([
            format!("{}/{}", summary.algorithm, summary.variant),
            summary.nodes.to_string(),
            summary.scenario.clone(),
            format!("{}/{}", summary.elected_runs, summary.runs),
            format!("{:.1}", summary.messages_mean),
            format!("{:.0}", summary.bytes_mean),
            optional(summary.elect_ms_p50),
            optional(summary.elect_ms_p99),
            format!("{:.1}", summary.leaderless_ms_mean),
            format!("{:.1}", summary.split_brain_ms_mean),
            summary.split_brain_runs.to_string(),
            format!("{:.1}", summary.leader_changes_mean),
            summary.violations.to_string(),
            format!("{:.0}", summary.steady_messages_per_s),
        ]);
    }
    for column in table.column_iter_mut() {
        if column.index != 0 && column.index != 2 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    // Trailing blanks cause noise in logs and documents.
    table
        .to_string()
        .lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}
