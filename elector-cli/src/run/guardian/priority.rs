use std::{ffi::OsStr, fs, io};

use rustix::{
    mm::{MlockAllFlags, mlockall},
    process::{Resource, getpriority_process, getrlimit, setpriority_process},
    thread::{CapabilitySet, capabilities},
};
use thread_priority::{
    NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id, thread_schedule_policy,
};

/// The nice value of ordinary processes.
pub(super) const ORDINARY_NICE: i32 = 0;
/// The nice value that gives a process the highest priority.
pub(super) const BEST_NICE: i32 = -20;
/// The nice value that gives a process the lowest priority.
const WORST_NICE: i32 = 19;

/// The policy by which ordinary processes are scheduled.
const ORDINARY: ThreadSchedulePolicy =
    ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);

/// Sets the name under which `ps` shows this process. Without this call, the name would be `exe`,
/// because the process was started from `/proc/self/exe`.
pub(in crate::run) fn set_process_name(name: &str) {
    // The name is for people only, so a failure does not matter.
    let _ = fs::write("/proc/self/comm", name);
}

/// The priority that a process had before it was [raised](raise_priority).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::run) struct SavedPriority {
    nice: i32,
    /// Whether [`raise_priority`] has changed the process from an ordinary to a real-time process.
    became_real_time: bool,
}

/// Locks the memory of this process and raises its priority, as far as it is allowed to, so that
/// the process rarely gets a processor too late. Returns the priority that it had before.
///
/// A nice value alone is not enough. If the kernel schedules by session or by control group, nice
/// values count only within one session or group: a guardian got no processor for half a second
/// because of compilers in another session.
pub(super) fn raise_priority() -> io::Result<SavedPriority> {
    if may_lock_memory() {
        // This call locks only the memory that is in use now. If memory that is allocated later was
        // locked, too, its allocation could fail at the limit of locked memory.
        let _ = mlockall(MlockAllFlags::CURRENT);
    }
    let nice = getpriority_process(None)?;
    let _ = setpriority_process(None, BEST_NICE);
    let real_time = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let become_real_time = || {
        set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, real_time).is_ok()
    };
    // If the policy is not the ordinary one, an administrator has chosen it, and it stays as it is.
    let became_real_time = thread_schedule_policy() == Ok(ORDINARY) && become_real_time();
    Ok(SavedPriority {
        nice,
        became_real_time,
    })
}

impl SavedPriority {
    /// Gives this process the priority that the guardian had before its priority was raised. Call
    /// this method in a child of the guardian, or in the guardian itself.
    ///
    /// # Errors
    /// If the process is still a real-time process: a command with real-time priority could stop
    /// the machine.
    pub(in crate::run) fn restore(self) -> io::Result<()> {
        if self.became_real_time {
            // Only the policy matters here. The call below replaces the nice value that this call
            // sets.
            let ordinary = ThreadPriority::Max;
            let _ = set_thread_priority_and_policy(thread_native_id(), ordinary, ORDINARY);
            if thread_schedule_policy() != Ok(ORDINARY) {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
        }
        let _ = setpriority_process(None, self.nice);
        Ok(())
    }

    /// Returns this value as one argument of a command line, for
    /// [`from_argument`](Self::from_argument).
    pub(in crate::run) fn to_argument(self) -> String {
        format!("{},{}", self.nice, u8::from(self.became_real_time))
    }

    pub(in crate::run) fn from_argument(argument: &OsStr) -> Option<Self> {
        let (nice, became_real_time) = argument.to_str()?.split_once(',')?;
        Some(Self {
            nice: nice.parse().ok()?,
            became_real_time: became_real_time == "1",
        })
    }
}

/// Gives this process, whose priority was [raised](raise_priority), the lowest priority, because
/// its urgent work is done. When a process with locked memory ends, the kernel needs a processor
/// for a millisecond. With the lowest priority, other processes get the processor first.
pub(super) fn yield_to_others(saved: SavedPriority) {
    let _ = saved.restore();
    let _ = setpriority_process(None, WORST_NICE);
}

/// Sets the nice value of the session of this process among other sessions. If the kernel schedules
/// by session (autogroup, see `sched(7)`), the nice value of a process counts only within its
/// session.
///
/// This function has an effect only with `CAP_SYS_ADMIN`. It does nothing without this capability:
/// the kernel would then accept no second change within a tenth of a second, so that the value
/// could not be changed back in time.
pub(super) fn set_session_nice(nice: i32) {
    if has_capability(CapabilitySet::SYS_ADMIN) {
        let _ = fs::write("/proc/self/autogroup", nice.to_string());
    }
}

/// Returns `true` if this process may lock any amount of memory. A process with a limit for locked
/// memory must not lock its memory: at the limit, its stack could not grow.
fn may_lock_memory() -> bool {
    getrlimit(Resource::Memlock).current.is_none() || has_capability(CapabilitySet::IPC_LOCK)
}

fn has_capability(capability: CapabilitySet) -> bool {
    capabilities(None).is_ok_and(|own| own.effective.contains(capability))
}

#[cfg(test)]
mod tests {
    use super::*;

    // A command that is a real-time process could stop the machine. So the priority from before
    // `raise_priority` must be restored completely.
    #[test]
    fn a_raised_priority_can_be_restored() {
        let policy = thread_schedule_policy();
        let saved = raise_priority().unwrap();
        let read = SavedPriority::from_argument(saved.to_argument().as_ref());
        assert_eq!(read, Some(saved));
        saved.restore().unwrap();
        assert_eq!(thread_schedule_policy(), policy);
        assert_eq!(getpriority_process(None).unwrap(), saved.nice);
        for noise in ["", "7", "x,1", ",1"] {
            assert_eq!(
                SavedPriority::from_argument(noise.as_ref()),
                None,
                "{noise}"
            );
        }
    }
}
