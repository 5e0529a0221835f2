use std::collections::HashMap;

use elector_core::{GuaranteeKind, trace::Record};
use elector_sim::{Cell, Job, Outcome, Summary};
use maud::{Markup, PreEscaped, html};

use super::ms;
use crate::lab::{
    diagram::{DiagramOptions, interesting_window, svg},
    history::History,
    registry::Entry,
    study::Study,
};

/// Bytes of all diagrams together: a page beyond a few megabytes opens slowly.
const ROOM: usize = 4_200_000;
/// Messages that a diagram draws at most.
const MESSAGES: usize = 150;
/// A cell without a leader for longer than this, on average, is worth a diagram.
const LEADERLESS_MS: f64 = 300.0;
/// How much of what follows a split brain is shown.
const AFTER_NS: u64 = 20_000_000;

/// The worst run of each cell of one size where something is to be seen, as a diagram.
pub(super) fn section(study: &Study) -> Markup {
    let nodes = study.middle();
    let wanted = wanted(study, nodes);
    let (drawn, left_out) = drawn(study, &wanted);
    html! {
        p {
            "With " (nodes) " nodes: for each variant and scenario the run that most needs looking \
             at, where two nodes believed to lead at once, an invariant was violated, or nobody \
             led for more than " (ms(LEADERLESS_MS)) " on average. One lane a node, time from left \
             to right, an arrow a message; routine heartbeats are left out, and quiet stretches \
             folded. "
            @if left_out > 0 {
                (drawn.len()) " of " (wanted.len()) " are drawn, the worst first, as far as they \
                 fit a page of a few megabytes. The command under each name draws the others."
            }
        }
        @for scenario in &study.sweep.scenarios {
            @let of_scenario = wanted.iter().filter(|one| one.cell.scenario == scenario.name);
            @let of_scenario = of_scenario.collect::<Vec<_>>();
            @if !of_scenario.is_empty() {
                article.scenario {
                    h3 { (scenario.name) }
                    p { (scenario.summary) " " em { (scenario.sees) } }
                    @for one in of_scenario {
                        (shown(study, one, drawn.get(&one.key()).map(String::as_str)))
                    }
                }
            }
        }
    }
}

/// A cell worth a diagram.
struct Wanted<'a> {
    entry: &'a Entry,
    cell: &'a Cell,
    summary: &'a Summary,
    run: &'a Outcome,
}

impl Wanted<'_> {
    fn key(&self) -> (String, String) {
        (self.entry.contestant.label(), self.cell.scenario.clone())
    }

    /// The greater, the more it needs looking at.
    fn weight(&self) -> (bool, bool, u64, u64) {
        let times = self.run.times;
        let wrong = !self.run.violations.is_empty();
        (
            wrong,
            !self.run.elected,
            times.split_brain_ns,
            times.leaderless_ns,
        )
    }
}

fn wanted(study: &Study, nodes: u64) -> Vec<Wanted<'_>> {
    let all = study.entries.iter().flat_map(|entry| {
        let cells = study.of(entry).filter(|(cell, _)| cell.nodes == nodes);
        cells.filter_map(move |(cell, summary)| {
            let run = cell.worst()?;
            Some(Wanted {
                entry,
                cell,
                summary,
                run,
            })
        })
    });
    all.filter(|one| {
        let summary = one.summary;
        summary.violations > 0
            || summary.split_brain_runs > 0
            || summary.leaderless_ms_mean > LEADERLESS_MS
    })
    .collect()
}

type Drawn = HashMap<(String, String), String>;

