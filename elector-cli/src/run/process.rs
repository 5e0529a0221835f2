use std::{fs, io};

use rustix::{
    mm::{MlockAllFlags, mlockall},
    process::{Resource, getpriority_process, getrlimit, setpriority_process},
    thread::{CapabilitySet, capabilities},
};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

/// How `ps` shows this process; it would be called after `/proc/self/exe` otherwise.
pub(super) fn rename(name: &str) {
    // Cosmetic only.
    let _ = fs::write("/proc/self/comm", name);
}

/// The nice value of what goes before all ordinary processes.
pub(super) const FIRST: i32 = -20;

/// Makes this process late as seldom as it may: its memory stays where it is, and it goes before
/// others. Its nice value before that.
pub(super) fn hasten() -> io::Result<i32> {
    if may_lock() {
        // What is there now. With what comes later, a limit would make allocations fail.
        let _ = mlockall(MlockAllFlags::CURRENT);
    }
    let before = getpriority_process(None)?;
    let _ = setpriority_process(None, FIRST);
    Ok(before)
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
/// command have ended. Handlers, not an ignored or blocked signal, which the command would inherit.
/// They stay when what installed them is gone, and only make a wait come back.
pub(super) fn become_deaf() -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    for kind in [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::quit(),
        SignalKind::hangup(),
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
        SignalKind::alarm(),
        // Not for deafness: there may be an orphan to collect.
        SignalKind::child(),
    ] {
        drop(signal(kind)?);
    }
    Ok(())
}
