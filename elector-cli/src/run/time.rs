//! Arithmetic on moments of the clock of [`elector_core::actor::now`]. Nothing wraps around: a
//! result outside of the clock's range is the first or the last moment of the clock.

use std::time::Duration;

use elector_core::{Moment, nanos};

/// The moment this long after another one.
pub(super) fn add(moment: Moment, duration: Duration) -> Moment {
    Moment::from_nanos(moment.nanos().saturating_add(nanos(duration)))
}

/// The moment this long before another one.
pub(super) fn subtract(moment: Moment, duration: Duration) -> Moment {
    Moment::from_nanos(moment.nanos().saturating_sub(nanos(duration)))
}

/// The time from one moment to another. It is zero if the second one is not later.
pub(super) fn between(from: Moment, to: Moment) -> Duration {
    Duration::from_nanos(to.nanos().saturating_sub(from.nanos()))
}
