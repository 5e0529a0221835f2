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
    /// There is no such command.
    #[error(
        "there is no command \"{0}\": give the path of an executable file, or install it where \
         PATH looks"
    )]
    NotFound(String),
    /// The command is no executable file.
    #[error("the command \"{0}\" cannot be executed: it must be a file, and executable (chmod +x)")]
    NotExecutable(String),
    /// A duration is zero, or over a day.
    #[error("{name} is {value:?}: it must be longer than zero, and a day at most")]
    Duration {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: Duration,
    },
    /// The lease is too short for the command to be stopped in.
    #[error(
        "heartbeat ({heartbeat:?}) + loss grace ({loss_grace:?}) + margin ({margin:?}) must be \
         shorter than lease ({lease:?}), or the command would be stopped between two heartbeats: \
         shorten the grace on loss or the margin, or lengthen the lease and the election timeout"
    )]
    NoRoom {
        /// How often the lease is prolonged.
        heartbeat: Duration,
        /// From SIGTERM to SIGKILL.
        loss_grace: Duration,
        /// From SIGKILL to the end of the lease.
        margin: Duration,
        /// How long the lease is.
        lease: Duration,
    },
    /// The guardian cannot be started.
    #[error("cannot start the guardian of the command: {0}")]
    Spawn(#[source] io::Error),
    /// The guardian said that it cannot do its duty.
    #[error("the guardian of the command cannot do its duty: {0}")]
    Guardian(String),
    /// The guardian ended, and the command with it. The node must not go on leading: nobody would
    /// stop its work.
    #[error("the guardian of the command ended ({0}), and the command with it: stop the node")]
    GuardianDied(ExitStatus),
    /// The guardian cannot be told something.
    #[error("cannot talk to the guardian of the command: {0}")]
    Talk(#[source] io::Error),
    /// The command was to be started while it runs.
    #[error("the command runs already: it is started once a tenure")]
    Busy,
}

impl RunError {
    /// The exit code of `elector run` for it.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoCommand
            | Self::NotFound(_)
            | Self::NotExecutable(_)
            | Self::Duration { .. }
            | Self::NoRoom { .. } => WRONG_USE,
            Self::Spawn(_)
            | Self::Guardian(_)
            | Self::GuardianDied(_)
            | Self::Talk(_)
            | Self::Busy => GUARDIAN_FAILED,
        }
    }
}
