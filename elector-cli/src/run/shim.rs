use std::{
    convert::Infallible,
    ffi::OsString,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Command, ExitCode, Stdio},
};

use elector_core::{Moment, actor::now};
use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, pidfd_open, set_parent_process_death_signal,
};
use serde::{Deserialize, Serialize};

use super::{
    Exit, SHIM, channel,
    guardian::priority::{self, SavedPriority},
};

/// The guardian's side of a shim: a process that waits for the message to become the command.
/// Everything that takes time is done before the message comes. The kernel kills the shim when its
/// parent, the guardian, exits. A process can request this signal only for itself, so the shim must
/// exist before it becomes the command.
#[derive(Debug)]
pub(super) struct Shim {
    pub(super) pid: Pid,
    pub(super) pidfd: OwnedFd,
    pub(super) channel: OwnedFd,
}

/// The message that makes a shim become the command. The file for the command's standard input
/// comes with the message. Without a file, standard input is empty.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Go {
    /// The changes to the environment of the command. A variable with the value `None` is removed.
    pub(super) environment: Vec<(String, Option<String>)>,
    /// At or after this time, it is too late to start the command. `None` without a lease.
    pub(super) start_before: Option<Moment>,
}

impl Shim {
    /// Starts a shim in a process group of its own. The shim gives the command the priority
    /// `priority`.
    pub(super) fn start(command: &[OsString], priority: SavedPriority) -> io::Result<Self> {
        let (channel, theirs) = channel::pair()?;
        let child = Command::new("/proc/self/exe")
            .arg0("elector")
            .arg(SHIM)
            .arg(getpid().as_raw_pid().to_string())
            .arg(priority.to_argument())
            .args(command)
            .stdin(theirs)
            .process_group(0)
            .spawn()?;
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        Ok(Self {
            pid,
            pidfd,
            channel,
        })
    }
}

/// Returns why a shim, the process that waits to become the command, did not become it, if the shim
/// has sent the reason. `channel` is the guardian's end of the channel to the shim. The process of
/// the shim must have ended.
pub(super) fn failure(channel: &OwnedFd) -> Option<Exit> {
    // A shim that is too late, or whose `exec` fails, sends the reason before it exits. A shim that
    // becomes the command closes the channel and sends nothing.
    let received = channel::receive(channel).ok().flatten();
    received.map(|(exit, _)| exit)
}

/// The main function of the shim, the process that becomes the command. The arguments are the
/// process id of the parent, the priority of the command, the command, and its arguments.
pub(super) fn main(arguments: &[OsString]) -> ExitCode {
    let stdin = io::stdin();
    let Err(error) = become_command(arguments, stdin.as_fd());
    // If `exec` failed, or if it was too late to start the command, the guardian receives the
    // reason through the channel. After any other error, the guardian receives only this exit code.
    ExitCode::from(not_started(&error).code())
}

fn become_command(arguments: &[OsString], channel: BorrowedFd<'_>) -> io::Result<Infallible> {
    priority::set_process_name("elector-exec");
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
    let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
    let [parent, priority, program, rest @ ..] = arguments else {
        return Err(invalid());
    };
    // The parent may have exited before the shim requested a signal for the parent's end. Then the
    // signal never comes, and the shim has another parent now.
    let parent = parent.to_str().and_then(|pid| pid.parse().ok());
    if getppid() != parent.and_then(Pid::from_raw) {
        return Err(closed());
    }
    // The shim has inherited the high priority of its parent, the guardian. The command must not
    // have this priority.
    SavedPriority::from_argument(priority)
        .ok_or_else(invalid)?
        .restore()?;
    // The channel is standard input of the shim. A successful `exec` closes this copy, but would
    // not close standard input.
    let channel = channel.try_clone_to_owned()?;
    let (go, stdin) = channel::receive::<Go>(&channel)?.ok_or_else(closed)?;
    let mut command = Command::new(program);
    command.args(rest);
    command.stdin(stdin.map_or_else(Stdio::null, Stdio::from));
    for (name, value) in go.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if go.start_before.is_some_and(|limit| limit <= now()) {
        channel::send(&channel, &Exit::TooLate, None)?;
        return Err(io::ErrorKind::TimedOut.into());
    }
    let error = command.exec();
    channel::send(&channel, &not_started(&error), None)?;
    Err(error)
}

fn not_started(error: &io::Error) -> Exit {
    Exit::NotStarted(error.raw_os_error().unwrap_or(0))
}
