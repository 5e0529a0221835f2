use std::{io, process::ExitStatus, time::Duration};

use thiserror::Error;

use super::{GUARDIAN_FAILED, WRONG_USE};

/// Why a command cannot be run on the leader. The message says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// No command was given.
    #[error(
        "there is no command to run: put it behind --, as in `elector run ... -- COMMAND ARGS`"
    )]
    NoCommand,
    /// There is no file with the name of the command.
    #[error(
        "there is no command \"{0}\": give the path of an executable file, or install it in a \
         folder of PATH"
    )]
    NotFound(String),
    /// The command is not an executable file.
    #[error("the command \"{0}\" cannot be executed: it must be a file, and executable (chmod +x)")]
    NotExecutable(String),
    /// A duration is longer than a day, or is zero and must not be zero.
    #[error(
        "{name} is {value:?}: it must be {}a day at most",
        if value.is_zero() { "longer than zero, and " } else { "" }
    )]
    Duration {
        /// The name of the setting.
        name: &'static str,
        /// The value of the setting.
        value: Duration,
    },
    /// The lease is too short: the guardian, the supervising process, could not stop the command
    /// between a heartbeat that is missing and the end of the lease.
    #[error(
        "heartbeat ({heartbeat:?}) + loss grace ({loss_grace:?}) + margin ({margin:?}) must be \
         shorter than lease ({lease:?}), or the command would be stopped between two heartbeats: \
         shorten the grace on loss or the margin, or lengthen the lease and the election timeout"
    )]
    LeaseTooShort {
        /// The time between two heartbeats, which prolong the lease.
        heartbeat: Duration,
        /// The time from SIGTERM to SIGKILL when the lease is about to end.
        loss_grace: Duration,
        /// The time from SIGKILL to the end of the lease.
        margin: Duration,
        /// The length of the lease.
        lease: Duration,
    },
    /// The guardian, which is the process that stops the command in time, cannot be started.
    #[error("cannot start the guardian of the command: {0}")]
    Spawn(io::Error),
    /// The guardian, which is the process that stops the command in time, reported an error that it
    /// cannot handle, and exited.
    #[error("guardian failed: {0}")]
    GuardianFailed(String),
    /// The guardian exited, and the node killed the command. The node must not continue to lead,
    /// because no guardian would stop its command.
    #[error("guardian exited ({0}), and the command was killed: stop the node")]
    GuardianExited(ExitStatus),
    /// The node cannot communicate with the guardian, the process that stops the command in time.
    #[error("cannot communicate with the guardian of the command: {0}")]
    Channel(io::Error),
    /// The command runs already, or the guardian has not yet started the process that becomes the
    /// command.
    #[error("the command cannot be started: it runs already, or its guardian is not ready")]
    NotReady,
}

impl RunError {
    /// Returns the exit code of `elector run` for this error.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoCommand
            | Self::NotFound(_)
            | Self::NotExecutable(_)
            | Self::Duration { .. }
            | Self::LeaseTooShort { .. } => WRONG_USE,
            Self::Spawn(_)
            | Self::GuardianFailed(_)
            | Self::GuardianExited(_)
            | Self::Channel(_)
            | Self::NotReady => GUARDIAN_FAILED,
        }
    }
}
