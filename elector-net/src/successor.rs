use std::time::Duration;

use elector_core::nanos;
use serde::{Deserialize, Serialize};

use crate::record::LockId;

/// How much later than by its clock a new life may say its hello. What takes longer is no proof: a
/// virtual machine that was saved and is restored has the old boot and the old lock, while the one
/// that it is a copy of may live; but its clock stood still meanwhile.
const LATEST: Duration = Duration::from_millis(20);

/// The clock of a peer is compared over this time: in it, two clocks drift apart by far less than
/// [`LATEST`].
const COMPARED: Duration = Duration::from_secs(30);

/// What a life says of itself, so that the next one can prove that it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hold {
    /// The lock that all its processes hold until they have ended.
    pub(crate) lock: LockId,
    /// The clock of its machine since the start of the kernel, when it said so.
    pub(crate) clock_ns: u64,
}

/// What is known of the lock and of the clock of the present life of a peer.
#[derive(Debug)]
pub(crate) struct Holding {
    lock: LockId,
    /// By how much the clock of this machine is ahead of the peer's, as it looks: the truth, and
    /// what the message took. The least of this time and of the time before it.
    ahead: [i128; 2],
    /// When this time began.
    since: u64,
}

fn ahead(now: u64, clock_ns: u64) -> i128 {
    i128::from(now) - i128::from(clock_ns)
}

impl Holding {
    pub(crate) fn new(hold: Hold, now: u64) -> Self {
        Self {
            lock: hold.lock,
            ahead: [ahead(now, hold.clock_ns); 2],
            since: now,
        }
    }

    /// The peer has said what its clock shows.
    pub(crate) fn ticked(&mut self, clock_ns: u64, now: u64) {
        let found = ahead(now, clock_ns);
        let [this, last] = &mut self.ahead;
        if now.saturating_sub(self.since) > nanos(COMPARED) {
            (*last, *this) = (*this, found);
            self.since = now;
        } else {
            *this = found.min(*this);
        }
    }

    /// Whether a life that says this proves that the present one is over: it holds the same lock,
    /// on a machine whose clock has not stood still.
    pub(crate) fn is_over(&self, hold: Hold, now: u64) -> bool {
        let least = self.ahead.into_iter().min().unwrap_or_default();
        let late = ahead(now, hold.clock_ns) - least;
        self.lock != LockId::NONE && self.lock == hold.lock && late <= i128::from(nanos(LATEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    fn hold(lock: u8, clock_ms: u64) -> Hold {
        Hold {
            lock: LockId::of([lock; 16]),
            clock_ns: clock_ms * MS,
        }
    }

    // The clocks of two machines began at different times: this one's is behind.
    fn holding() -> Holding {
        let mut holding = Holding::new(hold(1, 5_000), 1_000 * MS);
        holding.ticked(5_500 * MS, 1_501 * MS);
        holding
    }

    #[test]
    fn the_same_lock_on_the_same_machine_is_a_proof() {
        assert!(holding().is_over(hold(1, 6_000), 2_002 * MS));
        assert!(
            !holding().is_over(hold(2, 6_000), 2_002 * MS),
            "another lock"
        );
        let none = Holding::new(hold(0, 5_000), 1_000 * MS);
        assert!(!none.is_over(hold(0, 6_000), 2_000 * MS), "no lock");
    }

    // A restored virtual machine has the boot, the lock and the clock of the moment when it was
    // saved; an hour ago, or a tenth of a second.
    #[test]
    fn a_machine_whose_clock_stood_still_proves_nothing() {
        assert!(!holding().is_over(hold(1, 6_000), 2_100 * MS));
        assert!(!holding().is_over(hold(1, 5_400), 3_600_000 * MS));
    }

    // Messages that were long on their way must not make room for a clock that stood still; and the
    // clocks of two machines drift apart, which is no sign of anything.
    #[test]
    fn the_shortest_way_of_late_counts() {
        let mut holding = holding();
        holding.ticked(5_600 * MS, 2_600 * MS);
        assert!(!holding.is_over(hold(1, 6_000), 2_100 * MS));
        let mut now = 2_600;
        for drift in 1..1_000 {
            now += 10_000;
            holding.ticked((now + 4_000 - drift) * MS, now * MS);
        }
        assert!(holding.is_over(hold(1, now + 4_100 - 999), (now + 100) * MS));
        assert!(!holding.is_over(hold(1, now + 4_000 - 999), (now + 100) * MS));
    }
}
