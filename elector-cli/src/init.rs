//! The first process of a container.
//!
//! When process 1 of a PID namespace ends, the kernel kills all other processes of the namespace.
//! If a node is process 1, its end also kills the heir or the guardian, which would prove the death
//! of the node to its peers. Then the peers wait until the lease of the node has ended. To avoid
//! this, the first process starts the node as a child, passes signals on, reaps the processes that
//! have exited, and ends after all other processes.

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

/// The signals that are passed on to the node. A signal that was ignored at the start is not passed
/// on, because the child ignores it, too.
const PASSED: [Signal; 7] = [
    Signal::TERM,
    Signal::INT,
    Signal::QUIT,
    Signal::HUP,
    Signal::USR1,
    Signal::USR2,
    Signal::WINCH,
];

/// How long the guardian has after the end of the node to stop the rest of the command, and to
/// notify the peers. Then this process ends, which kills the guardian.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(10);

/// If this process is the first one, runs this program again as a child. Returns the child's exit
/// code.
///
/// Returns `None` if this process is not the first one, or if no child can be started. Then this
/// process must do the work itself. Call this function while there is only one thread.
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

/// Runs the child, and returns when all other processes have ended or take too long to end. All
/// errors occur before the child is started.
fn run_child() -> io::Result<ExitStatus> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut events = events()?;
        let child = Command::new(env::current_exe()?)
            .args(env::args_os().skip(1))
            // A terminal sends its signals to a process group. If the child was in the group of
            // this process, it would receive them twice.
            .process_group(0)
            .spawn()?;
        let child = Pid::from_child(&child);
        let input = io::stdin();
        if isatty(&input) {
            // If this call fails, this process receives the signals of the terminal, and passes
            // them on.
            let _ = tcsetpgrp(&input, child);
        }
        Ok(wait_for_all(child, &mut events).await)
    })
}

/// Returns a channel with the signals that this process receives.
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

/// Returns when the child and all other processes have ended, or when the others take too long.
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

/// Reaps all children that have ended. Returns `true` if other children are left.
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

/// Returns the exit code that a shell would return: 128 plus the number of the signal, if a signal
/// killed the child.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    let code = code.and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(u8::MAX))
}
