use std::time::Duration;

use elector_core::{Configuration, Moment, Timing};

/// The limits that decide when the silence of a peer is reported to the algorithm.
///
/// Each node pings each peer, and a peer that is alive answers. So a node receives at least two
/// signs of life from each peer in each ping interval. From the gaps between the signs of life, the
/// node learns how long a gap can be, and waits for longer than that: on a quiet network not much
/// longer than [`floor`](Self::floor), on an overloaded machine up to [`ceiling`](Self::ceiling).
///
/// After a silence that is reported ([`Input::Silent`](elector_core::Input::Silent)), a follower
/// owes its leader no vigil any more: it may support another leader at once. So `floor` must be
/// longer than [`Timing::lease`]. [`Tcp`](crate::Tcp) checks this rule within the node and between
/// peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detection {
    /// The interval at which each peer is pinged.
    pub ping: Duration,
    /// The shortest silence of a peer that is reported to the algorithm.
    pub floor: Duration,
    /// A silence of a peer that lasts this long is always reported to the algorithm, even if the
    /// peer has been silent for almost as long before.
    pub ceiling: Duration,
}

impl Detection {
    /// Returns the detection that fits these durations. The ping interval is the heartbeat
    /// interval. A silence is reported at the earliest a little after the lease, and at the latest
    /// after `election_min`. After `election_min`, a follower may support another leader even
    /// without this report.
    #[must_use]
    pub fn of(timing: &Timing) -> Self {
        let room = timing.election_min.saturating_sub(timing.lease);
        Self {
            ping: timing.heartbeat,
            floor: timing.lease + room / 5,
            ceiling: timing.election_min,
        }
    }

    /// Returns the detection for [`Timing::lan`]. If a leader hangs on a quiet network, this
    /// detection reports it 30 ms after the last sign of life.
    #[must_use]
    pub fn lan() -> Self {
        let timing = Timing::lan();
        Self {
            ping: timing.heartbeat,
            floor: Duration::from_millis(30),
            ceiling: timing.election_min,
        }
    }

    /// Returns a description of the first rule for these limits that is broken, such as that
    /// `floor` must be longer than the lease; `None` if all rules hold.
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

/// The longest gap between two signs of life of a peer is remembered for at least this time, and at
/// most for twice this time.
const GAP_PERIOD: Duration = Duration::from_secs(30);

/// Learns the gaps between the signs of life of one peer.
#[derive(Clone, Debug)]
pub(crate) struct Detector {
    detection: Detection,
    last: Option<Moment>,
    /// The mean gap and its deviation, smoothed as TCP smooths its round trips (Jacobson 1988).
    gap: Duration,
    deviation: Duration,
    /// The worst gap in the present period of [`GAP_PERIOD`], and in the period before it.
    worst: [Duration; 2],
    period_start: Moment,
    round_trip: Option<Duration>,
}

impl Detector {
    pub(crate) fn new(detection: Detection) -> Self {
        Self {
            detection,
            last: None,
            gap: Duration::ZERO,
            deviation: Duration::ZERO,
            worst: [Duration::ZERO; 2],
            period_start: Moment::ZERO,
            round_trip: None,
        }
    }

    /// Takes a sign of life of the peer, such as a message or a pong, which has arrived at `now`.
    pub(crate) fn received(&mut self, now: Moment) {
        let Some(last) = self.last.replace(now) else {
            self.period_start = now;
            return;
        };
        if now.saturating_since(self.period_start) > GAP_PERIOD {
            self.worst = [Duration::ZERO, self.worst[0]];
            self.period_start = now;
        }
        let gap = now.saturating_since(last);
        // A gap of this length was reported as a silence. It is not typical of a peer that runs, so
        // it is not learned.
        if gap > self.detection.ceiling {
            return;
        }
        self.worst[0] = self.worst[0].max(gap);
        let off = gap.abs_diff(self.gap);
        self.deviation = self.deviation - self.deviation / 4 + off / 4;
        self.gap = self.gap - self.gap / 8 + gap / 8;
    }

