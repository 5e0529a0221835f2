use core::time::Duration;

use serde::{Deserialize, Serialize};

/// How long a timer runs: the host draws uniformly between the bounds. Randomness stays outside the
/// algorithm, so that a simulator can seed it and a model checker can try every order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Delay {
    /// Shortest run.
    pub min: Duration,
    /// Longest run; never below `min`.
    pub max: Duration,
}

impl Delay {
    /// At once, but as a step of its own: after the inputs already waiting.
    pub const ZERO: Self = Self::exactly(Duration::ZERO);

    /// Runs for exactly `duration`.
    #[must_use]
    pub const fn exactly(duration: Duration) -> Self {
        Self {
            min: duration,
            max: duration,
        }
    }

    /// Runs for a time drawn uniformly from `min..=max`; bounds in the wrong order are swapped.
    #[must_use]
    pub fn between(min: Duration, max: Duration) -> Self {
        Self {
            min: min.min(max),
            max: max.max(min),
        }
    }
}