/// The diagrams for which there is room, the worst first, and how many there is none for.
fn drawn(study: &Study, wanted: &[Wanted<'_>]) -> (Drawn, usize) {
    let mut order: Vec<&Wanted<'_>> = wanted.iter().collect();
    order.sort_by_key(|one| std::cmp::Reverse(one.weight()));
    let (mut drawn, mut room) = (Drawn::new(), ROOM);
    for (number, one) in order.iter().enumerate() {
        let Some(diagram) = diagram(study, one, number) else {
            continue;
        };
        if diagram.len() > room {
            continue;
        }
        room -= diagram.len();
        drawn.insert(one.key(), diagram);
    }
    let left_out = wanted.len() - drawn.len();
    (drawn, left_out)
}

fn diagram(study: &Study, one: &Wanted<'_>, number: usize) -> Option<String> {
    let job = Job {
        scenario: study.scenario(&one.cell.scenario)?,
        nodes: one.cell.nodes,
        seed: one.run.seed,
        trace: true,
        twice: false,
        false_suspicions: false,
    };
    let (_, records) = one.entry.contestant.run(&job).ok()?;
    let options = DiagramOptions {
        id_prefix: format!("d{number}"),
        window: Some(window(&records, one.run)),
        width: 1_000,
        heartbeats: false,
        max_messages: MESSAGES,
        ..DiagramOptions::default()
    };
    Some(svg(&records, &options))
}

/// The first fault and what followed; with the longest split brain, which may be much later.
fn window(records: &[Record], run: &Outcome) -> (u64, u64) {
    let (start, end) = interesting_window(records);
    if run.times.split_brain_ns == 0 {
        return (start, end);
    }
    let leaders = History::read(records).leaders();
    // What came before the scenario's first fault is not counted.
    let splits = leaders
        .iter()
        .filter(|span| span.what.len() > 1 && span.to_ns > start);
    let longest = splits.max_by_key(|span| span.to_ns - span.from_ns);
    (
        start,
        end.max(longest.map_or(0, |span| span.to_ns + AFTER_NS)),
    )
}

fn shown(study: &Study, one: &Wanted<'_>, diagram: Option<&str>) -> Markup {
    let (run, summary) = (one.run, one.summary);
    let quorum = summary.guarantee == GuaranteeKind::Quorum;
    let span = |nanos: u64| ms(nanos as f64 / 1e6);
    html! {
        details.run {
            summary {
                strong { (one.entry.contestant.label()) } " "
                @if summary.violations > 0 { span.wrong { "! violation " } }
                @if summary.split_brain_runs > 0 {
                    span.both.real[!quorum] { "‖ " (summary.split_brain_runs) " of " (summary.runs)
                        " runs" }
                    " here " (span(run.times.split_brain_ns)) "; "
                }
                (span(run.times.leaderless_ns)) " without a leader"
                @if diagram.is_none() { " (not drawn)" }
            }
            @for violation in &run.violations {
                p.bad { strong { (violation.invariant) } ": " (violation.detail) }
            }
            pre { code { (study.replay(one.cell, run.seed)) } }
            @if let Some(diagram) = diagram { div.scroll { (PreEscaped(diagram)) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::study::sample;

    // The diagram of a run that is shown for its split brain must show the split brain, also when
    // it comes seconds after the first fault.
    #[test]
    fn the_window_holds_the_split_brain() {
        let study = sample();
        let wanted = wanted(&study, 5);
        let one = |scenario: &str| {
            let mut found = wanted.iter().filter(|one| one.cell.scenario == scenario);
            found.find(|one| one.cell.algorithm == "bully").unwrap()
        };
        for scenario in ["leader-crash", "minority-leader"] {
            let svg = diagram(&study, one(scenario), 0).unwrap();
            assert!(svg.contains("split brain"), "{scenario}");
        }
    }

    // Raft lets go in time: a diagram for every cell would bury those that matter.
    #[test]
    fn cells_where_nothing_is_to_be_seen_are_left_out() {
        let study = sample();
        let wanted = wanted(&study, 5);
        let quiet =
            |one: &Wanted<'_>| one.cell.algorithm == "raft" && one.cell.scenario == "leader-crash";
        assert!(!wanted.is_empty() && !wanted.iter().any(quiet));
    }
}
