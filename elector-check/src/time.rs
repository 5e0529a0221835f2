use std::time::Duration;

use elector_core::{Moment, Timing};

/// Discrete time: clocks that advance together, a tick at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// The length of a tick. Delays of timers are rounded up to whole ticks.
    pub tick: Duration,
    /// How many ticks a run has.
    pub ticks: u32,
}

impl Time {
    /// Runs of so many ticks, of a millisecond each.
    #[must_use]
    pub fn of(ticks: u32) -> Self {
        Self {
            tick: Duration::from_millis(1),
            ticks,
        }
    }

    /// The shortest durations in whole ticks that an algorithm can be configured with: a heartbeat
    /// and a round trip take one tick, a lease two, and an election timeout three to four. The
    /// shorter they are, the more can happen within a run.
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

    /// The first tick is 1: an algorithm may take the moment zero for no stamp at all.
    pub(crate) fn moment(self, now: u32) -> Moment {
        let nanos = self.tick.as_nanos().saturating_mul(u128::from(now));
        Moment::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}
