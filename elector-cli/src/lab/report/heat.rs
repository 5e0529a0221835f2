use elector_core::GuaranteeKind;
use elector_sim::Summary;
use maud::{Markup, html};

use super::ms;
use crate::lab::study::Study;

/// The times without a leader, in milliseconds, from which on a cell of the table has the next
/// stronger colour.
const SHADES: [f64; 6] = [0.05, 10.0, 100.0, 300.0, 1_000.0, 2_500.0];

/// Returns one table per cluster size, with one row per scenario and one column per variant. Only
/// the table of the largest size is unfolded at first.
pub(super) fn section(study: &Study) -> Markup {
    let mut sizes = study.sizes();
    sizes.reverse();
    html! {
        p {
            "Mean milliseconds per run without a leader: a stronger colour means a longer time. "
            span.both.real { "‖ 12" } " two nodes led at the same time in 12 of the "
            (study.sweep.runs) " runs; " span.both { "‖ 12" } " the same for a quorum algorithm, \
             where only one of them can hold a lease. " span.wrong { "!" } " an invariant was \
             violated."
        }
        @for (number, &nodes) in sizes.iter().enumerate() {
            details open[number == 0] {
                summary { (nodes) " nodes" }
                div.scroll { (table(study, nodes)) }
            }
        }
    }
}

fn table(study: &Study, nodes: u64) -> Markup {
    let contestants = study.entries.iter().map(|entry| &entry.contestant);
    let contestants: Vec<_> = contestants.collect();
    let families = contestants.chunk_by(|a, b| a.algorithm == b.algorithm);
    html! {
        // All columns have the same width, which is just wide enough for their figures, so that
        // readers need not scroll.
        table.heat style={ "min-width:" (10 + 5 * contestants.len()) "rem" } {
            thead {
                tr {
                    td {}
                    @for family in families {
                        th colspan=(family.len()) { (family[0].algorithm) }
                    }
                }
                tr {
                    th.name { "scenario" }
                    @for contestant in &contestants { th { (contestant.variant) } }
                }
            }
            tbody {
                @for scenario in study.sweep.scenarios.iter().filter(|s| s.min_nodes <= nodes) {
                    tr {
                        th.name title=(scenario.summary) { (scenario.name) }
                        @for entry in &study.entries {
                            @if let Some((_, summary)) = study.cell(entry, &scenario.name, nodes) {
                                (cell(summary))
                            } @else if entry.contestant.can_run(scenario) {
                                td {}
                            } @else {
                                td title="the members are fixed" { "–" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(summary: &Summary) -> Markup {
    let leaderless = summary.leaderless_ms_mean;
    let quorum = summary.guarantee == GuaranteeKind::Quorum;
    let shade = SHADES.iter().filter(|from| leaderless >= **from).count();
    html! {
        td class={ "h" (shade) } {
            @if leaderless < 0.05 { "0" } @else { (ms(leaderless).trim_end_matches(" ms")) }
            @if summary.split_brain_runs > 0 {
                span.both.real[!quorum] title={ (ms(summary.split_brain_ms_mean)) " per run" } {
                    "‖ " (summary.split_brain_runs)
                }
            }
            @if summary.violations > 0 { span.wrong { "!" } }
        }
    }
}
