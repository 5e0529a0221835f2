use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use elector_core::Moment;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::run::options::StopTiming;

/// A timer on the clock of [`elector_core::actor::now`], which also counts the time during which
/// the machine is suspended.
#[derive(Debug)]
pub(super) struct Timer(OwnedFd);

impl Timer {
    pub(super) fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC);
        Ok(Self(timer?))
    }

    /// Makes the timer readable at the time `at`, or at once if this time has passed. `None`
    /// switches the timer off.
    pub(super) fn set(&self, at: Option<Moment>) -> io::Result<()> {
        // The kernel takes the time zero as a request to switch the timer off.
        let nanos = at.map_or(0, |at| at.nanos().max(1));
        let value = Itimerspec {
            it_interval: timespec(Duration::ZERO),
            it_value: timespec(Duration::from_nanos(nanos)),
        };
        timerfd_settime(&self.0, TimerfdTimerFlags::ABSTIME, &value)?;
        Ok(())
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

/// How late messages reached this guardian, and how late its SIGKILL took effect, in the last
/// measurements. This is an estimate of how late both may be again.
#[derive(Debug)]
pub(super) struct Lateness {
    samples: [Duration; SAMPLES],
    next: usize,
}

/// The number of measurements of lateness that are kept. There are about three measurements in each
/// lease, so 64 cover about twenty leases. The load of a machine changes more slowly than that.
const SAMPLES: usize = 64;

impl Default for Lateness {
    fn default() -> Self {
        Self {
            samples: [Duration::ZERO; SAMPLES],
            next: 0,
        }
    }
}

impl Lateness {
    pub(super) fn record(&mut self, late: Duration) {
        if let Some(sample) = self.samples.get_mut(self.next) {
            *sample = late;
        }
        self.next = (self.next + 1) % SAMPLES;
    }

    /// Returns the margin (the time from SIGKILL to the end of the lease) to use: twice the worst
    /// of the last measurements, but not more than `max_margin` and not less than the configured
    /// margin.
    pub(super) fn margin(&self, timing: &StopTiming) -> Duration {
        let worst = self.samples.iter().max().copied().unwrap_or_default();
        let wanted = worst.saturating_mul(2);
        wanted.min(timing.max_margin).max(timing.margin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // On a busy machine the margin (the time from SIGKILL to the end of the lease) must become
    // wider, but not wider than the lease allows. On a quiet machine the margin must become the
    // configured margin again.
    #[test]
    fn the_margin_follows_the_worst_of_the_recent_samples() {
        let ms = Duration::from_millis;
        let margin = |lateness: &Lateness, margin: u64| {
            lateness.margin(&StopTiming {
                grace: Duration::ZERO,
                loss_grace: Duration::ZERO,
                margin: ms(margin),
                max_margin: ms(37),
            })
        };
        let mut lateness = Lateness::default();
        assert_eq!(margin(&lateness, 15), ms(15));
        lateness.record(ms(5));
        assert_eq!(margin(&lateness, 15), ms(15));
        lateness.record(ms(12));
        assert_eq!(margin(&lateness, 15), ms(24));
        lateness.record(Duration::MAX);
        assert_eq!(margin(&lateness, 15), ms(37));
        // A margin (time from SIGKILL to the end of the lease) that was configured to be wider than
        // the maximum stays as it is.
        assert_eq!(margin(&lateness, 50), ms(50));
        for _ in 0..SAMPLES {
            lateness.record(ms(1));
        }
        assert_eq!(margin(&lateness, 15), ms(15));
    }
}
