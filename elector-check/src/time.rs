use std::time::Duration;

use elector_core::{Moment, Timing};

/// Discrete time: all clocks advance together, one tick at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// The length of a tick. Delays of timers are rounded up to whole ticks.
    pub tick: Duration,
    /// The number of ticks in a run.
    pub ticks: u32,
}

impl Time {
    /// Creates the time of runs with this number of ticks of one millisecond each.
    #[must_use]
    pub fn of(ticks: u32) -> Self {
        Self {
            tick: Duration::from_millis(1),
            ticks,
        }
    }

    /// Returns the shortest durations in whole ticks that an algorithm accepts: one tick for a
    /// heartbeat and for a round trip, two for a lease, and three to four for an election timeout.
    /// The shorter the durations are, the more can happen within the ticks of a run.
    #[must_use]
    pub fn timing(&self) -> Timing {
        Timing {
            heartbeat: self.tick,
            lease: self.tick * 2,
            election_min: self.tick * 3,
            election_max: self.tick * 4,
            round_trip: self.tick,
        }
    }

    /// Returns the moment of a tick. The first tick is 1, because an algorithm may use the moment
    /// zero for "no timestamp".
    pub(crate) fn moment(self, now: u32) -> Moment {
        let nanos = self.tick.as_nanos().saturating_mul(u128::from(now));
        Moment::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}
