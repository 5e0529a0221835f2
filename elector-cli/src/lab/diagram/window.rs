use elector_core::trace::Record;

use crate::lab::history::{Flight, History};

/// Returns the interesting part of a run, as `(start, end)` in nanoseconds. It begins just before
/// the first disturbance of a settled cluster, and ends when the cluster has settled again. Without
/// a disturbance, the interesting part is the first election. If the cluster never settles again,
/// it is the rest of the run without its quiet end.
///
/// A cluster is settled if no node is paused, exactly one node leads, and all running nodes with
/// working links to and from the leader follow the leader. These nodes and the leader together must
/// be at least half of all running nodes. The cluster has settled again at the start of a settled
/// time that lasts for at least half as long as the disturbance before it, or until the end of the
/// run.
#[must_use]
pub fn interesting_window(records: &[Record]) -> (u64, u64) {
    let history = History::read(records);
    let mut states: Vec<(u64, bool)> = Vec::new();
    for at_ns in history.changes() {
        let settled = history.is_settled(at_ns);
        if states.last().is_none_or(|last| last.1 != settled) {
            states.push((at_ns, settled));
        }
    }
    let whole = (history.start_ns, history.end_ns);
    let Some(first) = states.iter().position(|state| state.1) else {
        return without_quiet_end(&history, whole);
    };
    let (start_ns, rest) = match states.get(first + 1) {
        Some(disturbed) => (disturbed.0, &states[first + 1..]),
        None => (history.start_ns, &states[first..]),
    };
    match settled_from(start_ns, rest, history.end_ns) {
        Some(end_ns) => padded(&history, (start_ns, end_ns)),
        None => without_quiet_end(&history, padded(&history, (start_ns, history.end_ns))),
    }
}

/// Returns the moments of the events that a reader looks for, in ascending order. A fold, which is
/// a stretch that is drawn with a narrow fixed width, contains none of these moments.
pub(super) fn event_times(history: &History<'_>, window: (u64, u64)) -> Vec<u64> {
    let election = history.flights.iter().filter(|flight| !flight.is_routine());
    let mut times: Vec<u64> = election.flat_map(ends).collect();
    let mut changes = history.changes();
    changes.extend(history.notes.iter().map(|note| note.0));
    for lane in &history.lanes {
        changes.extend(lane.marks.iter().map(|mark| mark.0));
    }
    for lane in &history.lanes {
        let writes = lane.writes.iter();
        changes.extend(writes.flat_map(|write| [write.from_ns, write.to_ns]));
    }
    times.extend(changes);
    times.retain(|at_ns| (window.0..=window.1).contains(at_ns));
    times.extend(sample_rounds(history, window, &times));
    times.sort_unstable();
    times.dedup();
    times
}

/// Returns the start and the end of two rounds of heartbeats, so that they are not folded and show
/// readers the steady state: the last round before the first fault, and the first round after the
/// last moment in `event_times`.
fn sample_rounds(history: &History<'_>, window: (u64, u64), event_times: &[u64]) -> Vec<u64> {
    let lives = history.lanes.iter().flat_map(|lane| &lane.life);
    let marks = history.lanes.iter().flat_map(|lane| &lane.marks);
    let faults = lives.map(|life| life.from_ns);
    let faults = faults.chain(history.cuts.iter().map(|cut| cut.from_ns));
    let faults = faults.chain(marks.map(|mark| mark.0));
    let first = faults.filter(|&at_ns| at_ns > window.0).min();
    let busy = |at_ns: &&u64| **at_ns < window.1;
    let last = event_times.iter().filter(busy).max();
    let rounds = history.rounds();
    let inside = |round: &&(u64, u64)| round.0 >= window.0 && round.1 <= window.1;
    let before = rounds
        .iter()
        .filter(inside)
        .rfind(|round| first.is_some_and(|at| round.1 < at));
    let after = rounds
        .iter()
        .filter(inside)
        .find(|round| last.is_some_and(|at| round.0 > *at));
    let both = before.into_iter().chain(after);
    both.flat_map(|&(from, to)| [from, to]).collect()
}

fn ends(flight: &Flight<'_>) -> impl Iterator<Item = u64> {
    let ends: Vec<u64> = flight.ends.iter().map(|end| end.at_ns()).collect();
    [flight.sent_ns].into_iter().chain(ends)
}

/// Returns the moment at which a cluster that was disturbed at `start_ns` has settled again.
/// Returns `None` if it has not settled until `last_ns`.
fn settled_from(start_ns: u64, states: &[(u64, bool)], last_ns: u64) -> Option<u64> {
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

/// Extends a window at both ends: by a round of heartbeats and acknowledgements, if such a round is
/// near, and by the time that three messages take.
fn padded(history: &History<'_>, (start_ns, end_ns): (u64, u64)) -> (u64, u64) {
    let hop = history.usual_flight_ns().unwrap_or(0);
    let near = ((end_ns - start_ns) / 8).max(hop.saturating_mul(100));
    let margin = hop.saturating_mul(3);
    let rounds = history.rounds();
    let before = rounds.iter().rfind(|round| round.1 < start_ns);
    let before = before.filter(|round| start_ns - round.0 <= near);
    let after = rounds.iter().find(|round| round.0 > end_ns);
    let after = after.filter(|round| round.1 - end_ns <= near);
    let first = before.map_or(start_ns, |round| round.0);
    let last = after.map_or(end_ns, |round| round.1);
    (
        first.saturating_sub(margin).max(history.start_ns),
        last.saturating_add(margin).min(history.end_ns),
    )
}

/// Shortens a window so that it ends soon after its last change. The time that remains after this
/// change is a quarter of the time from the start of the window to the change.
fn without_quiet_end(history: &History<'_>, (start_ns, end_ns): (u64, u64)) -> (u64, u64) {
    let changes = history
        .changes()
        .into_iter()
        .filter(|&at_ns| at_ns < end_ns);
    let last = changes.max().map_or(end_ns, |last| last.max(start_ns));
    (
        start_ns,
        end_ns.min(last.saturating_add((last - start_ns) / 4 + 1)),
    )
}
