use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use crate::{MembersSummary, Summary};

/// A row of a table.
#[derive(Clone, Debug)]
pub(crate) enum Row<'a> {
    /// The figures of a cell, which is all runs of one contestant in one scenario at one size.
    Cell(&'a Summary),
    /// The scenario changes the members, and the members of the contestant are fixed. So there were
    /// no runs, and there are no figures.
    FixedMembers {
        label: String,
        nodes: u64,
        scenario: &'a str,
    },
}

/// What a table shows in place of a figure that does not exist.
const NO_FIGURE: &str = "–";

/// Returns a table for a terminal or a Markdown file, with one row for each cell (all runs of one
/// contestant in one scenario at one size). The columns with figures are: the runs in which all
/// nodes agreed in the end; the messages, the bytes and the milliseconds (median and 99th
/// percentile) of an election until all nodes know the leader; the time of a run without a leader,
/// and with two or more leaders; the number of runs with two or more leaders; the tenures that
/// began in a run; the violations; and the messages per second without faults and elections.
#[must_use]
pub fn table(summaries: &[Summary]) -> String {
    elections(&summaries.iter().map(Row::Cell).collect::<Vec<_>>())
}

/// Returns the table that [`table`] describes, with these rows.
pub(crate) fn elections(rows: &[Row<'_>]) -> String {
    let header = [
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
    ];
    formatted(header, rows.iter().map(|row| (row, row.figures())))
}

/// Returns a table about the changes of the members. The columns are: the runs in which all changes
/// were completed; the milliseconds until then (median and 99th percentile); and, for this time,
/// the milliseconds without a leader and the number of messages. Returns `None` if no row is about
/// a scenario that changes the members.
pub(crate) fn changes(rows: &[Row<'_>]) -> Option<String> {
    let header = ["changed", "p50 ms", "p99", "no leader ms", "msgs"];
    let of_row = |row: &Row<'_>| match row {
        Row::Cell(summary) => {
            let runs = summary.runs;
            summary.members.map(|it| Some(it.figures(runs)))
        }
        Row::FixedMembers { .. } => Some(None),
    };
    let rows = rows.iter().filter_map(|row| Some((row, of_row(row)?)));
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then(|| formatted(header, rows.into_iter()))
}

impl Row<'_> {
    fn names(&self) -> [String; 3] {
        match self {
            Self::Cell(summary) => [
                format!("{}/{}", summary.algorithm, summary.variant),
                summary.nodes.to_string(),
                summary.scenario.clone(),
            ],
            Self::FixedMembers {
                label,
                nodes,
                scenario,
            } => [label.clone(), nodes.to_string(), (*scenario).to_owned()],
        }
    }

    fn figures(&self) -> Option<[String; 11]> {
        let Self::Cell(summary) = self else {
            return None;
        };
        Some([
            format!("{}/{}", summary.elected_runs, summary.runs),
            one_decimal(summary.messages_mean),
            format!("{:.0}", summary.bytes_mean),
            optional(summary.elect_ms_p50),
            optional(summary.elect_ms_p99),
            one_decimal(summary.leaderless_ms_mean),
            one_decimal(summary.split_brain_ms_mean),
            summary.split_brain_runs.to_string(),
            one_decimal(summary.leader_changes_mean),
            summary.violations.to_string(),
            format!("{:.0}", summary.steady_messages_per_s),
        ])
    }
}

impl MembersSummary {
    fn figures(&self, runs: usize) -> [String; 5] {
        [
            format!("{}/{runs}", self.changed_runs),
            optional(self.change_ms_p50),
            optional(self.change_ms_p99),
            one_decimal(self.change_leaderless_ms_mean),
            one_decimal(self.change_messages_mean),
        ]
    }
}

fn one_decimal(value: f64) -> String {
    format!("{value:.1}")
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| NO_FIGURE.to_owned(), one_decimal)
}

/// Returns a table with the names of each row, and with its figures, or with dashes if the row has
/// no figures.
fn formatted<'a, const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = (&'a Row<'a>, Option<[String; N]>)>,
) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["algorithm", "n", "scenario"].iter().chain(&header));
    for (row, figures) in rows {
        let figures = figures.unwrap_or_else(|| [NO_FIGURE; N].map(str::to_owned));
        table.add_row(row.names().into_iter().chain(figures));
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
