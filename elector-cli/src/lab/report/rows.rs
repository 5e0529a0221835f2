use elector_sim::{Cell, Summary};
use maud::{Markup, html};

use crate::lab::{overview::count, study::Study};

/// Returns a table for each variant, with one row for each scenario and cluster size (a cell): its
/// figures, and the command that repeats its worst run.
pub(super) fn section(study: &Study) -> Markup {
    html! {
        p {
            "One row per cell. Times are in milliseconds; means are over all runs. " code { "seed" }
            " is the seed of the worst run. To show that run: "
        }
        pre { code {
            (study.program) " simulate --algorithm " var { "algorithm" } " --variant "
            var { "variant" } " --scenario " var { "scenario" } " --nodes " var { "n" } " --seed "
            var { "seed" }
        } }
        @for entry in &study.entries {
            details {
                summary { (entry.contestant.label()) }
                div.scroll {
                    table.figures {
                        (header())
                        tbody {
                            @for (cell, summary) in study.of(entry) {
                                (row(study, cell, summary))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn header() -> Markup {
    let figures = [
        "n",
        "elected",
        "messages",
        "most",
        "bytes",
        "elect p50",
        "p99",
        "leaderless",
        "two leaders",
        "in runs",
        "changes",
        "violations",
        "idle msg/s",
        "seed",
    ];
    html! {
        thead { tr { th.name { "scenario" } @for figure in figures { th { (figure) } } } }
    }
}

fn row(study: &Study, cell: &Cell, summary: &Summary) -> Markup {
    let one = |value: f64| format!("{value:.1}");
    let figures = [
        summary.nodes.to_string(),
        format!("{}/{}", summary.elected_runs, summary.runs),
        one(summary.messages_mean),
        count(summary.messages_max as usize),
        format!("{:.0}", summary.bytes_mean),
        summary.elect_ms_p50.map_or_else(|| "–".to_owned(), one),
        summary.elect_ms_p99.map_or_else(|| "–".to_owned(), one),
        one(summary.leaderless_ms_mean),
        one(summary.split_brain_ms_mean),
        summary.split_brain_runs.to_string(),
        one(summary.leader_changes_mean),
        summary.violations.to_string(),
        format!("{:.0}", summary.steady_messages_per_s),
    ];
    html! {
        tr {
            th.name { (cell.scenario) }
            @for figure in figures { td { (figure) } }
            td title=(study.replay(cell, summary.worst_seed)) { (summary.worst_seed) }
        }
    }
}
