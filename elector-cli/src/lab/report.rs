//! The report: a comparison as one HTML page without scripts and without references to other files,
//! with a light and a dark theme.

mod changes;
mod chart;
mod heat;
mod messages;
mod rows;
mod times;
mod verdicts;
mod violations;
mod worst;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::lab::{overview::count, study::Study};

const STYLE: &str = include_str!("report/style.css");

/// Returns the HTML page. The page shows `command`, which repeats the comparison.
#[must_use]
pub(crate) fn page(study: &Study, command: &str) -> String {
    let mut sections = vec![("verdicts", "Results", verdicts::section(study))];
    if let Some(list) = violations::section(study) {
        sections.push(("violations", "Violations", list));
    }
    if let Some(figures) = changes::section(study) {
        sections.push(("changes", "Changes of the members", figures));
    }
    sections.extend([
        (
            "messages",
            "Messages by cluster size",
            messages::section(study),
        ),
        ("times", "Time to elect", times::section(study)),
        ("scenarios", "Every scenario", heat::section(study)),
        ("worst", "Diagrams of the worst runs", worst::section(study)),
        ("figures", "All figures", rows::section(study)),
        ("terms", "Terms", terms()),
    ]);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Comparison of leader election algorithms" }
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
            h1 { "Comparison of leader election algorithms" }
            p.lead {
                (study.entries.len()) " variants in " (study.sweep.scenarios.len())
                " scenarios, with " (sizes.join(", ")) " nodes: " (count(runs))
                " simulated runs, each checked against every invariant. "
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

fn terms() -> Markup {
    html! {
        dl {
            dt { "Quorum" }
            dd {
                "At most one leader per epoch, even if messages are lost or delayed, nodes crash, \
                 and links are cut, provided that disks keep their data. The epoch is a fencing \
                 token: a store that remembers the highest one rejects an older leader. Without a \
                 majority, no node leads."
            }
            dt { "Best effort" }
            dd {
                "One leader per connected part of the cluster after faults end. During a \
                 partition there are several leaders. Use it for work that may be done twice."
            }
            dt { "Two leaders at once (split brain)" }
            dd {
                "Two or more running nodes led, each by its own view. For a quorum algorithm \
                 this is only a " em { "view" } ", not the right to act: the older leader has not \
                 received the news yet, and its lease has already ended. Every run checks this \
                 as an invariant; two overlapping leases are a violation. A best-effort \
                 algorithm has no lease, and both leaders act."
            }
            dt { "Leaderless" }
            dd { "No running node led, by its own view." }
            dt { "Time to elect" }
            dd {
                "The time from the loss of agreement on a leader until every reachable running \
                 node knows the next one."
            }
            dt { "Messages of an election" }
            dd {
                "All messages sent to elect a leader, including the announcement of the winner \
                 and messages to nodes that are down. Routine heartbeats and their \
                 acknowledgements are counted separately, as idle messages per second."
            }
        }
    }
}

fn violated(violations: usize) -> String {
    let plural = if violations == 1 { "" } else { "s" };
    format!("{} violation{plural}", count(violations))
}

/// Formats milliseconds with a suitable unit and number of digits.
fn ms(value: f64) -> String {
    match value {
        value if value < 9.95 => format!("{value:.1} ms"),
        value if value < 9_999.5 => format!("{value:.0} ms"),
        value => format!("{:.1} s", value / 1_000.0),
    }
}

#[cfg(test)]
mod tests;
