use std::time::Duration;

use elector_core::{Moment, NodeId, Timing};

/// The minimum time between two reports of the same kind.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// Compares measured durations with the configured ones. Durations that do not fit are the usual
/// reason for leaderships that end without a fault, and operators look for the reason in the log.
#[derive(Debug)]
pub(crate) struct TimingCheck {
    timing: Timing,
    /// When the round trip of each peer was last reported.
    reported: Vec<(NodeId, Moment)>,
    /// The number of stalls since the last report, and the longest of them.
    stalls: u32,
    longest: Duration,
    stalls_reported: Option<Moment>,
}

/// How often this node did not run when it should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stalls {
    pub(crate) count: u32,
    pub(crate) longest: Duration,
}

impl TimingCheck {
    pub(crate) fn new(timing: Timing) -> Self {
        Self {
            timing,
            reported: Vec::new(),
            stalls: 0,
            longest: Duration::ZERO,
            stalls_reported: None,
        }
    }

    /// Returns `true` if the round trip of this peer must be reported: a round of heartbeats uses
    /// up most of the lease, or an answer takes longer than the algorithm waits for it.
    pub(crate) fn round_trip(&mut self, peer: NodeId, measured: Duration, now: Moment) -> bool {
        let Timing {
            heartbeat,
            lease,
            round_trip,
            ..
        } = self.timing;
        let fits = measured <= round_trip && measured + heartbeat <= lease / 2;
        if fits {
            return false;
        }
        match self.reported.iter_mut().find(|(known, _)| *known == peer) {
            Some((_, at)) if now.saturating_since(*at) < REPORT_INTERVAL => false,
            Some((_, at)) => {
                *at = now;
                true
            }
            None => {
                self.reported.push((peer, now));
                true
            }
        }
    }

    /// Counts a time in which this node should have run and did not. Returns the stalls since the
    /// last report if they must be reported now.
    pub(crate) fn stalled(&mut self, late: Duration, now: Moment) -> Option<Stalls> {
        self.stalls += 1;
        self.longest = self.longest.max(late);
        let is_early = |at| now.saturating_since(at) < REPORT_INTERVAL;
        if late < self.timing.lease / 4 || self.stalls_reported.is_some_and(is_early) {
            return None;
        }
        let stalls = Stalls {
            count: self.stalls,
            longest: self.longest,
        };
        (self.stalls, self.longest) = (0, Duration::ZERO);
        self.stalls_reported = Some(now);
        Some(stalls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: NodeId = NodeId(2);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn at_ms(millis: u64) -> Moment {
        Moment::ZERO.saturating_add(ms(millis))
    }

    // 42 ms between two sites do not fit a lease of 120 ms, but they fit one of 800 ms.
    #[test]
    fn a_long_round_trip_is_reported_once_a_minute() {
        let mut check = TimingCheck::new(Timing::default());
        assert!(!check.round_trip(PEER, ms(1), at_ms(0)));
        assert!(check.round_trip(PEER, ms(42), at_ms(1)));
        assert!(!check.round_trip(PEER, ms(42), at_ms(59_000)));
        assert!(
            check.round_trip(NodeId(3), ms(42), at_ms(59_000)),
            "another peer"
        );
        assert!(check.round_trip(PEER, ms(42), at_ms(61_000)));
        let mut patient = TimingCheck::new(Timing::patient());
        assert!(!patient.round_trip(PEER, ms(200), at_ms(0)));
        assert!(patient.round_trip(PEER, ms(400), at_ms(0)));
    }

    // One late wake-up does no harm. One that uses up a part of the lease is reported, together
    // with the stalls before it that were not reported.
    #[test]
    fn stalls_are_reported_together() {
        let mut check = TimingCheck::new(Timing::patient());
        assert_eq!(check.stalled(ms(100), at_ms(0)), None);
        let (count, longest) = (2, ms(300));
        let first = check.stalled(ms(300), at_ms(1));
        assert_eq!(first, Some(Stalls { count, longest }));
        assert_eq!(check.stalled(ms(700), at_ms(2)), None);
        let (count, longest) = (2, ms(700));
        let later = check.stalled(ms(300), at_ms(61_000));
        assert_eq!(later, Some(Stalls { count, longest }));
    }
}
