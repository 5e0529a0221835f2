use core::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// An opaque timestamp from the clock of the host that a node runs on.
///
/// An algorithm may store a timestamp, echo it in a message, and let [`Acks`](crate::Acks) find the
/// newest timestamp that a quorum has acknowledged. It must not use a timestamp in any other way.
/// These uses are enough to count a leader's lease from the *send* time of the last round of
/// heartbeats that a quorum acknowledged. So no algorithm ever reads a clock. A timestamp has a
/// meaning only on the node that took it. In the model checker without time, every moment is
/// [`Moment::ZERO`].
///
/// The methods are for hosts, and for types of this crate such as [`Acks`](crate::Acks).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(u64);

impl Moment {
    /// The origin of the host's clock.
    pub const ZERO: Self = Self(0);

    /// The last moment that a timestamp can express.
    pub const MAX: Self = Self(u64::MAX);

    /// Creates a timestamp from the host's clock, in nanoseconds since an origin that the host
    /// chooses.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds since the host's origin.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Returns the time from the moment `earlier` to this moment. The time is zero if `earlier` is
    /// later than this moment.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns the moment after this duration, at most [`MAX`](Self::MAX).
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// Returns the moment that is this duration earlier, at least [`ZERO`](Self::ZERO).
    #[must_use]
    pub const fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }
}

/// Returns a duration as a number of whole nanoseconds. The number saturates at `u64::MAX`, which
/// is 584 years.
#[must_use]
pub const fn nanos(duration: Duration) -> u64 {
    let subsec = duration.subsec_nanos() as u64;
    let whole = duration.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(subsec)
}

// Golden scenarios contain the `Debug` text of messages. This text must not depend on the host's
// clock, so it does not show the time of a moment.
impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("@")
    }
}
