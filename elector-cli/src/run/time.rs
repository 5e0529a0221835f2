use std::time::Duration;

use elector_core::{Moment, nanos};

/// The moment this long before another one. If that is before the first moment of the clock, the
/// result is that first moment.
pub(super) fn subtract(moment: Moment, duration: Duration) -> Moment {
    Moment::from_nanos(moment.nanos().saturating_sub(nanos(duration)))
}
