use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// A timer on the clock of [`elector_core::actor::now`], so that what elapses during a suspend
/// counts.
#[derive(Debug)]
pub(super) struct Alarm(OwnedFd);

impl Alarm {
    pub(super) fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC);
        Ok(Self(timer?))
    }

    /// Makes it readable at this time, in nanoseconds, which may have passed; or never.
    pub(super) fn set(&self, at: Option<u64>) -> io::Result<()> {
        // Zero would disarm it.
        let at = at.map_or(0, |at| at.max(1));
        let alarm = Itimerspec {
            it_interval: timespec(0),
            it_value: timespec(at),
        };
        timerfd_settime(&self.0, TimerfdTimerFlags::ABSTIME, &alarm)?;
        Ok(())
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn timespec(nanos: u64) -> Timespec {
    const NANOS_A_SECOND: u64 = 1_000_000_000;
    Timespec {
        tv_sec: i64::try_from(nanos / NANOS_A_SECOND).unwrap_or(i64::MAX),
        // Less than a second.
        tv_nsec: (nanos % NANOS_A_SECOND).try_into().unwrap_or(0),
    }
}
