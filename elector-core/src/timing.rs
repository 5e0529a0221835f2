use core::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Configuration, Delay, debug_as_text};

/// The durations that all algorithms share. They are the same for all, so that a comparison of
/// algorithms is fair.
///
/// The default is for nodes in one process, and for comparisons with the literature (Ongaro and
/// Ousterhout 2014, section 9.3: 150 to 300 ms). For nodes on several machines use
/// [`patient`](Self::patient), which is the default of TCP hosts, or [`lan`](Self::lan).
///
/// In configuration files each duration is a number of milliseconds under a name that ends in
/// `_ms`. Fractions are allowed: `heartbeat_ms = 50`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timing {
    /// The interval between a leader's heartbeats. Default 50 ms.
    #[serde(rename = "heartbeat_ms", with = "millis")]
    pub heartbeat: Duration,
    /// How long a leader may act after the send time of the newest round of heartbeats that a
    /// quorum has acknowledged. The host subtracts a margin for clock drift from this duration.
    /// Default 120 ms.
    #[serde(rename = "lease_ms", with = "millis")]
    pub lease: Duration,
    /// How long a leader must be silent before a follower may mark it down (take it for failed), if
    /// no host has reported that the leader has failed. This is the lower bound of the election
    /// timeout. Default 150 ms.
    #[serde(rename = "election_min_ms", with = "millis")]
    pub election_min: Duration,
    /// The upper bound of the election timeout. The larger the difference between the two bounds,
    /// the fewer votes are split. Default 300 ms.
    #[serde(rename = "election_max_ms", with = "millis")]
    pub election_max: Duration,
    /// How long an answer may take: twice the one-way delay, plus a durable write, plus slack. This
    /// duration is Bully's answer timeout, Ring's hop timeout, and the base of Paxos's retry. If
    /// several nodes receive the same report of a failure, this duration is also the time between
    /// their campaigns, in all algorithms. Default 20 ms.
    #[serde(rename = "round_trip_ms", with = "millis")]
    pub round_trip: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(50),
            lease: Duration::from_millis(120),
            election_min: Duration::from_millis(150),
            election_max: Duration::from_millis(300),
            round_trip: Duration::from_millis(20),
        }
    }
}

impl Timing {
    /// Returns durations for nodes on several machines: a heartbeat every 100 ms, a lease of 800
    /// ms, and an election timeout of 1.2 to 2.4 s. These durations tolerate round trips of 200 ms,
    /// lost packets, and machines that are busy for short times. TCP hosts use these durations by
    /// default.
    #[must_use]
    pub fn patient() -> Self {
        Self {
            heartbeat: Duration::from_millis(100),
            lease: Duration::from_millis(800),
            election_min: Duration::from_millis(1200),
            election_max: Duration::from_millis(2400),
            round_trip: Duration::from_millis(250),
        }
    }

    /// Returns durations for nodes within a building, on machines whose processors are not busy: a
    /// heartbeat every 10 ms, and a lease of 25 ms. A leader that hangs is replaced within some
    /// 50 ms if the host itself detects that the leader is silent. Otherwise `election_min`
    /// applies, which stays at 150 ms.
    #[must_use]
    pub fn lan() -> Self {
        Self {
            heartbeat: Duration::from_millis(10),
            lease: Duration::from_millis(25),
            round_trip: Duration::from_millis(5),
            ..Self::default()
        }
    }
}

/// A `Timing` is also the configuration of an algorithm that has no other options.
impl Configuration for Timing {
    fn timing(&self) -> &Timing {
        self
    }

    fn timing_mut(&mut self) -> &mut Timing {
        self
    }
}

