use std::{fmt, time::Duration};

use elector_core::{millis, nanos};
use serde::{Deserialize, Serialize};

use crate::rng::Rng;

/// The longest duration that a setup or a scenario may contain. A longer duration is rejected,
/// because it is probably given in a wrong unit.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long something takes, for example a message or a write, as a distribution. In scenario
/// files: `{ constant_ms = 1 }`, `{ uniform_ms = { min_ms = 0.5, max_ms = 1.5 } }`,
/// `{ exponential_ms = { min_ms = 1, mean_ms = 10 } }` (a heavy tail above a minimum).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Latency {
    /// The same duration each time.
    #[serde(rename = "constant_ms", with = "millis")]
    Constant(Duration),
    /// Each value between the bounds is equally likely.
    #[serde(rename = "uniform_ms")]
    Uniform(Bounds),
    /// A minimum, plus a random part with an exponential distribution.
    #[serde(rename = "exponential_ms")]
    Exponential(Tail),
}

/// The bounds of a uniform distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// The shortest latency.
    #[serde(rename = "min_ms", with = "millis")]
    pub min: Duration,
    /// The longest latency.
    #[serde(rename = "max_ms", with = "millis")]
    pub max: Duration,
}

/// An exponential distribution above a minimum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// The shortest latency.
    #[serde(rename = "min_ms", with = "millis")]
    pub min: Duration,
    /// The mean of the part above the minimum.
    #[serde(rename = "mean_ms", with = "millis")]
    pub mean: Duration,
}

impl Latency {
    /// Creates a uniform distribution between `min` and `max`.
    #[must_use]
    pub const fn uniform(min: Duration, max: Duration) -> Self {
        Self::Uniform(Bounds { min, max })
    }

    /// Returns a text about what is wrong with this distribution, or `None` if it is valid.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let (least, most) = match self {
            Self::Constant(duration) => (*duration, *duration),
            Self::Uniform(bounds) => (bounds.min, bounds.max),
            Self::Exponential(tail) => (tail.min, tail.min.max(tail.mean)),
        };
        if most < least {
            return Some("min_ms is above max_ms: swap them");
        }
        (most > DAY).then_some("a latency is over a day: durations are given in milliseconds")
    }

    /// Draws one latency, in nanoseconds.
    pub fn draw(&self, rng: &mut Rng) -> u64 {
        match self {
            Self::Constant(duration) => nanos(*duration),
            Self::Uniform(bounds) => rng.between(nanos(bounds.min), nanos(bounds.max)),
            Self::Exponential(tail) => {
                nanos(tail.min).saturating_add(rng.exponential(nanos(tail.mean)))
            }
        }
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(duration) => write!(f, "{duration:?}"),
            Self::Uniform(bounds) => write!(f, "{:?} to {:?}", bounds.min, bounds.max),
            Self::Exponential(tail) => {
                write!(f, "{:?} and up, {:?} more on average", tail.min, tail.mean)
            }
        }
    }
}
