use elector_sim::{MembersSummary, Scenario};
use maud::{Markup, html};

use crate::lab::{registry::Entry, study::Study};

/// Returns the section about the changes of the members. Returns `None` if no scenario changes the
/// members.
pub(super) fn section(study: &Study) -> Option<Markup> {
    let scenarios = study.sweep.scenarios.iter();
    let changing: Vec<&Scenario> = scenarios.filter(|it| it.changes_members()).collect();
    (!changing.is_empty()).then(|| {
        html! {
            p {
                "From the first command of an operator until the last change is complete: a \
                 majority of the wanted voters has a roster with exactly these voters on its \
                 disks. Times are in milliseconds. Messages include heartbeats. – means that the \
                 members of the variant are fixed."
            }
            @for scenario in changing {
                details open {
                    summary { (scenario.name) }
                    p { (scenario.summary) " " em { (scenario.sees) } }
                    div.scroll { (table(study, scenario)) }
                }
            }
        }
    })
}

fn table(study: &Study, scenario: &Scenario) -> Markup {
    html! {
        table.figures {
            thead {
                tr {
                    th.name { "variant" }
                    @for figure in ["n", "changed", "p50", "p99", "leaderless", "messages"] {
                        th { (figure) }
                    }
                }
            }
            tbody {
                @for entry in &study.entries {
                    @for nodes in study.sizes() {
                        @if nodes >= scenario.min_nodes {
                            (row(study, entry, &scenario.name, nodes))
                        }
                    }
                }
            }
        }
    }
}

fn row(study: &Study, entry: &Entry, scenario: &str, nodes: u64) -> Markup {
    let summary = study.cell(entry, scenario, nodes).map(|(_, it)| it);
    let members = summary.and_then(|it| it.members.map(|members| figures(&members, it.runs)));
    let figures = members.unwrap_or_else(|| ["–"; 5].map(str::to_owned));
    html! {
        tr {
            th.name { (entry.contestant.label()) }
            td { (nodes) }
            @for figure in figures { td { (figure) } }
        }
    }
}

fn figures(members: &MembersSummary, runs: usize) -> [String; 5] {
    let one = |value: f64| format!("{value:.1}");
    let optional = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), one);
    [
        format!("{}/{runs}", members.changed_runs),
        optional(members.change_ms_p50),
        optional(members.change_ms_p99),
        one(members.change_leaderless_ms_mean),
        one(members.change_messages_mean),
    ]
}
