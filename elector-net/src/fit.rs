use std::time::Duration;

use elector_core::{NodeId, Timing, nanos};

/// How often the same is reported, at most.
const PAUSE: u64 = 60_000_000_000;

/// Compares what is measured with the durations that were configured. Durations that do not fit are
/// the usual reason for leaderships that end without a fault, and the log is where it is looked
/// for.
#[derive(Debug)]
pub(crate) struct Fit {
    timing: Timing,
    /// When the round trip of a peer was last reported, by peer.
    reported: Vec<(NodeId, u64)>,
    /// Stalls since the last report, and the longest of them.
    stalls: u32,
    longest: Duration,
    stalls_reported: Option<u64>,
}

/// This node did not run when it should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stalls {
    pub(crate) count: u32,
    pub(crate) longest: Duration,
}

impl Fit {
    pub(crate) fn new(timing: Timing) -> Self {
        Self {
            timing,
            reported: Vec::new(),
            stalls: 0,
            longest: Duration::ZERO,
            stalls_reported: None,
        }
    }

    /// Returns `true` if the round trip of this peer is to be reported: a round of heartbeats
    /// leaves little of the lease, or an answer takes longer than is waited for.
    pub(crate) fn round_trip(&mut self, peer: NodeId, measured: Duration, now: u64) -> bool {
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
            Some((_, at)) if now.saturating_sub(*at) < PAUSE => false,
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

    /// Counts a time in which this node should have run, and did not. Returns what is to be
    /// reported, if it is time to.
    pub(crate) fn stalled(&mut self, late: Duration, now: u64) -> Option<Stalls> {
        self.stalls += 1;
        self.longest = self.longest.max(late);
        let early = |at: u64| now.saturating_sub(at) < PAUSE;
        if nanos(late) < nanos(self.timing.lease) / 4 || self.stalls_reported.is_some_and(early) {
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

    const MS: u64 = 1_000_000;
    const PEER: NodeId = NodeId(2);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    // 42 ms between two sites do not fit a lease of 120 ms, and fit one of 800 ms.
    #[test]
    fn a_long_round_trip_is_reported_once_a_minute() {
        let mut fit = Fit::new(Timing::default());
        assert!(!fit.round_trip(PEER, ms(1), 0));
        assert!(fit.round_trip(PEER, ms(42), MS));
        assert!(!fit.round_trip(PEER, ms(42), 59_000 * MS));
        assert!(
            fit.round_trip(NodeId(3), ms(42), 59_000 * MS),
            "another peer"
        );
        assert!(fit.round_trip(PEER, ms(42), 61_000 * MS));
        let mut patient = Fit::new(Timing::patient());
        assert!(!patient.round_trip(PEER, ms(200), 0));
        assert!(patient.round_trip(PEER, ms(400), 0));
    }

    // One late wake-up is nothing; one that eats a part of the lease is news, and so are those
    // that were not reported before it.
    #[test]
    fn stalls_are_reported_together() {
        let mut fit = Fit::new(Timing::patient());
        assert_eq!(fit.stalled(ms(100), 0), None);
        let (count, longest) = (2, ms(300));
        assert_eq!(fit.stalled(ms(300), MS), Some(Stalls { count, longest }));
        assert_eq!(fit.stalled(ms(700), 2 * MS), None);
        let (count, longest) = (2, ms(700));
        let later = fit.stalled(ms(300), 61_000 * MS);
        assert_eq!(later, Some(Stalls { count, longest }));
    }
}
