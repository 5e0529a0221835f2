use std::collections::HashMap;

use elector_core::{GuaranteeKind, trace::Record};
use elector_sim::{Cell, ErasedRecord, Job, Outcome, Summary};
use maud::{Markup, PreEscaped, html};

use super::ms;
use crate::lab::{
    diagram::{DiagramOptions, interesting_window, svg},
    history::History,
    registry::Entry,
    study::Study,
};

/// The maximum size of all diagrams together, in bytes. A page of more than a few megabytes opens
/// slowly.
const MAX_TOTAL_BYTES: usize = 4_200_000;
/// The maximum number of messages that one diagram shows.
const MAX_MESSAGES: usize = 150;
/// The mean time without a leader, in milliseconds, from which on a cell gets a diagram. A cell has
/// the runs of one variant in one scenario at one cluster size.
const MIN_LEADERLESS_MS: f64 = 300.0;
/// How much of the run a diagram still shows after the end of a split brain, in nanoseconds. A
/// split brain is a time in which two nodes lead.
const AFTER_NS: u64 = 20_000_000;

/// Returns diagrams for one cluster size: for each variant and scenario with a problem, the worst
/// run.
pub(super) fn section(study: &Study) -> Markup {
    let nodes = study.middle();
    let candidates = candidates(study, nodes);
    let (diagrams, omitted) = diagrams(study, &candidates);
    html! {
        p {
            "The worst run of each variant and scenario with " (nodes) " nodes, if two nodes led \
             at the same time, an invariant was violated, or no node led for more than "
            (ms(MIN_LEADERLESS_MS)) " on average. Each node has a lane, time goes from left to \
             right, and each message is an arrow. Routine heartbeats are not shown, and quiet \
             stretches are folded. "
            @if omitted > 0 {
                "The page has diagrams of " (diagrams.len()) " of " (candidates.len()) " runs, the \
                 worst first, because its size is limited. The command under each name draws the \
                 others."
            }
        }
        @for scenario in &study.sweep.scenarios {
            @let of_scenario = candidates.iter().filter(|one| one.cell.scenario == scenario.name);
            @let of_scenario = of_scenario.collect::<Vec<_>>();
            @if !of_scenario.is_empty() {
                article.scenario {
                    h3 { (scenario.name) }
                    p { (scenario.summary) " " em { (scenario.sees) } }
                    @for one in of_scenario {
                        (shown(study, one, diagrams.get(&one.key()).map(String::as_str)))
                    }
                }
            }
        }
    }
}

/// A cell with a problem, so that a diagram of its worst run is useful. A cell has the runs of one
/// variant in one scenario at one cluster size.
struct Candidate<'a> {
    entry: &'a Entry,
    cell: &'a Cell,
    summary: &'a Summary,
    run: &'a Outcome,
}

impl Candidate<'_> {
    fn key(&self) -> (String, String) {
        (self.entry.contestant.label(), self.cell.scenario.clone())
    }

    /// Returns how bad the worst run of this candidate is. The diagrams of candidates with a
    /// greater value are drawn first.
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

fn candidates(study: &Study, nodes: u64) -> Vec<Candidate<'_>> {
    let all = study.entries.iter().flat_map(|entry| {
        let cells = study.of(entry).filter(|(cell, _)| cell.nodes == nodes);
        cells.filter_map(move |(cell, summary)| {
            let run = cell.worst()?;
            Some(Candidate {
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
            || summary.leaderless_ms_mean > MIN_LEADERLESS_MS
    })
    .collect()
}

type Diagrams = HashMap<(String, String), String>;

/// Draws the diagrams that fit into the page, the worst first. Returns these diagrams, and the
/// number of candidates (cells with a problem) for which there is no diagram.
fn diagrams(study: &Study, candidates: &[Candidate<'_>]) -> (Diagrams, usize) {
    let mut order: Vec<&Candidate<'_>> = candidates.iter().collect();
    order.sort_by_key(|one| std::cmp::Reverse(one.weight()));
    let (mut diagrams, mut remaining_bytes) = (Diagrams::new(), MAX_TOTAL_BYTES);
    for (number, one) in order.iter().enumerate() {
        let Some(diagram) = diagram(study, one, number) else {
            continue;
        };
        if diagram.len() > remaining_bytes {
            continue;
        }
        remaining_bytes -= diagram.len();
        diagrams.insert(one.key(), diagram);
    }
    let omitted = candidates.len() - diagrams.len();
    (diagrams, omitted)
}

fn diagram(study: &Study, one: &Candidate<'_>, number: usize) -> Option<String> {
    let job = Job {
        scenario: study.scenario(&one.cell.scenario)?,
        nodes: one.cell.nodes,
        seed: one.run.seed,
        trace: true,
        twice: false,
        false_suspicions: one.run.fails_only_with_false_suspicions(),
    };
    let (_, records) = one.entry.contestant.run(&job).ok()?;
    let records: Vec<Record> = records.iter().map(ErasedRecord::to_text).collect();
    let options = DiagramOptions {
        id_prefix: format!("d{number}"),
        window: Some(window(&records, one.run)),
        width: 1_000,
        heartbeats: false,
        max_messages: MAX_MESSAGES,
        ..DiagramOptions::default()
    };
    Some(svg(&records, &options))
}

/// Returns the part of the run to show: from the first fault until the cluster has settled. If the
/// longest split brain (two nodes lead) ends later, the shown part ends [`AFTER_NS`] after the end
/// of this split brain.
fn window(records: &[Record], run: &Outcome) -> (u64, u64) {
    let (start, end) = interesting_window(records);
    if run.times.split_brain_ns == 0 {
        return (start, end);
    }
    let leaders = History::read(records).leaders();
    // A split brain that ends before the first fault of the scenario does not count.
    let splits = leaders
        .iter()
        .filter(|span| span.what.len() > 1 && span.to_ns > start);
    let longest = splits.max_by_key(|span| span.to_ns - span.from_ns);
    (
        start,
        end.max(longest.map_or(0, |span| span.to_ns + AFTER_NS)),
    )
}

fn shown(study: &Study, one: &Candidate<'_>, diagram: Option<&str>) -> Markup {
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
                @if diagram.is_none() { " (no diagram)" }
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

    // If a run is shown because of its split brain, the diagram must contain the split brain, even
    // if it occurs seconds after the first fault.
    #[test]
    fn the_window_contains_the_split_brain() {
        let study = sample();
        let candidates = candidates(&study, 5);
        let one = |scenario: &str| {
            let mut found = candidates
                .iter()
                .filter(|one| one.cell.scenario == scenario);
            found.find(|one| one.cell.algorithm == "bully").unwrap()
        };
        for scenario in ["leader-crash", "minority-leader"] {
            let svg = diagram(&study, one(scenario), 0).unwrap();
            assert!(svg.contains("split brain"), "{scenario}");
        }
    }

    // In the scenario `leader-crash`, no two nodes of Raft lead at the same time, and the cluster
    // soon has a new leader, so the cell has no problem. If every cell had a diagram, readers would
    // not find the important ones.
    #[test]
    fn cells_without_a_problem_have_no_diagram() {
        let study = sample();
        let candidates = candidates(&study, 5);
        let quiet = |one: &Candidate<'_>| {
            one.cell.algorithm == "raft" && one.cell.scenario == "leader-crash"
        };
        assert!(!candidates.is_empty() && !candidates.iter().any(quiet));
    }
}
