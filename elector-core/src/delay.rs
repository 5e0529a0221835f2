use core::time::Duration;

use serde::{Deserialize, Serialize};

/// The bounds of a timer's duration: the host draws the duration uniformly between them. So the
/// random choice is made outside of the algorithm: a simulator can seed the random numbers, and a
/// model checker can try every order of the timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Delay {
    /// The shortest duration.
    pub min: Duration,
    /// The longest duration, never below `min`.
    pub max: Duration,
}

impl Delay {
    /// No delay. The timer elapses in a separate step, after the inputs that are already waiting.
    pub const ZERO: Self = Self::exactly(Duration::ZERO);

    /// Creates a delay of exactly `duration`.
    #[must_use]
    pub const fn exactly(duration: Duration) -> Self {
        Self {
            min: duration,
            max: duration,
        }
    }

    /// Creates a delay that is drawn uniformly from `min..=max`. Bounds in the wrong order are
    /// swapped.
    #[must_use]
    pub fn between(min: Duration, max: Duration) -> Self {
        Self {
            min: min.min(max),
            max: max.max(min),
        }
    }
}
