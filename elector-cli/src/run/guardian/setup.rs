use std::io;

use rustix::process::{Signal, getpid, set_child_subreaper, setsid};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

use super::priority;
use crate::{dispositions::Ignored, run::children};

/// Separates this process from everything that could end it before its command has ended, and makes
/// it the parent of orphans: processes of the command whose parent has exited.
///
/// # Errors
/// If the system does not support one of these settings.
pub(super) fn detach() -> io::Result<()> {
    priority::set_process_name("elector-guard");
    setsid()?;
    ignore_service_signals()?;
    set_child_subreaper(Some(getpid()))?;
    children::own().map_err(|error| {
        let what = "cannot read /proc/self/task/*/children (CONFIG_PROC_CHILDREN)";
        io::Error::new(error.kind(), format!("{what}: {error}"))
    })?;
    Ok(())
}

/// Makes signals that are sent to all processes of a service have no effect on this process: they
/// must not end the guardian before the node and the command have ended.
///
/// This function installs handlers, and does not ignore or block the signals, because the command
/// would inherit ignored or blocked signals. Signals that were ignored at the start of the node
/// stay ignored, also for the command. The handlers remain when the runtime that installed them is
/// dropped. They only interrupt a wait of the guardian.
fn ignore_service_signals() -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    let ignored = Ignored::at_start();
    let service_signals = [
        Signal::TERM,
        Signal::INT,
        Signal::QUIT,
        Signal::HUP,
        Signal::USR1,
        Signal::USR2,
        Signal::ALARM,
    ];
    let handled = service_signals
        .into_iter()
        .filter(|&signal| !ignored.keeps(signal));
    // SIGCHLD must interrupt the wait for events, because there may be an orphan to reap.
    for number in handled.chain([Signal::CHILD]) {
        drop(signal(SignalKind::from_raw(number.as_raw()))?);
    }
    Ok(())
}
