use std::{
    io,
    os::{
        fd::AsFd,
        unix::{self, process::CommandExt},
    },
    process::Command,
};

use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open, set_child_subreaper};
use tokio::{net::UnixStream, process::Child};

use crate::run::{
    GUARDIAN, Options,
    channel::{self, Order},
};

/// Variables that name the node's secrets, or where these are. They are not for the command.
const SECRETS: [&str; 3] = ["ELECTOR_TOKEN", "ELECTOR_TOKEN_FILE", "ELECTOR_TLS_DIR"];

/// A guardian that has been started, and the node's end of the line to it.
pub(super) struct Launched {
    pub(super) line: UnixStream,
    pub(super) guardian: Child,
    pub(super) pid: Pid,
}

/// Starts a guardian and tells it its terms.
pub(super) fn launch(options: &Options) -> io::Result<Launched> {
    set_child_subreaper(Some(getpid()))?;
    let (ours, theirs) = channel::pair()?;
    let ours = unix::net::UnixStream::from(ours);
    ours.set_nonblocking(true)?;
    // For its readiness alone: what is sent is not a stream.
    let line = UnixStream::from_std(ours)?;
    let mut command = Command::new(&options.executable);
    command
        .arg0("elector")
        .arg(GUARDIAN)
        .args(&options.command)
        .stdin(theirs);
    for secret in SECRETS {
        command.env_remove(secret);
    }
    // The command has the guardian's end: it goes with this statement, so that only the guardian
    // is left to close it.
    let guardian = tokio::process::Command::from(command).spawn()?;
    let pid = guardian.id().and_then(|id| i32::try_from(id).ok());
    let pid = pid.and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("a process without an id"))?;
    let node = pidfd_open(getpid(), PidfdFlags::empty())?;
    match channel::send(&line, &Order::Begin(options.terms()), Some(node.as_fd())) {
        // It has ended already; its report, or its end, is heard of.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        sent => sent?,
    }
    Ok(Launched {
        line,
        guardian,
        pid,
    })
}
