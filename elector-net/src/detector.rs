use std::time::Duration;

use elector_core::{Configuration, Timing, nanos};

/// When the silence of a peer is reported to the algorithm.
///
/// Each node pings each peer, and a peer that is alive answers. So a node receives something from
/// it several times in each interval. A node learns from the gaps between these signs of life how
/// long they can be, and waits longer than that: on a quiet network not much longer than
/// [`floor`](Self::floor), on an overloaded machine up to [`ceiling`](Self::ceiling).
///
/// After that silence, a follower owes its leader no vigil any more
/// ([`Input::Silent`](elector_core::Input::Silent)). So `floor` must be longer than
/// [`Timing::lease`]. [`Tcp`](crate::Tcp) checks this within the node and between peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detection {
    /// The interval at which each peer is pinged.
    pub ping: Duration,
    /// The shortest silence that is reported.
    pub floor: Duration,
    /// A silence of this length is always reported, for any gaps that were learned.
    pub ceiling: Duration,
}

impl Detection {
    /// Returns the detection that fits these durations. It pings at every heartbeat. It reports a
    /// silence at the earliest a little after the lease, and at the latest after `election_min`,
    /// when the vigil of the algorithm ends, too.
    #[must_use]
    pub fn of(timing: &Timing) -> Self {
        let room = timing.election_min.saturating_sub(timing.lease);
        Self {
            ping: timing.heartbeat,
            floor: timing.lease + room / 5,
            ceiling: timing.election_min,
        }
    }

    /// Returns the detection for [`Timing::lan`]. On a quiet network, it reports a leader that
    /// hangs 30 ms after the last sign of life.
    #[must_use]
    pub fn lan() -> Self {
        let timing = Timing::lan();
        Self {
            ping: timing.heartbeat,
            floor: Duration::from_millis(30),
            ceiling: timing.election_min,
        }
    }

    /// Returns a description of the first rule that is broken; `None` if all rules hold.
    #[must_use]
    pub fn broken_rule(&self, config: &impl Configuration) -> Option<String> {
        let (ping, floor, ceiling) = (self.ping, self.floor, self.ceiling);
        let lease = config.timing().lease;
        if ping.is_zero() {
            Some("the ping interval must be longer than zero".into())
        } else if floor <= lease {
            Some(format!(
                "the floor of the failure detection ({floor:?}) must be longer than the lease \
                 ({lease:?}): a leader must have stopped before its silence may count"
            ))
        } else if floor <= ping {
            Some(format!(
                "the floor of the failure detection ({floor:?}) must be longer than the ping \
                 interval ({ping:?}): a peer must be able to answer in time"
            ))
        } else if ceiling < floor {
            Some(format!(
                "the ceiling of the failure detection ({ceiling:?}) must not be shorter than its \
                 floor ({floor:?})"
            ))
        } else {
            None
        }
    }
}

/// The worst gap is remembered for at least this time, and at most for twice this time.
const GAP_PERIOD_NS: u64 = 30_000_000_000;

/// Learns the gaps between one peer's signs of life. Times are nanoseconds of the node's clock.
#[derive(Clone, Debug)]
pub(crate) struct Detector {
    detection: Detection,
    last_ns: Option<u64>,
    /// The mean gap and its deviation, smoothed as TCP smooths its round trips (Jacobson 1988).
    gap_ns: u64,
    deviation_ns: u64,
    /// The worst gap of this period of [`GAP_PERIOD_NS`], and of the one before.
    worst_ns: [u64; 2],
    period_start_ns: u64,
    round_trip_ns: Option<u64>,
}

impl Detector {
    pub(crate) fn new(detection: Detection) -> Self {
        Self {
            detection,
            last_ns: None,
            gap_ns: 0,
            deviation_ns: 0,
            worst_ns: [0; 2],
            period_start_ns: 0,
            round_trip_ns: None,
        }
    }

    /// Takes a sign of life of the peer.
    pub(crate) fn received(&mut self, now_ns: u64) {
        let last_ns = self.last_ns.replace(now_ns);
        let Some(gap_ns) = last_ns.map(|last_ns| now_ns.saturating_sub(last_ns)) else {
            self.period_start_ns = now_ns;
            return;
        };
        if now_ns.saturating_sub(self.period_start_ns) > GAP_PERIOD_NS {
            self.worst_ns = [0, self.worst_ns[0]];
            self.period_start_ns = now_ns;
        }
        // A silence that was reported as a failure is not typical of the peer.
        if gap_ns > nanos(self.detection.ceiling) {
            return;
        }
        self.worst_ns[0] = self.worst_ns[0].max(gap_ns);
        let off_ns = gap_ns.abs_diff(self.gap_ns);
        self.deviation_ns = self.deviation_ns - self.deviation_ns / 4 + off_ns / 4;
        self.gap_ns = self.gap_ns - self.gap_ns / 8 + gap_ns / 8;
    }

    /// Takes the time between a ping and its answer.
    pub(crate) fn round_trip_measured(&mut self, round_trip_ns: u64) {
        let old = self.round_trip_ns;
        let smoothed = old.map(|old| old - old / 8 + round_trip_ns / 8);
        self.round_trip_ns = Some(smoothed.unwrap_or(round_trip_ns));
    }

