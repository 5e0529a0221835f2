use std::{
    ffi::OsString,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Command, ExitCode, Stdio},
};

use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, pidfd_open, set_parent_process_death_signal,
};
use serde::{Deserialize, Serialize};

use super::{
    Exit, SHIM, process,
    wire::{self, Environment},
};

/// The word to become the command. Comes with its standard input, unless that is empty.
#[derive(Debug, Serialize, Deserialize)]
struct Go {
    environment: Environment,
}

/// Why it could not: an error number of the system.
#[derive(Debug, Serialize, Deserialize)]
struct CouldNot(i32);

/// A process that waits for the word to become the command. All that takes time is behind it; and
/// the kernel kills it when its parent goes, which a process can only ask for itself.
#[derive(Debug)]
pub(super) struct Shim {
    pub(super) pid: Pid,
    pub(super) handle: OwnedFd,
    pub(super) line: OwnedFd,
}

impl Shim {
    /// Starts one, in a process group of its own.
    pub(super) fn prepare(command: &[OsString]) -> io::Result<Self> {
        let (line, theirs) = wire::pair()?;
        let child = Command::new("/proc/self/exe")
            .arg0("elector")
            .arg(SHIM)
            .arg(getpid().as_raw_nonzero().to_string())
            .args(command)
            .stdin(theirs)
            .process_group(0)
            .spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("a process without an id"))?;
        let handle = pidfd_open(pid, PidfdFlags::empty())?;
        Ok(Self { pid, handle, line })
    }

    /// Tells it to become the command.
    ///
    /// # Errors
    /// If it is gone.
    pub(super) fn go(&self, environment: &Environment, stdin: Option<&OwnedFd>) -> io::Result<()> {
        let go = Go {
            environment: environment.clone(),
        };
        wire::send(&self.line, &go, stdin.map(AsFd::as_fd))
    }
}

/// Why the process at the other end of this line did not become the command, if it did not. Asked
/// when it has ended.
pub(super) fn failure(line: &OwnedFd) -> Option<Exit> {
    // It sends that before it ends; otherwise its end of the line is closed.
    match wire::receive(line) {
        Ok(Some((CouldNot(error), _))) => Some(Exit::NotStarted(error)),
        Ok(None) | Err(_) => None,
    }
}

/// What the shim does: `arguments` are its parent's process id and the command.
pub(super) fn main(arguments: &[OsString]) -> ExitCode {
    let stdin = io::stdin();
    let Err(error) = become_command(arguments, stdin.as_fd());
    // Its parent is gone, or hears of it.
    let number = error.raw_os_error().unwrap_or(0);
    ExitCode::from(Exit::NotStarted(number).code())
}

enum Never {}

fn become_command(arguments: &[OsString], line: impl AsFd) -> Result<Never, io::Error> {
    process::rename("elector-exec");
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let [parent, program, rest @ ..] = arguments else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    // It may have gone before the kernel was told to mind.
    let parent = parent.to_str().and_then(|pid| pid.parse().ok());
    if getppid() != parent.and_then(Pid::from_raw) {
        return Err(gone());
    }
    // Closed by a successful `exec`, as standard input is not.
    let line = line.as_fd().try_clone_to_owned()?;
    let (go, stdin) = wire::receive::<Go>(&line)?.ok_or_else(gone)?;
    let mut command = Command::new(program);
    command.args(rest);
    command.stdin(stdin.map_or_else(Stdio::null, Stdio::from));
    for (name, value) in go.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let error = command.exec();
    wire::send(&line, &CouldNot(error.raw_os_error().unwrap_or(0)), None)?;
    Err(error)
}
