use super::{FIXED, ms};
use crate::lab::{crash::Crash, grid, registry::Entry, study::Study};

/// Returns the table of variants: the guarantee, the cost of the loss of a leader (messages and
/// time), and the violations of each variant.
pub(super) fn table(study: &Study) -> String {
    let header = [
        "variant",
        "guarantee",
        "messages",
        "p50 ms",
        "p99 ms",
        "two leaders*",
        "violations",
        "idle/s",
    ];
    let rows = study.entries.iter().map(|entry| row(study, entry));
    let mut text = grid::table(header, rows, 2);
    text.push_str(
        "* runs in which two nodes believed at once that they lead. With a quorum algorithm the\n  \
         older one held no lease any more: every run checks that.\n  \
         idle/s: messages per second while nothing happens.\n",
    );
    text
}

fn row(study: &Study, entry: &Entry) -> Vec<String> {
    let contestant = &entry.contestant;
    if study.of(entry).next().is_none() {
        let names = [contestant.label(), contestant.guarantee.to_string()];
        return names
            .into_iter()
            .chain([FIXED; 6].map(str::to_owned))
            .collect();
    }
    let reference = study.cell(entry, study.reference(), study.middle());
    let crash = reference.and_then(|(cell, _)| Crash::of(cell));
    let figure = |value: Option<f64>| value.map_or_else(|| "·".to_owned(), ms);
    let (mut both, mut runs, mut violations) = (0, 0, 0);
    for (_, summary) in study.of(entry) {
        both += summary.split_brain_runs;
        runs += summary.runs;
        violations += summary.violations;
    }
    let idle = reference.map(|(_, summary)| summary.steady_messages_per_s);
    vec![
        contestant.label(),
        contestant.guarantee.to_string(),
        figure(crash.as_ref().map(|crash| crash.messages)),
        figure(crash.as_ref().map(|crash| crash.percentile(50))),
        figure(crash.as_ref().map(|crash| crash.percentile(99))),
        format!("{both}/{runs}"),
        violations.to_string(),
        idle.map_or_else(String::new, |idle| format!("{idle:.0}")),
    ]
}
