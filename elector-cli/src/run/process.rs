use std::{fs, io};

use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

/// How `ps` shows this process; it would be called after `/proc/self/exe` otherwise.
pub(super) fn rename(name: &str) {
    // Cosmetic only.
    let _ = fs::write("/proc/self/comm", name);
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
