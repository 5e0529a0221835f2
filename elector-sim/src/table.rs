use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use crate::Summary;

/// A table of cells, a row each, for a terminal or a Markdown file: messages, bytes and
/// milliseconds an election until all know; then a run's time without a leader and with two, the
/// runs with two, tenures begun, violations, and messages a second while nothing happens.
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
    // Trailing blanks are noise in logs and in documents.
    table
        .to_string()
        .lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}