    /// Takes the time between a ping and its answer.
    pub(crate) fn round_trip_measured(&mut self, round_trip: Duration) {
        let smoothed = self.round_trip.map(|old| old - old / 8 + round_trip / 8);
        self.round_trip = Some(smoothed.unwrap_or(round_trip));
    }

    /// Counts the present silence of the peer from now on. Call this method after a time in which
    /// this node itself did not run: it could receive nothing in that time, so the time says
    /// nothing about the peer.
    pub(crate) fn restart_silence(&mut self, now: Moment) {
        if let Some(last) = &mut self.last {
            *last = now;
        }
    }

    /// Returns how long a silence of the peer may last before it is reported to the algorithm.
    pub(crate) fn silence_limit(&self) -> Duration {
        let usual = self
            .gap
            .saturating_add(self.deviation.saturating_mul(4))
            .saturating_add(self.round_trip.unwrap_or_default());
        let worst = self.worst[0].max(self.worst[1]).saturating_mul(2);
        usual
            .max(worst)
            .clamp(self.detection.floor, self.detection.ceiling)
    }

    /// Returns the moment at which the present silence of the peer will have lasted too long;
    /// `None` before the first sign of life of the peer.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        Some(self.last?.saturating_add(self.silence_limit()))
    }

    /// Returns the moment of the last sign of life, or of the last restart of the silence.
    pub(crate) fn last(&self) -> Option<Moment> {
        self.last
    }

    /// Returns the smoothed time between a ping and its answer.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn at_ms(millis: u64) -> Moment {
        Moment::ZERO.saturating_add(ms(millis))
    }

    fn detector() -> Detector {
        Detector::new(Detection {
            ping: ms(10),
            floor: ms(30),
            ceiling: ms(150),
        })
    }

    fn limit_ms(detector: &Detector) -> u128 {
        detector.silence_limit().as_millis()
    }

    // On a quiet network, a silence must be reported as soon as this is safe for the lease of a
    // leader: after `Detection::floor`.
    #[test]
    fn regular_signs_of_life_keep_the_limit_at_the_floor() {
        let mut detector = detector();
        assert_eq!(
            detector.deadline(),
            None,
            "a peer cannot be late before its first sign of life"
        );
        for beat in 1..100 {
            detector.received(at_ms(beat * 10));
            detector.round_trip_measured(Duration::from_micros(100));
        }
        assert_eq!(limit_ms(&detector), 30);
        assert_eq!(detector.deadline(), Some(at_ms(99 * 10 + 30)));
    }

    // One pause of an overloaded machine must be tolerated, and must be remembered because the next
    // pause may be as long.
    #[test]
    fn a_late_sign_of_life_raises_the_limit_for_a_while() {
        let mut detector = detector();
        let mut now = Moment::ZERO;
        let mut beat = |detector: &mut Detector, gap_ms: u64| {
            now = now.saturating_add(ms(gap_ms));
            detector.received(now);
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

    // Under any load, a dead leader must be detected in a limited time. The silence of an outage
    // must not be learned as a normal gap.
    #[test]
    fn the_limit_ends_at_the_ceiling_and_outages_are_not_learned() {
        let mut detector = detector();
        let mut now = Moment::ZERO;
        for gap_ms in [100, 140, 90, 149] {
            now = now.saturating_add(ms(gap_ms));
            detector.received(now);
        }
        assert_eq!(limit_ms(&detector), 150);
        let mut fresh = self::detector();
        fresh.received(at_ms(0));
        fresh.received(at_ms(3_600_000));
        assert_eq!(limit_ms(&fresh), 30);
    }

    // If a node itself was stopped for a time, all its peers seem silent to it. This must not count
    // as a silence of the peers.
    #[test]
    fn a_restarted_silence_is_counted_from_now() {
        let mut detector = detector();
        detector.restart_silence(at_ms(0));
        assert_eq!(detector.deadline(), None);
        detector.received(at_ms(1));
        detector.restart_silence(at_ms(500));
        assert_eq!(detector.deadline(), Some(at_ms(530)));
        assert_eq!(limit_ms(&detector), 30);
    }

    // The safety of a leader's lease depends on the rules of `Detection::broken_rule`. The text
    // must name the broken rule.
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
