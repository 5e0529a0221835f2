use core::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// An opaque stamp of the clock of the host that a node runs on.
///
/// An algorithm may store one, echo it through a message, and let [`Acks`](crate::Acks) take the
/// quorum-th newest; there is nothing else it can learn from one. That is enough to count a
/// leader's lease from the *send* time of the last round that a quorum acknowledged, with no
/// algorithm ever reading a clock. A stamp means something only on the node that took it. In the
/// model checker without time every moment is [`Moment::ZERO`].
///
/// `from_nanos` and `nanos` are for hosts.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(u64);

impl Moment {
    /// The host's clock at its origin.
    pub const ZERO: Self = Self(0);

    /// A stamp from the host's clock, in nanoseconds since an origin of the host's choosing.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the host's origin.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }
}

/// A duration in whole nanoseconds; saturates after 584 years.
#[must_use]
pub const fn nanos(duration: Duration) -> u64 {
    let subsec = duration.subsec_nanos() as u64;
    let whole = duration.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(subsec)
}

// Golden scenarios must not change with the clock of the host.
impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("@")
    }
}
