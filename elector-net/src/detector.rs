use std::time::Duration;

use elector_core::{Configuration, Timing, nanos};

/// When a peer's silence is taken for its end, and told to the algorithm.
///
/// Each node is pinged, and answers, so that a peer that lives is heard several times an interval.
/// From the gaps between its signs of life a node learns how long they can be, and waits for
/// longer than that: on a quiet network not much longer than [`floor`](Self::floor), on an
/// overloaded machine up to [`ceiling`](Self::ceiling).
///
/// A follower owes its leader no silence any more after that
/// ([`Input::Silent`](elector_core::Input::Silent)). So `floor` must be longer than
/// [`Timing::lease`], which [`Tcp`](crate::Tcp) checks, within the node and between peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detection {
    /// How often each peer is pinged.
    pub ping: Duration,
    /// The least silence that raises a hint.
    pub floor: Duration,
    /// A silence as long as this raises one, whatever was learned.
    pub ceiling: Duration,
}

impl Detection {
    /// What fits these durations: a ping every heartbeat, a hint a little after the lease at the
    /// earliest and at `election_min` at the latest, when the algorithm itself loses patience.
    #[must_use]
    pub fn of(timing: &Timing) -> Self {
        let room = timing.election_min.saturating_sub(timing.lease);
        Self {
            ping: timing.heartbeat,
            floor: timing.lease + room / 5,
            ceiling: timing.election_min,
        }
    }

    /// What goes with [`Timing::lan`]: on a quiet network a leader that hangs is found out 30 ms
    /// after it was last heard.
    #[must_use]
    pub fn lan() -> Self {
        let timing = Timing::lan();
        Self {
            ping: timing.heartbeat,
            floor: Duration::from_millis(30),
            ceiling: timing.election_min,
        }
    }

    /// The rule that is broken, in words; `None` if all hold.
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
                 interval ({ping:?}): a peer must be able to be heard in time"
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

/// How long the worst gap is remembered, at least; at most twice as long.
const MEMORY: u64 = 30_000_000_000;

/// What was learned of one peer's signs of life. Times are nanoseconds of the node's clock.
#[derive(Clone, Debug)]
pub(crate) struct Detector {
    detection: Detection,
    last: Option<u64>,
    /// Smoothed, as TCP smooths its round trips (Jacobson 1988): the mean gap and its deviation.
    gap: u64,
    deviation: u64,
    /// The worst gap of this span of [`MEMORY`], and of the one before.
    worst: [u64; 2],
    span_began: u64,
    round_trip: Option<u64>,
}

impl Detector {
    pub(crate) fn new(detection: Detection) -> Self {
        Self {
            detection,
            last: None,
            gap: 0,
            deviation: 0,
            worst: [0; 2],
            span_began: 0,
            round_trip: None,
        }
    }

    /// The peer gave a sign of life.
    pub(crate) fn heard(&mut self, now: u64) {
        let last = self.last.replace(now);
        let Some(gap) = last.map(|last| now.saturating_sub(last)) else {
            self.span_began = now;
            return;
        };
        if now.saturating_sub(self.span_began) > MEMORY {
            self.worst = [0, self.worst[0]];
            self.span_began = now;
        }
        // A silence that was taken for the peer's end says nothing of how it lives.
        if gap > nanos(self.detection.ceiling) {
            return;
        }
        self.worst[0] = self.worst[0].max(gap);
        let off = gap.abs_diff(self.gap);
        self.deviation = self.deviation - self.deviation / 4 + off / 4;
        self.gap = self.gap - self.gap / 8 + gap / 8;
    }

    /// It answered after this time.
    pub(crate) fn answered(&mut self, round_trip: u64) {
        let smoothed = self.round_trip.map(|old| old - old / 8 + round_trip / 8);
        self.round_trip = Some(smoothed.unwrap_or(round_trip));
    }

    /// This node itself stood still: that it heard nothing proves nothing, and it begins anew.
    pub(crate) fn excuse(&mut self, now: u64) {
        if let Some(last) = &mut self.last {
            *last = now;
        }
    }

