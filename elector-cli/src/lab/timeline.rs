//! A run as lines of text: one for each thing that a reader cares about, routine folded into
//! counts.

mod line;
mod teller;

use std::fmt;

use elector_core::trace::Record;

use crate::lab::history::History;

pub(crate) use line::millis;
pub(crate) use teller::word_command;

/// What a timeline shows, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineOptions {
    /// The part of the run to show, as `(start, end)` in nanoseconds; `None` for all of it.
    pub window: Option<(u64, u64)>,
    /// Whether to colour it with ANSI escapes.
    pub color: bool,
    /// Whether to show every routine heartbeat and acknowledgement instead of counts.
    pub heartbeats: bool,
    /// Whether to show when messages arrive, besides when they are sent.
    pub arrivals: bool,
    /// Columns after which a line is cut short; 0 for never.
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

/// Writes the timeline of a run: milliseconds, nodes, and what happened. The same thing at several
/// nodes, at nearly one moment, is one line, at the time of the first.
///
/// # Errors
/// Those of `out`.
pub fn timeline(
    records: &[Record],
    out: &mut impl fmt::Write,
    options: &TimelineOptions,
) -> fmt::Result {
    let history = History::read(records);
    let hop_ns = history.usual_flight_ns().unwrap_or(0);
    let mut pen = line::Pen::new(out, *options, hop_ns);
    teller::tell(records, &history, &mut pen)?;
    pen.finish()
}

#[cfg(test)]
mod tests;
