use std::time::Duration;

/// How long to wait before work that has ended is begun again, or its leadership given back: not at
/// all the first time, then longer and longer. Without it, work that fails at once would make a
/// cluster elect, or a machine start processes, as fast as they can.
///
/// ```
/// use std::time::Duration;
/// use elector_core::actor::Backoff;
///
/// let at_once = Duration::ZERO;
/// let mut backoff = Backoff::default();
/// let pauses: Vec<_> = (0..4).map(|_| backoff.next(at_once).as_millis()).collect();
/// assert_eq!(pauses, [0, 100, 200, 400]);
/// // One that has run for a while has not failed at once.
/// assert_eq!(backoff.next(Duration::from_secs(60)), Duration::ZERO);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause that is none.
    first: Duration,
    /// The longest one. Work that has run for longer starts the count anew.
    longest: Duration,
    failures: u32,
}

impl Default for Backoff {
    /// From 100 ms to 10 s.
    fn default() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(10))
    }
}

impl Backoff {
    /// Pauses of zero, `first`, and the double each time up to `longest`. A run longer than
    /// `longest` forgets those before it.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first: first.min(longest),
            longest,
            failures: 0,
        }
    }

    /// How many runs in a row have failed, none of which was longer than the longest pause.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Counts a failure after a run of this length, and returns how long to wait.
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

    // It must reach its bound and stay there, however long work goes on failing.
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
