use std::time::Duration;

use elector_core::{NodeId, Timing, nanos};

/// The minimum time between two reports of the same kind.
const REPORT_INTERVAL_NS: u64 = 60_000_000_000;

/// Compares measured durations with the configured ones. Durations that do not fit are the usual
/// reason for leaderships that end without a fault, and operators look for the reason in the log.
#[derive(Debug)]
pub(crate) struct TimingCheck {
    timing: Timing,
    /// When the round trip of each peer was last reported, in nanoseconds.
    reported: Vec<(NodeId, u64)>,
    /// The number of stalls since the last report, and the longest of them.
    stalls: u32,
    longest: Duration,
    stalls_reported_ns: Option<u64>,
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
            stalls_reported_ns: None,
        }
    }

    /// Returns `true` if the round trip of this peer must be reported: a round of heartbeats uses
    /// up most of the lease, or an answer takes longer than the algorithm waits for it.
    pub(crate) fn round_trip(&mut self, peer: NodeId, measured: Duration, now_ns: u64) -> bool {
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
            Some((_, at_ns)) if now_ns.saturating_sub(*at_ns) < REPORT_INTERVAL_NS => false,
            Some((_, at_ns)) => {
                *at_ns = now_ns;
                true
            }
            None => {
                self.reported.push((peer, now_ns));
                true
            }
        }
    }

    /// Counts a time in which this node should have run and did not. Returns the stalls since the
    /// last report if they must be reported now.
    pub(crate) fn stalled(&mut self, late: Duration, now_ns: u64) -> Option<Stalls> {
        self.stalls += 1;
        self.longest = self.longest.max(late);
        let is_early = |at_ns: u64| now_ns.saturating_sub(at_ns) < REPORT_INTERVAL_NS;
        let is_short = nanos(late) < nanos(self.timing.lease) / 4;
        if is_short || self.stalls_reported_ns.is_some_and(is_early) {
            return None;
        }
        let stalls = Stalls {
            count: self.stalls,
            longest: self.longest,
        };
        (self.stalls, self.longest) = (0, Duration::ZERO);
        self.stalls_reported_ns = Some(now_ns);
        Some(stalls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const PEER: NodeId = NodeId(2);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    // 42 ms between two sites do not fit a lease of 120 ms, but they fit one of 800 ms.
    #[test]
    fn a_long_round_trip_is_reported_once_a_minute() {
        let mut check = TimingCheck::new(Timing::default());
        assert!(!check.round_trip(PEER, ms(1), 0));
        assert!(check.round_trip(PEER, ms(42), MS));
        assert!(!check.round_trip(PEER, ms(42), 59_000 * MS));
        assert!(
            check.round_trip(NodeId(3), ms(42), 59_000 * MS),
            "another peer"
        );
        assert!(check.round_trip(PEER, ms(42), 61_000 * MS));
        let mut patient = TimingCheck::new(Timing::patient());
        assert!(!patient.round_trip(PEER, ms(200), 0));
        assert!(patient.round_trip(PEER, ms(400), 0));
    }

    // One late wake-up does no harm. One that uses up a part of the lease is reported, together
    // with the stalls before it that were not reported.
    #[test]
    fn stalls_are_reported_together() {
        let mut check = TimingCheck::new(Timing::patient());
        assert_eq!(check.stalled(ms(100), 0), None);
        let (count, longest) = (2, ms(300));
        assert_eq!(check.stalled(ms(300), MS), Some(Stalls { count, longest }));
        assert_eq!(check.stalled(ms(700), 2 * MS), None);
        let (count, longest) = (2, ms(700));
        let later = check.stalled(ms(300), 61_000 * MS);
        assert_eq!(later, Some(Stalls { count, longest }));
    }
}
