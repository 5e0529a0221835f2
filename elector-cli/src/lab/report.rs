//! The comparison as one HTML page: no script, no other file, light and dark.

mod chart;
mod heat;
mod messages;
mod rows;
mod times;
mod verdicts;
mod worst;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::lab::{overview::count, study::Study};

const STYLE: &str = include_str!("report/style.css");

/// The page. `command` gives the same comparison again.
#[must_use]
pub(crate) fn page(study: &Study, command: &str) -> String {
    let sections = [
        ("verdicts", "What was seen", verdicts::section(study)),
        (
            "messages",
            "Messages against size",
            messages::section(study),
        ),
        ("times", "Time to elect", times::section(study)),
        ("scenarios", "Every scenario", heat::section(study)),
        ("worst", "Worst runs, drawn", worst::section(study)),
        ("figures", "All figures", rows::section(study)),
        ("words", "Words", words()),
    ];
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Leader election, compared" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head(study, command))
                nav {
                    @for (id, title, _) in &sections { a href={ "#" (id) } { (title) } }
                }
                main {
                    @for (id, title, content) in &sections {
                        section id=(id) { h2 { (title) } (content) }
                    }
                }
                footer {
                    "elector " (env!("CARGO_PKG_VERSION"))
                    ". The same command gives the same page, byte for byte."
                }
            }
        }
    };
    page.into_string()
}

fn head(study: &Study, command: &str) -> Markup {
    let sizes: Vec<String> = study.sizes().iter().map(u64::to_string).collect();
    let (runs, violations) = (study.runs(), study.violations());
    html! {
        header {
            h1 { "Leader election, compared" }
            p.lead {
                (study.entries.len()) " variants in " (study.sweep.scenarios.len())
                " scenarios, with " (sizes.join(", ")) " nodes: " (count(runs))
                " simulated runs, every one checked against every invariant. "
                @if violations == 0 {
                    strong.good { "No invariant was violated." }
                } @else {
                    strong.bad { (violated(violations)) "." }
                }
            }
            pre { code { (command) } }
        }
    }
}

fn words() -> Markup {
    html! {
        dl {
            dt { "Quorum" }
            dd {
                "At most one leader per epoch, ever, whatever is lost, delayed, crashed or cut \
                 off, while disks are kept. The epoch is a fencing token: a resource that \
                 remembers the highest it saw refuses an outdated leader. Without a majority \
                 nobody leads."
            }
            dt { "Best effort" }
            dd {
                "One leader per connected part of the cluster once faults end. Under a partition \
                 there are several at once: fit for work that may be done twice."
            }
            dt { "Two leaders at once (split brain)" }
            dd {
                "Two or more running nodes believed that they lead. For a quorum algorithm this is "
                em { "belief" } ", not authority: the older one has not heard yet. Its lease has \
                 run out by then, which is an invariant of every run here; two leases never \
                 overlap unless a violation says so. For a best-effort algorithm there is no \
                 lease, and both act."
            }
            dt { "Leaderless" }
            dd { "No running node believed that it leads." }
            dt { "Time to elect" }
            dd {
                "From the loss of agreement on a leader until every running node that can be \
                 reached knows the next one."
            }
            dt { "Messages of an election" }
            dd {
                "All that are sent to elect, the round by which the winner announces itself \
                 included, also those to dead nodes. Routine heartbeats and their \
                 acknowledgements stand apart, as idle messages a second."
            }
        }
    }
}

fn violated(violations: usize) -> String {
    let plural = if violations == 1 { "" } else { "s" };
    format!("{} violation{plural}", count(violations))
}

/// Milliseconds, as exactly as they matter.
fn ms(value: f64) -> String {
    match value {
        value if value < 9.95 => format!("{value:.1} ms"),
        value if value < 9_999.5 => format!("{value:.0} ms"),
        value => format!("{:.1} s", value / 1_000.0),
    }
}

#[cfg(test)]
mod tests;
