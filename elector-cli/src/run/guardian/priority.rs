use std::{ffi::OsStr, fs, io};

use rustix::{
    mm::{MlockAllFlags, mlockall},
    process::{Resource, Signal, getpriority_process, getrlimit, setpriority_process},
    thread::{CapabilitySet, capabilities},
};
use thread_priority::{
    NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id, thread_schedule_policy,
};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

use crate::dispositions::Ignored;

/// How `ps` shows this process; it would be called after `/proc/self/exe` otherwise.
pub(in crate::run) fn rename(name: &str) {
    // Cosmetic only.
    let _ = fs::write("/proc/self/comm", name);
}

/// The nice value of what goes before all ordinary processes.
pub(super) const FIRST: i32 = -20;

/// How a process was scheduled before it was [hastened](hasten).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::run) struct Before {
    nice: i32,
    /// It is real-time now, and was not.
    is_raised: bool,
}

/// How ordinary processes are scheduled.
const ORDINARY: ThreadSchedulePolicy =
    ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);

/// Makes this process late as seldom as it may: its memory stays where it is, and it goes before
/// others.
///
/// A nice value is not enough: where the kernel schedules by session or by control group, it counts
/// within one of them only, and a guardian was stopped for half a second by compilers in another.
pub(super) fn hasten() -> io::Result<Before> {
    if may_lock() {
        // What is there now. With what comes later, a limit would make allocations fail.
        let _ = mlockall(MlockAllFlags::CURRENT);
    }
    let nice = getpriority_process(None)?;
    let _ = setpriority_process(None, FIRST);
    let real_time = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let raise = || {
        set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, real_time).is_ok()
    };
    // An administrator may have chosen another policy.
    let is_raised = thread_schedule_policy() == Ok(ORDINARY) && raise();
    Ok(Before { nice, is_raised })
}

impl Before {
    /// Gives this process, a child of the one that was hastened, what that had before.
    ///
    /// # Errors
    /// If it is still real-time: a command could stop the machine then.
    pub(in crate::run) fn restore(self) -> io::Result<()> {
        if self.is_raised {
            // The policy is what counts. The nice value that comes with it is set below.
            let ordinary = ThreadPriority::Max;
            let _ = set_thread_priority_and_policy(thread_native_id(), ordinary, ORDINARY);
            if thread_schedule_policy() != Ok(ORDINARY) {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
        }
        let _ = setpriority_process(None, self.nice);
        Ok(())
    }

    /// As an argument of a process.
    pub(in crate::run) fn to_argument(self) -> String {
        format!("{},{}", self.nice, u8::from(self.is_raised))
    }

    pub(in crate::run) fn of_argument(argument: &OsStr) -> Option<Self> {
        let (nice, is_raised) = argument.to_str()?.split_once(',')?;
        Some(Self {
            nice: nice.parse().ok()?,
            is_raised: is_raised == "1",
        })
    }
}

/// Lets all of this session go before others, or not any more: where the kernel schedules by
/// session (autogroup, see `sched(7)`), nice values count among the processes of one only. For
/// those who administer the machine: others may not undo it within a tenth of a second.
pub(super) fn hasten_session(first: bool) {
    if is_capable(CapabilitySet::SYS_ADMIN) {
        let nice = if first { FIRST } else { 0 };
        let _ = fs::write("/proc/self/autogroup", nice.to_string());
    }
}

/// Whether all memory may be locked, however much it grows: the stack of a process that has reached
/// its limit cannot grow.
fn may_lock() -> bool {
    getrlimit(Resource::Memlock).current.is_none() || is_capable(CapabilitySet::IPC_LOCK)
}

fn is_capable(of: CapabilitySet) -> bool {
    capabilities(None).is_ok_and(|held| held.effective.contains(of))
}

/// Signals that are meant for a whole service must not end its guardian before the node and the
/// command have ended. Handlers, not an ignored or blocked signal, which the command would inherit;
/// but what was ignored at the start of the node stays ignored, also for the command. They stay
/// when what installed them is gone, and only make a wait come back.
pub(super) fn become_deaf() -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    let ignored = Ignored::at_start();
    let meant_for_all = [
        Signal::TERM,
        Signal::INT,
        Signal::QUIT,
        Signal::HUP,
        Signal::USR1,
        Signal::USR2,
        Signal::ALARM,
    ];
    let heard = meant_for_all.into_iter().filter(|&of| !ignored.keeps(of));
    // Not for deafness: there may be an orphan to collect.
    for of in heard.chain([Signal::CHILD]) {
        drop(signal(SignalKind::from_raw(of.as_raw()))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // A command that went on as a real-time process could stop the machine.
    #[test]
    fn what_is_hastened_can_be_as_before() {
        let policy = thread_schedule_policy();
        let before = hasten().unwrap();
        let read = Before::of_argument(before.to_argument().as_ref());
        assert_eq!(read, Some(before));
        before.restore().unwrap();
        assert_eq!(thread_schedule_policy(), policy);
        assert_eq!(getpriority_process(None).unwrap(), before.nice);
        for noise in ["", "7", "x,1", ",1"] {
            assert_eq!(Before::of_argument(noise.as_ref()), None, "{noise}");
        }
    }
}
