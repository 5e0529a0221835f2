use super::{FIXED, ms};
use crate::lab::{crash::Crash, grid, registry::Entry, study::Study};

/// Returns the table of the messages of an election, with one row per variant and one column per
/// cluster size.
pub(super) fn table(study: &Study) -> String {
    let sizes = study.sizes();
    let heads = sizes.iter().map(|nodes| format!("n = {nodes}"));
    let header = std::iter::once("variant".to_owned()).chain(heads);
    let rows = study.entries.iter().map(|entry| {
        let cells = sizes.iter().map(|&nodes| cell(study, entry, nodes));
        std::iter::once(entry.contestant.label())
            .chain(cells)
            .collect()
    });
    grid::table(header, rows, 1)
}

fn cell(study: &Study, entry: &Entry, nodes: u64) -> String {
    if study.is_skipped(entry, study.reference()) {
        return FIXED.to_owned();
    }
    let found = study.cell(entry, study.reference(), nodes);
    let crash = found.and_then(|(cell, _)| Crash::of(cell));
    let seen = crash.map_or_else(|| "·".to_owned(), |crash| ms(crash.messages));
    match entry.contestant.expected_messages(nodes) {
        Some(form) if form.start() == form.end() => format!("{seen} ({})", form.start()),
        Some(form) => format!("{seen} ({}–{})", form.start(), form.end()),
        None => seen,
    }
}
