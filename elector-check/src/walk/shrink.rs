use elector_core::ElectionAlgorithm;

use crate::walk::{
    event::{Event, Line},
    runner::Runner,
};

/// Removes the lines of a schedule that are not needed to violate the same invariant. The method is
/// delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input",
/// 2002). Also merges and rounds the waits.
pub(crate) fn shrink<A: ElectionAlgorithm>(
    runner: &Runner<'_, A>,
    mut lines: Vec<Line<A::Timer>>,
    invariant: &str,
) -> Vec<Line<A::Timer>> {
    let violates = |lines: &[Line<A::Timer>]| runner.effective_lines(lines, invariant);
    if let Some(fewer) = violates(&lines) {
        lines = fewer;
    }
    loop {
        let before = lines.len();
        lines = fewer_lines(lines, &violates);
        lines = shorter_waits(lines, &violates);
        if lines.len() == before {
            return lines;
        }
    }
}

/// A function that returns the lines that had an effect, up to the violation. It returns `None` if
/// the lines do not violate the invariant.
type Violates<'a, T> = dyn Fn(&[Line<T>]) -> Option<Vec<Line<T>>> + 'a;

fn fewer_lines<T: Clone>(mut lines: Vec<Line<T>>, violates: &Violates<'_, T>) -> Vec<Line<T>> {
    let mut chunk = lines.len().div_ceil(2).max(1);
    loop {
        let mut start = 0;
        let mut shrunk = false;
        while start < lines.len() {
            let end = (start + chunk).min(lines.len());
            let rest: Vec<_> = [&lines[..start], &lines[end..]].concat();
            match violates(&rest) {
                Some(fewer) if fewer.len() < lines.len() => {
                    lines = fewer;
                    shrunk = true;
                }
                _ => start = end,
            }
        }
        if chunk > 1 {
            chunk = chunk.div_ceil(2).min(chunk - 1);
        } else if !shrunk {
            return lines;
        }
    }
}

/// Merges consecutive waits, and rounds each wait to a number that is easy to read. Keeps a rounded
/// wait only if the schedule still violates the invariant.
fn shorter_waits<T: Clone>(lines: Vec<Line<T>>, violates: &Violates<'_, T>) -> Vec<Line<T>> {
    let mut merged: Vec<Line<T>> = Vec::new();
    for line in lines {
        if let (Event::Wait(more), Some(last)) = (&line.event, merged.last_mut())
            && let Event::Wait(nanos) = &mut last.event
        {
            *nanos += more;
        } else {
            merged.push(line);
        }
    }
    for place in 0..merged.len() {
        let Event::Wait(nanos) = merged[place].event else {
            continue;
        };
        const MS: u64 = 1_000_000;
        let rounded = |to: u64| [nanos / to * to, nanos.next_multiple_of(to)];
        let candidates = [50 * MS, 10 * MS, MS, MS / 10]
            .into_iter()
            .flat_map(rounded);
        for simpler in candidates.filter(|&simpler| simpler != nanos) {
            let mut changed = merged.clone();
            changed[place].event = Event::Wait(simpler);
            if violates(&changed).is_some_and(|kept| kept.len() == changed.len()) {
                merged = changed;
                break;
            }
        }
    }
    merged
}
