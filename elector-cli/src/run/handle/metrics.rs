use std::{collections::VecDeque, time::Duration};

use elector_core::Moment;
use elector_net::http::prometheus_client::metrics::{counter::Counter, gauge::Gauge};

/// What a node counts about its command since the node was started. A clone shares the values with
/// the original.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// Starts of the command, also those that failed.
    pub starts: Counter,
    /// Commands that SIGKILL has ended.
    pub kills: Counter,
    /// Commands that ended by themselves with a code other than 0, or could not be started.
    pub failures: Counter,
    /// Starts of the command after another start in the same tenure, which is the time in which the
    /// node leads one epoch.
    pub restarts: Counter,
    /// Commands that ended after the end of their lease.
    pub late_ends: Counter,
    /// 1 while the command runs, else 0.
    pub running: Gauge,
}

/// The number of exits of the command with code 0 within [`PERIOD`] at which the node logs a
/// warning.
const TOO_MANY: usize = 3;
const PERIOD: Duration = Duration::from_secs(60);

/// The exits of the command by itself with code 0, in the last [`PERIOD`].
///
/// A command that runs on the leader is expected to run for as long as the node leads. A command
/// that exits again and again was probably written as a job that finishes.
#[derive(Debug, Default)]
pub(super) struct CleanExits(VecDeque<Moment>);

impl CleanExits {
    /// Records an exit at the time `at`. Returns `true` if this is the third exit within
    /// [`PERIOD`]. Then the count starts again from zero.
    pub(super) fn record(&mut self, at: Moment) -> bool {
        self.0.push_back(at);
        let is_old = |exit: &Moment| at.saturating_since(*exit) > PERIOD;
        while self.0.front().is_some_and(is_old) {
            self.0.pop_front();
        }
        let too_many = self.0.len() >= TOO_MANY;
        if too_many {
            self.0.clear();
        }
        too_many
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A command that exits once an hour is no reason for a warning. For a command that exits at
    // once after each start, there must be a warning, but not at each exit.
    #[test]
    fn the_third_exit_within_a_minute_is_too_many() {
        let mut exits = CleanExits::default();
        let mut record = |second: u64| exits.record(Moment::from_nanos(second * 1_000_000_000));
        for (second, too_many) in [
            (0, false),
            (61, false),
            (121, false),
            (182, false),
            (183, false),
            (184, true),
            (185, false),
            (186, false),
            (187, true),
        ] {
            assert_eq!(record(second), too_many, "{second} s");
        }
    }
}
