//! The first process of a container.
//!
//! When process 1 of a PID namespace ends, the kernel kills all other processes of the namespace.
//! If a node is process 1, its end also kills the heir or the guardian: the helper process that
//! would report the death of the node to its peers. Without this report, the peers wait until the
//! lease of the node has ended before they elect another leader. To avoid this wait, the first
//! process starts the node as a child, passes signals on to it, reaps the processes that have
//! exited, and ends after all other processes.

use std::{
    env, io,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Command, ExitCode, ExitStatus},
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, getpid, kill_process, wait},
    termios::{isatty, tcsetpgrp},
};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::{Instant, timeout_at},
};

use crate::{dispositions::Ignored, output};

/// The signals that the first process passes on to its child, the node. A signal that was ignored
/// when the first process was started is not passed on, because the child ignores it, too.
const PASSED: [Signal; 7] = [
    Signal::TERM,
    Signal::INT,
    Signal::QUIT,
    Signal::HUP,
    Signal::USR1,
    Signal::USR2,
    Signal::WINCH,
];

/// How long this process waits for the other processes after the node has ended. In this time the
/// guardian stops the remaining processes of the command of `elector run`, and reports the death of
/// the node to the peers. After this time this process ends, and the kernel kills the guardian.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(10);

/// If this process is the first process of its PID namespace, runs this program again as a child.
/// Returns the child's exit code.
///
/// Returns `None` if this process is not the first one, or if no child can be started. In both
/// cases this process must run the node itself. Call this function while there is only one thread.
pub(crate) fn run_if_first() -> Option<ExitCode> {
    if !getpid().is_init() {
        return None;
    }
    match run_child() {
        Ok(status) => Some(exit_code(status)),
        Err(error) => {
            output::warn(&format!(
                "elector: warning: this is the first process of its container, and it cannot \
                 start the node as a child ({error}). After a crash, peers must wait for the end \
                 of the lease: use an init process (docker run --init)\n"
            ));
            None
        }
    }
}

/// Runs the child, and waits until all other processes have ended, but not longer than
/// [`CLEANUP_TIMEOUT`] after the end of the child. Returns the exit status of the child. An error
/// means that no child was started.
fn run_child() -> io::Result<ExitStatus> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut events = events()?;
        let child = Command::new(env::current_exe()?)
            .args(env::args_os().skip(1))
            // A terminal sends its signals to a process group. If the child was in the group of
            // this process, it would receive each of these signals twice: from the terminal, and
            // from this process, which passes it on.
            .process_group(0)
            .spawn()?;
        let child = Pid::from_child(&child);
        let input = io::stdin();
        if isatty(&input) {
            // If this call fails, this process receives the signals of the terminal, and passes
            // them on to the child.
            let _ = tcsetpgrp(&input, child);
        }
        Ok(wait_for_all(child, &mut events).await)
    })
}

/// Returns a channel that receives the signals to pass on to the child, and SIGCHLD.
fn events() -> io::Result<mpsc::UnboundedReceiver<Signal>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let ignored = Ignored::at_start();
    let passed = PASSED.into_iter().filter(|&which| !ignored.keeps(which));
    for which in passed.chain([Signal::CHILD]) {
        let mut signals = signal(SignalKind::from_raw(which.as_raw()))?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() && sender.send(which).is_ok() {}
        });
    }
    Ok(receiver)
}

/// Waits for the end of the child, and passes signals on to it. Then waits until all other
/// processes have ended, for at most [`CLEANUP_TIMEOUT`]. Returns the exit status of the child.
async fn wait_for_all(child: Pid, events: &mut mpsc::UnboundedReceiver<Signal>) -> ExitStatus {
    let mut ended = None;
    while reap(child, &mut ended) && ended.is_none() {
        let event = events.recv().await;
        if let Some(signal) = event.filter(|&signal| signal != Signal::CHILD) {
            // The child is not reaped yet, so no other process can have its id.
            let _ = kill_process(child, signal);
        }
    }
    let limit = Instant::now() + CLEANUP_TIMEOUT;
    while reap(child, &mut ended) && timeout_at(limit, events.recv()).await.is_ok() {}
    ended.unwrap_or_default()
}

/// Reaps all children that have ended. Writes the exit status of `child` into `ended` if `child` is
/// one of them. Returns `true` if other children are left.
fn reap(child: Pid, ended: &mut Option<ExitStatus>) -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => {
                if pid == child {
                    *ended = Some(ExitStatus::from_raw(status.as_raw()));
                }
            }
            Ok(None) => return true,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Returns the exit code that a shell would return for this status: the code of the child, or 128
/// plus the number of the signal that killed the child.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    let code = code.and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(u8::MAX))
}
