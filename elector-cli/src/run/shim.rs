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
    guardian::priority::{self, Before},
};

/// A process that waits for the word to become the command. All that takes time is behind it; and
/// the kernel kills it when its parent goes, which a process can only ask for itself.
#[derive(Debug)]
pub(super) struct Shim {
    pub(super) pid: Pid,
    pub(super) handle: OwnedFd,
    pub(super) line: OwnedFd,
}

/// The word to become the command. Comes with its standard input, unless that is empty.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Go {
    /// What is put into the environment. A name without a value is taken out of it.
    pub(super) environment: Vec<(String, Option<String>)>,
    /// When it is too late to begin.
    pub(super) before: Option<Moment>,
}

impl Shim {
    /// Starts one, in a process group of its own. The command will be scheduled like this.
    pub(super) fn prepare(command: &[OsString], before: Before) -> io::Result<Self> {
        let (line, theirs) = channel::pair()?;
        let child = Command::new("/proc/self/exe")
            .arg0("elector")
            .arg(SHIM)
            .arg(getpid().as_raw_nonzero().to_string())
            .arg(before.to_argument())
            .args(command)
            .stdin(theirs)
            .process_group(0)
            .spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("a process without an id"))?;
        let handle = pidfd_open(pid, PidfdFlags::empty())?;
        Ok(Self { pid, handle, line })
    }
}

/// Why the process at the other end of this line did not become the command, if it did not. Asked
/// when it has ended.
pub(super) fn failure(line: &OwnedFd) -> Option<Exit> {
    // It sends that before it ends; otherwise its end of the line is closed.
    match channel::receive(line) {
        Ok(Some((exit, _))) => Some(exit),
        Ok(None) | Err(_) => None,
    }
}

/// What the shim does: `arguments` are its parent's process id, how it is scheduled, and the
/// command.
pub(super) fn main(arguments: &[OsString]) -> ExitCode {
    let stdin = io::stdin();
    let Err(error) = become_command(arguments, stdin.as_fd());
    // Only if its parent is gone, or it was started by hand, has nobody heard of it.
    ExitCode::from(not_started(&error).code())
}

fn become_command(arguments: &[OsString], line: BorrowedFd<'_>) -> io::Result<Infallible> {
    priority::rename("elector-exec");
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
    let [parent, before, program, rest @ ..] = arguments else {
        return Err(invalid());
    };
    // It may have gone before the kernel was told to mind.
    let parent = parent.to_str().and_then(|pid| pid.parse().ok());
    if getppid() != parent.and_then(Pid::from_raw) {
        return Err(gone());
    }
    // What its parent has is for the guardian alone.
    Before::of_argument(before).ok_or_else(invalid)?.restore()?;
    // Closed by a successful `exec`, as standard input is not.
    let line = line.try_clone_to_owned()?;
    let (go, stdin) = channel::receive::<Go>(&line)?.ok_or_else(gone)?;
    let mut command = Command::new(program);
    command.args(rest);
    command.stdin(stdin.map_or_else(Stdio::null, Stdio::from));
    for (name, value) in go.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if go.before.is_some_and(|before| before <= now()) {
        channel::send(&line, &Exit::TooLate, None)?;
        return Err(io::ErrorKind::TimedOut.into());
    }
    let error = command.exec();
    channel::send(&line, &not_started(&error), None)?;
    Err(error)
}

fn not_started(error: &io::Error) -> Exit {
    Exit::NotStarted(error.raw_os_error().unwrap_or(0))
}