/// A broken rule of [`Timing`], or of an algorithm's own configuration.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TimingError {
    /// A duration is zero. The value is the name of the duration.
    #[error("{0} must be longer than zero")]
    Zero(&'static str),
    /// A duration is not shorter than another duration, although it must be.
    #[error(
        "{shorter} ({shorter_value:?}) must be shorter than {longer} ({longer_value:?}): {because}"
    )]
    Order {
        /// The name of the duration that must be shorter.
        shorter: &'static str,
        /// The value of the duration that must be shorter.
        shorter_value: Duration,
        /// The name of the duration that must be longer.
        longer: &'static str,
        /// The value of the duration that must be longer.
        longer_value: Duration,
        /// The reason for the rule.
        because: &'static str,
    },
    /// A duration is longer than a day. That is certainly a mistake, for example in the unit. The
    /// value is the name of the duration.
    #[error("{0} is longer than a day: durations are given in milliseconds")]
    TooLong(&'static str),
    /// A rule of an algorithm's own options is broken. The value describes the rule.
    #[error("{0}")]
    Option(&'static str),
    /// An option names a node that is not in the cluster. The value is the name of the option.
    #[error("{0} names a node that is not in the cluster: name members only")]
    NoMember(&'static str),
}

debug_as_text!(TimingError);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Timing {
    /// Checks the rules: no duration is zero or over a day, heartbeat < lease < `election_min` ≤
    /// `election_max`, and `round_trip` < `election_min`.
    ///
    /// # Errors
    /// Returns the first broken rule, by name.
    pub fn validate(&self) -> Result<(), TimingError> {
        for (name, value) in self.named() {
            if value.is_zero() {
                return Err(TimingError::Zero(name));
            }
            if value > DAY {
                return Err(TimingError::TooLong(name));
            }
        }
        let [heartbeat, lease, election_min, election_max, round_trip] = self.named();
        shorter(
            heartbeat,
            lease,
            "a lease that ends between two heartbeats is never held",
        )?;
        shorter(
            lease,
            election_min,
            "a leader must have stopped before its followers may elect another",
        )?;
        shorter(
            round_trip,
            election_min,
            "an answer must be able to arrive before the election timeout",
        )?;
        if self.election_max < self.election_min {
            return shorter(
                election_min,
                election_max,
                "they bound the same random draw",
            );
        }
        Ok(())
    }

    /// Returns the vigil, the fixed first part of the election timeout: how long a leader must be
    /// silent before a follower may mark it down (take it for failed).
    #[must_use]
    pub fn vigil(&self) -> Delay {
        Delay::exactly(self.election_min)
    }

    /// Returns the stagger, the random second part of the election timeout. It is drawn from a
    /// spread that depends on `attempt`, the number of tries in a row without a winner. The first
    /// two tries (0 and 1) draw from the configured spread, which is `election_max` -
    /// `election_min`. Each further try doubles the spread, up to 64-fold, so that a cluster elects
    /// a leader even if it is too large, or its network is too slow, for the configured spread.
    /// [`Attempts`](crate::Attempts) decides which tries count. If the configured spread is zero,
    /// the spread of the third try is twice `round_trip`. (Ongaro's dissertation, section 9.3,
    /// recommends a wider spread. This method finds out how wide.)
    #[must_use]
    pub fn stagger(&self, attempt: u32) -> Delay {
        let doublings = attempt.saturating_sub(1).min(6);
        let spread = match self.election_max.saturating_sub(self.election_min) {
            // A timeout without a configured spread gets one after two failed tries.
            Duration::ZERO if doublings > 0 => self.round_trip,
            spread => spread,
        };
        let widened = spread.saturating_mul(1 << doublings);
        Delay::between(Duration::ZERO, widened)
    }

    /// Returns the additional time that a node waits after its own wait for a campaign has ended,
    /// if it supports a rival: the rival has two round trips to be elected. This time widens like
    /// the [`stagger`](Self::stagger), because a network that needs a wider spread may be slower
    /// than `round_trip`.
    #[must_use]
    pub fn pause(&self, attempt: u32) -> Delay {
        let doublings = attempt.saturating_sub(1).min(6);
        Delay::exactly(self.round_trip.saturating_mul(2 << doublings))
    }

    /// Returns the whole election timeout, with its fixed first part (the [`vigil`](Self::vigil)),
    /// as one random delay.
    #[must_use]
    pub fn election(&self) -> Delay {
        Delay::between(self.election_min, self.election_max)
    }

    fn named(&self) -> [(&'static str, Duration); 5] {
        [
            ("heartbeat", self.heartbeat),
            ("lease", self.lease),
            ("election_min", self.election_min),
            ("election_max", self.election_max),
            ("round_trip", self.round_trip),
        ]
    }
}

fn shorter(
    (shorter, shorter_value): (&'static str, Duration),
    (longer, longer_value): (&'static str, Duration),
    because: &'static str,
) -> Result<(), TimingError> {
    if shorter_value < longer_value {
        return Ok(());
    }
    Err(TimingError::Order {
        shorter,
        shorter_value,
        longer,
        longer_value,
        because,
    })
}

/// A serde adapter: it writes a [`Duration`] as a number of milliseconds. Fractions are allowed.
pub mod millis {
    use core::{fmt, time::Duration};

    use serde::{Deserializer, Serializer, de};

    const NANOS_PER_MS: u64 = 1_000_000;

    /// Writes whole milliseconds as an integer, anything else as a float.
    ///
    /// # Errors
    /// Returns the errors of the serializer.
    pub fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        if nanos.is_multiple_of(NANOS_PER_MS) {
            to.serialize_u64(nanos / NANOS_PER_MS)
        } else {
            to.serialize_f64(duration.as_secs_f64() * 1e3)
        }
    }

    /// Reads an integer or a float that is not negative.
    ///
    /// # Errors
    /// If the input is not such a number.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        struct Millis;

        impl de::Visitor<'_> for Millis {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of milliseconds, zero or more")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Duration, E> {
                Ok(Duration::from_millis(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Duration, E> {
                u64::try_from(value)
                    .map(Duration::from_millis)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Duration, E> {
                // This conversion rounds to the nanosecond, so that 0.5 ms reads back as it was
                // written.
                Duration::try_from_secs_f64(value / 1e3)
                    .map_err(|_| E::invalid_value(de::Unexpected::Float(value), &self))
            }
        }

        from.deserialize_any(Millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    fn with(change: impl FnOnce(&mut Timing)) -> Result<(), TimingError> {
        let mut timing = Timing::default();
        change(&mut timing);
        timing.validate()
    }

    // `validate` must enforce each rule, and its error must name what to change.
    #[test]
    fn broken_rules_are_named() {
        let ms = Duration::from_millis;
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(
            with(|t| t.heartbeat = ms(0)),
            Err(TimingError::Zero("heartbeat"))
        );
        let error = with(|t| t.lease = ms(200)).unwrap_err().to_string();
        assert!(error.contains("lease (200ms) must be shorter than election_min (150ms)"));
        assert!(with(|t| t.heartbeat = ms(130)).is_err());
        assert!(with(|t| t.election_max = ms(149)).is_err());
        assert!(with(|t| t.round_trip = ms(150)).is_err());
        assert!(with(|t| t.election_max = Duration::from_secs(100_000)).is_err());
        assert_eq!(
            with(|t| t.election_max = t.election_min),
            Ok(()),
            "a fixed timeout is legal"
        );
    }

    // People write configuration files by hand. The durations in them are integers or fractions,
    // and any other value must give a clear error.
    #[test]
    fn durations_are_milliseconds_in_files() {
        let read = |text: &str| serde_json::from_str::<Timing>(text);
        let timing = read(r#"{"heartbeat_ms": 0.5, "lease_ms": 3}"#).unwrap();
        assert_eq!(timing.heartbeat, Duration::from_micros(500));
        assert_eq!(timing.lease, Duration::from_millis(3));
        let back = serde_json::to_string(&timing).unwrap();
        assert_eq!(serde_json::from_str::<Timing>(&back).unwrap(), timing);
        assert!(
            read(r#"{"lease_ms": -3}"#)
                .unwrap_err()
                .to_string()
                .contains("milliseconds")
        );
        assert!(
            read(r#"{"leese_ms": 3}"#)
                .unwrap_err()
                .to_string()
                .contains("leese_ms")
        );
    }

    // The spread, the range of the random wait, must widen only after two tries. If it widened
    // sooner, it would change the rate of split votes of Raft.
    #[test]
    fn the_stagger_widens_from_the_third_try() {
        let spread = |attempt| Timing::default().stagger(attempt).max.as_millis();
        assert_eq!(
            [0, 1, 2, 3, 7, 99].map(spread),
            [150, 150, 300, 600, 9_600, 9_600]
        );
        let fixed = Timing {
            election_max: Timing::default().election_min,
            ..Timing::default()
        };
        let spread = |attempt| fixed.stagger(attempt).max.as_millis();
        assert_eq!(
            [0, 1, 2, 3, 7, 99].map(spread),
            [0, 0, 40, 80, 1_280, 1_280]
        );
    }
}