    /// Starts the present silence again. The caller was stopped, so that it received nothing proves
    /// nothing about the peer.
    pub(crate) fn restart_silence(&mut self, now_ns: u64) {
        if let Some(last_ns) = &mut self.last_ns {
            *last_ns = now_ns;
        }
    }

    /// Returns how long a silence may last.
    pub(crate) fn silence_limit(&self) -> Duration {
        let usual_ns = self
            .gap_ns
            .saturating_add(self.deviation_ns.saturating_mul(4))
            .saturating_add(self.round_trip_ns.unwrap_or(0));
        let worst_ns = self.worst_ns[0].max(self.worst_ns[1]).saturating_mul(2);
        let learned = Duration::from_nanos(usual_ns.max(worst_ns));
        learned.clamp(self.detection.floor, self.detection.ceiling)
    }

    /// Returns when the silence will have lasted too long; `None` before the first sign of life.
    pub(crate) fn deadline_ns(&self) -> Option<u64> {
        let last_ns = self.last_ns?;
        Some(last_ns.saturating_add(nanos(self.silence_limit())))
    }

    /// Returns when the last sign of life arrived.
    pub(crate) fn last_ns(&self) -> Option<u64> {
        self.last_ns
    }

    /// Returns the smoothed time between a ping and its answer.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip_ns.map(Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn detector() -> Detector {
        Detector::new(Detection {
            ping: Duration::from_millis(10),
            floor: Duration::from_millis(30),
            ceiling: Duration::from_millis(150),
        })
    }

    fn limit_ms(detector: &Detector) -> u128 {
        detector.silence_limit().as_millis()
    }

    // On a quiet network, a failure must be detected as fast as is safe.
    #[test]
    fn regular_signs_of_life_keep_the_limit_at_the_floor() {
        let mut detector = detector();
        assert_eq!(
            detector.deadline_ns(),
            None,
            "a peer cannot be late before its first sign of life"
        );
        for beat in 1..100 {
            detector.received(beat * 10 * MS);
            detector.round_trip_measured(MS / 10);
        }
        assert_eq!(limit_ms(&detector), 30);
        assert_eq!(detector.deadline_ns(), Some((99 * 10 + 30) * MS));
    }

    // One pause of an overloaded machine must be tolerated, and remembered for the next one.
    #[test]
    fn a_late_sign_of_life_raises_the_limit_for_a_while() {
        let mut detector = detector();
        let mut now_ns = 0;
        let mut beat = |detector: &mut Detector, gap_ms: u64| {
            now_ns += gap_ms * MS;
            detector.received(now_ns);
        };
        for _ in 0..10 {
            beat(&mut detector, 10);
        }
        beat(&mut detector, 28);
        assert_eq!(limit_ms(&detector), 56);
        for _ in 0..2_000 {
            beat(&mut detector, 10);
        }
        assert_eq!(limit_ms(&detector), 56, "20 s later it may happen again");
        for _ in 0..8_000 {
            beat(&mut detector, 10);
        }
        assert_eq!(limit_ms(&detector), 30);
    }

    // Under any load, a dead leader must be detected in a limited time. An outage is not a late
    // sign of life.
    #[test]
    fn the_limit_ends_at_the_ceiling_and_outages_are_not_learned() {
        let mut detector = detector();
        let mut now_ns = 0;
        for gap_ms in [100, 140, 90, 149] {
            now_ns += gap_ms * MS;
            detector.received(now_ns);
        }
        assert_eq!(limit_ms(&detector), 150);
        let mut fresh = self::detector();
        fresh.received(0);
        fresh.received(3_600_000 * MS);
        assert_eq!(limit_ms(&fresh), 30);
    }

    // A node that was stopped itself finds its peers silent, although they are not.
    #[test]
    fn a_restarted_silence_is_counted_from_now() {
        let mut detector = detector();
        detector.restart_silence(5);
        assert_eq!(detector.deadline_ns(), None);
        detector.received(MS);
        detector.restart_silence(500 * MS);
        assert_eq!(detector.deadline_ns(), Some(530 * MS));
        assert_eq!(limit_ms(&detector), 30);
    }

    // The safety of a leader's lease rests on this rule.
    #[test]
    fn broken_rules_are_named() {
        let timing = Timing::default();
        let valid = Detection::of(&timing);
        assert_eq!(valid.broken_rule(&timing), None);
        let rule = |change: &dyn Fn(&mut Detection)| {
            let mut detection = valid;
            change(&mut detection);
            detection.broken_rule(&timing).unwrap_or_default()
        };
        assert!(rule(&|d| d.ping = Duration::ZERO).contains("longer than zero"));
        assert!(rule(&|d| d.floor = timing.lease).contains("longer than the lease"));
        assert!(rule(&|d| d.ping = d.floor).contains("ping interval"));
        assert!(rule(&|d| d.ceiling = timing.lease).contains("shorter than its floor"));
    }
}
