//! The first process of a container.
//!
//! When the process with the number 1 of a PID namespace ends, the kernel kills all others of the
//! namespace. So a node that is that process takes with it the heir or the guardian that could
//! prove to its peers that it is dead, and they wait until its lease has ended. Here the first
//! process starts the node as a child, passes signals on, reaps what has ended, and ends after all
//! others.

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

/// What is passed on to the node, unless it was ignored at the start: then the child ignores it.
const PASSED: [Signal; 7] = [
    Signal::TERM,
    Signal::INT,
    Signal::QUIT,
    Signal::HUP,
    Signal::USR1,
    Signal::USR2,
    Signal::WINCH,
];

/// How long the guardian has to stop what is left of the command, and to tell peers, before the end
/// of this process ends it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs this program again as a child, if this process is the first one; the exit code when that
/// has ended. `None` if it is not the first, or no child can be started: then it does its work
/// itself. To be called while there is one thread.
pub(crate) fn first() -> Option<ExitCode> {
    if !getpid().is_init() {
        return None;
    }
    match keep() {
        Ok(status) => Some(code(status)),
        Err(error) => {
            output::warn(&format!(
                "elector: warning: this is the first process of its container and cannot start \
                 the node as a child ({error}), so peers will hear of its end only when its lease \
                 has ended: use an init process (docker run --init)\n"
            ));
            None
        }
    }
}

/// An error only before the child runs.
fn keep() -> io::Result<ExitStatus> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut events = events()?;
        let child = Command::new(env::current_exe()?)
            .args(env::args_os().skip(1))
            // What a terminal sends to a process group is not to arrive twice.
            .process_group(0)
            .spawn()?;
        let child = Pid::from_child(&child);
        let input = io::stdin();
        if isatty(&input) {
            // If it fails, the terminal's signals come here, and are passed on.
            let _ = tcsetpgrp(&input, child);
        }
        Ok(serve(child, &mut events).await)
    })
}

/// The signals of this process, as they come.
fn events() -> io::Result<mpsc::UnboundedReceiver<Signal>> {
    let (tell, told) = mpsc::unbounded_channel();
    let ignored = Ignored::at_start();
    let passed = PASSED.into_iter().filter(|&which| !ignored.keeps(which));
    for which in passed.chain([Signal::CHILD]) {
        let mut coming = signal(SignalKind::from_raw(which.as_raw()))?;
        let tell = tell.clone();
        tokio::spawn(
            async move { while coming.recv().await.is_some() && tell.send(which).is_ok() {} },
        );
    }
    Ok(told)
}

/// Until the child and all others have ended, or the others take too long.
async fn serve(child: Pid, events: &mut mpsc::UnboundedReceiver<Signal>) -> ExitStatus {
    let mut ended = None;
    while reap(child, &mut ended) && ended.is_none() {
        let event = events.recv().await;
        if let Some(signal) = event.filter(|&signal| signal != Signal::CHILD) {
            // Not collected yet, so its id is its own.
            let _ = kill_process(child, signal);
        }
    }
    let limit = Instant::now() + PATIENCE;
    while reap(child, &mut ended) && timeout_at(limit, events.recv()).await.is_ok() {}
    ended.unwrap_or_default()
}

/// Waits for all that has ended; whether there are processes left.
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

/// As a shell has it.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    let code = code.and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(u8::MAX))
}
