use std::time::Duration;

use crate::{Delay, Moment, nanos};

/// Returns the current time of a clock that keeps counting while the machine sleeps. On a clock
/// that stops during the sleep, an expired lease would still look valid after a suspend, and the
/// node that held it would write as the leader.
///
/// The clock is `CLOCK_BOOTTIME` on Linux and Android. On other Unix systems it is
/// `CLOCK_MONOTONIC`, which counts the sleep on macOS. On all other systems it is the clock of
/// [`std::time::Instant`].
///
/// The nodes of this module use this clock. This function is for authors of a
/// [`Transport`](super::Transport) or of a test, who need timestamps of the same clock.
#[must_use]
pub fn now() -> Moment {
    Moment::from_nanos(reading())
}

#[cfg(unix)]
fn reading() -> u64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(CLOCK);
    // The times of these two clocks are never negative, so the value 0 is never used in place of a
    // time.
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

#[cfg(not(unix))]
fn reading() -> u64 {
    use std::{sync::LazyLock, time::Instant};

    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    nanos(ORIGIN.elapsed())
}

/// The random number generator of one node, for its timers: `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

impl Rng {
    /// Creates a generator that is seeded by the operating system.
    pub(super) fn random() -> Self {
        use std::hash::{BuildHasher, Hasher, RandomState};
        Self(RandomState::new().build_hasher().finish())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns `true` with this probability, 0 to 1.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        ((self.next() >> 11) as f64 / (1_u64 << 53) as f64) < probability
    }

    /// Draws a duration uniformly within the bounds.
    pub(super) fn draw(&mut self, delay: Delay) -> Duration {
        let (min, max) = (nanos(delay.min), nanos(delay.max));
        let width = u128::from(max.saturating_sub(min)) + 1;
        // The multiply-shift method: all durations have the same probability, with a relative error
        // below width / 2^64.
        let drawn = (u128::from(self.next()) * width) >> 64;
        Duration::from_nanos(min.saturating_add(u64::try_from(drawn).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    // A timer that elapses before its lower bound could end the vigil of a voter too early. The
    // vigil is the time in which a voter supports no other node, because the leader may hold a
    // lease. Then two leaders could hold leases at the same time.
    #[test]
    fn draws_stay_within_their_bounds_and_reach_them() {
        let mut rng = Rng(7);
        let delay = Delay::between(Duration::from_nanos(10), Duration::from_nanos(12));
        let drawn: Vec<u64> = (0..200).map(|_| nanos(rng.draw(delay))).collect();
        assert!(drawn.iter().all(|nanos| (10..=12).contains(nanos)));
        assert!((10..=12).all(|nanos| drawn.contains(&nanos)));
        assert_eq!(rng.draw(Delay::ZERO), Duration::ZERO);
    }
}
