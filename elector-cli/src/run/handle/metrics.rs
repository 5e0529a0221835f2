use std::{collections::VecDeque, time::Duration};

use elector_core::Moment;
use elector_net::http::prometheus_client::metrics::{counter::Counter, gauge::Gauge};

/// What a node counts about its command since the node was started. A clone shares the values.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// Starts of the command, also those that failed.
    pub starts: Counter,
    /// Commands that were ended by SIGKILL.
    pub kills: Counter,
    /// Commands that ended by themselves with a code other than 0, or could not be started.
    pub failures: Counter,
    /// Starts of the command after another start in the same tenure.
    pub restarts: Counter,
    /// Commands that ended after the end of their lease.
    pub late_ends: Counter,
    /// 1 while the command runs, else 0.
    pub running: Gauge,
}

/// The number of exits with code 0 within [`PERIOD`] that is too many.
const TOO_MANY: usize = 3;
const PERIOD: Duration = Duration::from_secs(60);

/// The recent exits of the command by itself with code 0.
///
/// A command that runs on the leader is expected to run for as long as the node leads. A command
/// that exits again and again has finished its work, like a job that is started now and then.
#[derive(Debug, Default)]
pub(super) struct CleanExits(VecDeque<Moment>);

impl CleanExits {
    /// Records an exit. Returns `true` if there were too many; then the count starts again.
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

    // A command that exits once an hour is no reason for a warning. A command that exits at once
    // each time is a reason, but not for one warning per exit.
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
