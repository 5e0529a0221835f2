use std::time::Duration;

use elector_core::{Moment, NodeId, Timing};

/// The minimum time between two log lines of the same kind.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// Compares measured durations with the configured ones. If leaderships end although nothing has
/// failed, the usual reason is that the configured durations are too short for the network or the
/// machine. Operators look for the reason in the log.
#[derive(Debug)]
pub(crate) struct TimingCheck {
    timing: Timing,
    /// The peers whose round trips were logged, and the time of the last log line about each.
    reported: Vec<(NodeId, Moment)>,
    /// The number of stalls since they were last logged, and the longest of these stalls. A stall
    /// is a time in which this node should have run but did not.
    stalls: u32,
    longest: Duration,
    stalls_reported: Option<Moment>,
}

/// How often this node did not run when it should have run, and for how long at most.
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

    /// Returns `true` if the round trip of this peer must be logged now. A round trip is logged if
    /// it is longer than the algorithm expects, or if it takes more than half of the lease together
    /// with the heartbeat interval.
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

    /// Counts a stall: this node ran later than it should have run, by the duration `late`. Returns
    /// the stalls since the last log line, if they must be logged now.
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

    // The log must say if a round trip is too long for the lease, but must not get a line for each
    // round trip. A round trip of 42 ms between two sites is too long for a lease of 120 ms.
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

    // A stall is a time in which the node should have run but did not. One short stall does no
    // harm, so it must not be logged. A stall of at least a quarter of the lease must be logged,
    // together with the stalls before it that were not logged.
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
