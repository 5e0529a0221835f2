use std::time::Duration;

use elector_core::{Moment, nanos};
use serde::{Deserialize, Serialize};

use crate::record::LockId;

/// The maximum delay of the first handshake of a new life with which this life can still prove the
/// end of the life before. A life is one process of a peer. The delay is measured with the peer's
/// clock. Consider a virtual machine that was saved and is restored. The restored machine has the
/// same boot id and the same lock as the original machine, and the original machine may still run.
/// But the clock of the restored machine stood still while it was saved, so its handshake is late
/// by this clock.
const MAX_DELAY: Duration = Duration::from_millis(20);

/// The length of a period. The minimum offset between the clocks of this machine and of the peer is
/// taken over the present period and the one before. In this time, the two clocks drift apart by
/// far less than [`MAX_DELAY`].
const OFFSET_PERIOD: Duration = Duration::from_secs(30);

/// The lock and the clock that a life, which is one process of a node, names in a handshake. With
/// them, the next life of the node can prove that this life has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LockClaim {
    /// The lock that the process, and all processes that act on its behalf, hold until they have
    /// ended.
    pub(crate) lock: LockId,
    /// The reading of the machine's clock when the handshake was sent, in nanoseconds since the
    /// start of the kernel.
    pub(crate) clock_ns: u64,
}

/// The lock that the present life (process) of a peer holds, and how the clock of the peer's
/// machine differs from the clock of this machine.
#[derive(Debug)]
pub(crate) struct LockTracker {
    lock: LockId,
    /// The minimum apparent offset between the clock of this machine and the peer's clock, in the
    /// present period and in the period before it. The apparent offset is the true offset plus the
    /// time that the message was on its way. So the minimum is closest to the true offset.
    offsets_ns: [i128; 2],
    period_start: Moment,
}

fn offset_ns(now: Moment, clock_ns: u64) -> i128 {
    i128::from(now.nanos()) - i128::from(clock_ns)
}

impl LockTracker {
    pub(crate) fn new(claim: LockClaim, now: Moment) -> Self {
        Self {
            lock: claim.lock,
            offsets_ns: [offset_ns(now, claim.clock_ns); 2],
            period_start: now,
        }
    }

    /// Takes a reading of the peer's clock, which has arrived at `now` by this machine's clock.
    pub(crate) fn clock_received(&mut self, clock_ns: u64, now: Moment) {
        let measured = offset_ns(now, clock_ns);
        let [this, last] = &mut self.offsets_ns;
        if now.saturating_since(self.period_start) > OFFSET_PERIOD {
            (*last, *this) = (*this, measured);
            self.period_start = now;
        } else {
            *this = measured.min(*this);
        }
    }

    /// Returns `true` if a new life (process) of the peer with this claim proves that the present
    /// life has ended. It does so if both lives hold the same lock, and if the clock of the new
    /// life's machine has not stood still.
    pub(crate) fn is_ended_by(&self, claim: LockClaim, now: Moment) -> bool {
        let least_ns = self.offsets_ns.into_iter().min().unwrap_or_default();
        let delay_ns = offset_ns(now, claim.clock_ns) - least_ns;
        let has_same_lock = self.lock != LockId::NONE && self.lock == claim.lock;
        has_same_lock && delay_ns <= i128::from(nanos(MAX_DELAY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn claim(lock: u8, clock_ms: u64) -> LockClaim {
        LockClaim {
            lock: LockId::of([lock; 16]),
            clock_ns: clock_ms * MS,
        }
    }

    fn at_ms(millis: u64) -> Moment {
        Moment::from_nanos(millis * MS)
    }

    // Returns a tracker of a peer on a machine that was booted 4 s before this one, so this
    // machine's clock is 4 s behind.
    fn tracker() -> LockTracker {
        let mut tracker = LockTracker::new(claim(1, 5_000), at_ms(1_000));
        tracker.clock_received(5_500 * MS, at_ms(1_501));
        tracker
    }

    #[test]
    fn the_same_lock_on_the_same_machine_is_a_proof() {
        assert!(tracker().is_ended_by(claim(1, 6_000), at_ms(2_002)));
        assert!(
            !tracker().is_ended_by(claim(2, 6_000), at_ms(2_002)),
            "another lock"
        );
        let unlocked = LockTracker::new(claim(0, 5_000), at_ms(1_000));
        assert!(
            !unlocked.is_ended_by(claim(0, 6_000), at_ms(2_000)),
            "no lock"
        );
    }

    // A restored virtual machine has the boot id, the lock and the clock that it had when it was
    // saved. The original machine may still run, so the lock of the restored one must prove
    // nothing. Here the machine was saved an hour ago, or a tenth of a second ago.
    #[test]
    fn a_machine_whose_clock_stood_still_proves_nothing() {
        assert!(!tracker().is_ended_by(claim(1, 6_000), at_ms(2_100)));
        assert!(!tracker().is_ended_by(claim(1, 5_400), at_ms(3_600_000)));
    }

    // One message that was on its way for a long time must not hide that the peer's clock stood
    // still. If the clocks of two machines slowly drift apart, this must not look like a clock that
    // stood still.
    #[test]
    fn the_minimum_offset_of_the_last_periods_counts() {
        let mut tracker = tracker();
        tracker.clock_received(5_600 * MS, at_ms(2_600));
        assert!(!tracker.is_ended_by(claim(1, 6_000), at_ms(2_100)));
        let mut now_ms = 2_600;
        for drift in 1..1_000 {
            now_ms += 10_000;
            tracker.clock_received((now_ms + 4_000 - drift) * MS, at_ms(now_ms));
        }
        let later = at_ms(now_ms + 100);
        assert!(tracker.is_ended_by(claim(1, now_ms + 4_100 - 999), later));
        assert!(!tracker.is_ended_by(claim(1, now_ms + 4_000 - 999), later));
    }
}