    /// How long a silence may last.
    pub(crate) fn patience(&self) -> Duration {
        let usual = self
            .gap
            .saturating_add(self.deviation.saturating_mul(4))
            .saturating_add(self.round_trip.unwrap_or(0));
        let worst = self.worst[0].max(self.worst[1]).saturating_mul(2);
        let learned = Duration::from_nanos(usual.max(worst));
        learned.clamp(self.detection.floor, self.detection.ceiling)
    }

    /// When the silence has lasted too long; `None` before the first sign of life.
    pub(crate) fn due(&self) -> Option<u64> {
        let last = self.last?;
        Some(last.saturating_add(nanos(self.patience())))
    }

    /// When it was last heard.
    pub(crate) fn last(&self) -> Option<u64> {
        self.last
    }

    /// The smoothed time between a ping and its answer.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip.map(Duration::from_nanos)
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

    fn patience_ms(detector: &Detector) -> u128 {
        detector.patience().as_millis()
    }

    // A quiet network must be found out about as fast as is safe.
    #[test]
    fn regular_signs_of_life_keep_patience_at_the_floor() {
        let mut detector = detector();
        assert_eq!(
            detector.due(),
            None,
            "who was never heard cannot fall silent"
        );
        for beat in 1..100 {
            detector.heard(beat * 10 * MS);
            detector.answered(MS / 10);
        }
        assert_eq!(patience_ms(&detector), 30);
        assert_eq!(detector.due(), Some((99 * 10 + 30) * MS));
    }

    // One hiccup of an overloaded machine must be tolerated, and be remembered for the next.
    #[test]
    fn a_late_sign_of_life_teaches_patience_that_fades() {
        let mut detector = detector();
        let mut now = 0;
        let mut beat = |detector: &mut Detector, gap: u64| {
            now += gap * MS;
            detector.heard(now);
        };
        for _ in 0..10 {
            beat(&mut detector, 10);
        }
        beat(&mut detector, 28);
        assert_eq!(patience_ms(&detector), 56);
        for _ in 0..2_000 {
            beat(&mut detector, 10);
        }
        assert_eq!(patience_ms(&detector), 56, "20 s later it may happen again");
        for _ in 0..8_000 {
            beat(&mut detector, 10);
        }
        assert_eq!(patience_ms(&detector), 30);
    }

    // No load may make a dead leader be waited for without end, and an outage is no hiccup.
    #[test]
    fn patience_ends_at_the_ceiling_and_outages_teach_nothing() {
        let mut detector = detector();
        let mut now = 0;
        for gap in [100, 140, 90, 149] {
            now += gap * MS;
            detector.heard(now);
        }
        assert_eq!(patience_ms(&detector), 150);
        let mut fresh = self::detector();
        fresh.heard(0);
        fresh.heard(3_600_000 * MS);
        assert_eq!(patience_ms(&fresh), 30);
    }

    // A node that was stopped itself finds the others silent; they are not.
    #[test]
    fn an_excused_silence_starts_anew() {
        let mut detector = detector();
        detector.excuse(5);
        assert_eq!(detector.due(), None);
        detector.heard(MS);
        detector.excuse(500 * MS);
        assert_eq!(detector.due(), Some(530 * MS));
        assert_eq!(patience_ms(&detector), 30);
    }

    // The lease of a leader rests on this rule.
    #[test]
    fn broken_rules_are_named() {
        let timing = Timing::default();
        let stock = Detection::of(&timing);
        assert_eq!(stock.broken_rule(&timing), None);
        let told = |change: &dyn Fn(&mut Detection)| {
            let mut detection = stock;
            change(&mut detection);
            detection.broken_rule(&timing).unwrap_or_default()
        };
        assert!(told(&|d| d.ping = Duration::ZERO).contains("longer than zero"));
        assert!(told(&|d| d.floor = timing.lease).contains("longer than the lease"));
        assert!(told(&|d| d.ping = d.floor).contains("ping interval"));
        assert!(told(&|d| d.ceiling = timing.lease).contains("shorter than its floor"));
    }
}
