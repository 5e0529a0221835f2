use std::time::Duration;

/// The pauses before work that has ended starts again, or before a node gives up a leadership that
/// it cannot use. The first pause is zero, and each further pause is longer, up to a bound. Without
/// pauses, work that fails immediately would make a cluster hold elections, or a machine start
/// processes, as fast as possible.
///
/// ```
/// use std::time::Duration;
/// use elector_core::actor::Backoff;
///
/// let no_time = Duration::ZERO;
/// let mut backoff = Backoff::default();
/// let pauses: Vec<_> = (0..4).map(|_| backoff.next(no_time).as_millis()).collect();
/// assert_eq!(pauses, [0, 100, 200, 400]);
/// // Work that has run for a while starts the count again.
/// assert_eq!(backoff.next(Duration::from_secs(60)), Duration::ZERO);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause above zero.
    first: Duration,
    /// The longest pause. Work that has run for longer than this starts the count of failures
    /// again.
    longest: Duration,
    failures: u32,
}

impl Default for Backoff {
    /// Creates a backoff whose pauses are zero, and then rise from 100 ms to 10 s.
    fn default() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(10))
    }
}

impl Backoff {
    /// Creates a backoff whose pauses are zero, then `first`, and then twice the previous pause, up
    /// to `longest`. If the work ran for longer than `longest`, the next pause is zero again.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first: first.min(longest),
            longest,
            failures: 0,
        }
    }

    /// Returns how many runs in a row have failed. A run of the work that was longer than the
    /// longest pause starts the count again.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Counts a failure of work that ran for the time `ran`, and returns how long to wait before
    /// the next run of the work.
    #[must_use]
    pub fn next(&mut self, ran: Duration) -> Duration {
        if ran > self.longest {
            self.failures = 0;
        }
        let pause = match self.failures.checked_sub(1) {
            None => Duration::ZERO,
            Some(doubled) => {
                let factor = 2_u32.saturating_pow(doubled);
                self.first.saturating_mul(factor).min(self.longest)
            }
        };
        self.failures = self.failures.saturating_add(1);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The pause must reach its bound and stay there, however often the work fails.
    #[test]
    fn the_pause_is_bounded() {
        let longest = Duration::from_secs(10);
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..100).map(|_| backoff.next(longest)).collect();
        assert!(pauses.is_sorted());
        assert_eq!(pauses.last(), Some(&longest));
        assert_eq!(
            backoff.next(longest + Duration::from_nanos(1)),
            Duration::ZERO
        );
        assert_eq!(backoff.next(Duration::ZERO), Duration::from_millis(100));
    }
}
