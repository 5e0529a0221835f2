use elector_core::trace::Record;

use crate::history::{Flight, History};

/// The part of a run worth looking at, as `(start, end)` in nanoseconds: from just before the
/// first disturbance of a settled cluster until it has settled again. Where nothing disturbs it,
/// the first election; where it never settles, the rest of the run.
///
/// A cluster is settled while no node is paused, no link is cut, and all running nodes follow one
/// that leads. It has settled again when it stays so for half as long as it was disturbed.
#[must_use]
pub fn interesting_window(records: &[Record]) -> (u64, u64) {
    let history = History::read(records);
    let mut states: Vec<(u64, bool)> = Vec::new();
    for at_ns in history.turns() {
        let settled = history.settled(at_ns);
        if states.last().is_none_or(|last| last.1 != settled) {
            states.push((at_ns, settled));
        }
    }
    let whole = (history.start_ns, history.end_ns);
    let Some(first) = states.iter().position(|state| state.1) else {
        return quiet_cut(&history, whole);
    };
    let (start_ns, rest) = match states.get(first + 1) {
        Some(disturbed) => (disturbed.0, &states[first + 1..]),
        None => (history.start_ns, &states[first..]),
    };
    match end_of(start_ns, rest, history.end_ns) {
        Some(end_ns) => padded(&history, (start_ns, end_ns)),
        None => quiet_cut(&history, padded(&history, (start_ns, history.end_ns))),
    }
}

/// The moments at which something happens that a reader looks for, in order: they are kept apart
/// when quiet stretches are folded.
pub(super) fn moments(history: &History<'_>, window: (u64, u64)) -> Vec<u64> {
    let election = history.flights.iter().filter(|flight| !flight.is_routine());
    let mut moments: Vec<u64> = election.flat_map(ends).collect();
    let mut turns = history.turns();
    turns.extend(history.notes.iter().map(|note| note.0));
    for lane in &history.lanes {
        turns.extend(lane.marks.iter().map(|mark| mark.0));
    }
    // A round of heartbeats on either side of what happens shows what is usual.
    let lives = history.lanes.iter().flat_map(|lane| &lane.life);
    let faults = history.cuts.iter().flat_map(|cut| [cut.from_ns, cut.to_ns]);
    let faults = lives.map(|life| life.from_ns).chain(faults);
    let routine: Vec<&Flight<'_>> = history.flights.iter().filter(|f| f.is_routine()).collect();
    let mut faults: Vec<u64> = faults.collect();
    faults.push(moments.iter().copied().max().unwrap_or(window.0));
    for fault_ns in faults {
        let next = routine.partition_point(|flight| flight.sent_ns < fault_ns);
        let before = next.checked_sub(1).and_then(|last| routine.get(last));
        moments.extend(before.into_iter().flat_map(|flight| ends(flight)));
        moments.extend(
            routine
                .get(next)
                .into_iter()
                .flat_map(|flight| ends(flight)),
        );
    }
    for lane in &history.lanes {
        moments.extend(
            lane.writes
                .iter()
                .flat_map(|write| [write.from_ns, write.to_ns]),
        );
    }
    moments.extend(turns);
    moments.retain(|at_ns| (window.0..=window.1).contains(at_ns));
    moments.sort_unstable();
    moments.dedup();
    moments
}

fn ends(flight: &Flight<'_>) -> impl Iterator<Item = u64> {
    let ends: Vec<u64> = flight.ends.iter().map(|end| end.at_ns()).collect();
    [flight.sent_ns].into_iter().chain(ends)
}

/// When a cluster disturbed at `start_ns` has settled; `None` if it has not.
fn end_of(start_ns: u64, states: &[(u64, bool)], last_ns: u64) -> Option<u64> {
    let mut next = states.iter().skip(1).map(|state| state.0);
    for &(at_ns, settled) in states {
        let until = next.next().unwrap_or(last_ns);
        let enough = (at_ns - start_ns) / 2;
        if settled && (until - at_ns >= enough || until == last_ns) {
            return Some(at_ns);
        }
    }
    None
}

/// With a round of heartbeats on either side, or an eighth of its length.
fn padded(history: &History<'_>, (start_ns, end_ns): (u64, u64)) -> (u64, u64) {
    let eighth = (end_ns - start_ns) / 8;
    let hop = history.usual_flight_ns().unwrap_or(0);
    let routine = || history.flights.iter().filter(|flight| flight.is_routine());
    let before = routine().take_while(|flight| flight.sent_ns < start_ns);
    let before = before.last().map_or(start_ns, |flight| flight.sent_ns);
    let after = routine().find(|flight| flight.sent_ns > end_ns);
    let after = after.map_or(end_ns, Flight::last_ns);
    let first = before.max(start_ns.saturating_sub(eighth.max(hop * 100)));
    let last = after.min(end_ns.saturating_add(eighth.max(hop * 100)));
    (
        first.saturating_sub(hop * 2).max(history.start_ns),
        last.saturating_add(hop * 3).min(history.end_ns),
    )
}

/// Without what comes after the last change, but for a quarter.
fn quiet_cut(history: &History<'_>, (start_ns, end_ns): (u64, u64)) -> (u64, u64) {
    let turns = history.turns().into_iter().filter(|&at_ns| at_ns < end_ns);
    let last = turns.max().map_or(end_ns, |last| last.max(start_ns));
    (start_ns, end_ns.min(last + (last - start_ns) / 4 + 1))
}
