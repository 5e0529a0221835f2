//! Prints a run as lines of text, with one line per event of interest. Routine messages (heartbeats
//! and their acknowledgements) are only counted.

mod line;
mod narrator;

use std::fmt;

use elector_core::trace::Record;

use crate::lab::history::History;

pub(crate) use line::millis;
pub(crate) use narrator::command_text;

/// The content and the look of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineOptions {
    /// The part of the run to show, as `(start, end)` in nanoseconds; `None` for the whole run.
    pub window: Option<(u64, u64)>,
    /// Whether to use colours (ANSI escape codes).
    pub color: bool,
    /// Whether to show every heartbeat and acknowledgement, instead of only their number.
    pub heartbeats: bool,
    /// Whether to show the arrivals of messages in addition to their departures.
    pub arrivals: bool,
    /// The maximum number of columns of a line; 0 for no limit.
    pub width: usize,
}

impl Default for TimelineOptions {
    fn default() -> Self {
        Self {
            window: None,
            color: false,
            heartbeats: false,
            arrivals: false,
            width: 120,
        }
    }
}

/// Writes the timeline of a run: for each event the time in milliseconds, the nodes, and what
/// happened. If the same event occurs at several nodes at nearly the same moment, these events have
/// one line, with the time of the first event.
///
/// # Errors
/// Returns the errors of `out`.
pub fn timeline(
    records: &[Record],
    out: &mut impl fmt::Write,
    options: &TimelineOptions,
) -> fmt::Result {
    let history = History::read(records);
    let hop_ns = history.usual_flight_ns().unwrap_or(0);
    let mut pen = line::Pen::new(out, *options, hop_ns);
    narrator::write_events(records, &history, &mut pen)?;
    pen.finish()
}

#[cfg(test)]
mod tests;
