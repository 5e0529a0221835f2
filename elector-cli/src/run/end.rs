use std::{fmt, io};

use elector_core::Moment;
use rustix::process::WaitIdStatus;
use serde::{Deserialize, Serialize};

/// How the first process of a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Exit {
    /// The process exited with this code, 0 to 255.
    Code(i32),
    /// This signal killed the process.
    Signal(i32),
    /// The system could not execute the command. The value is the error number of the system.
    NotStarted(i32),
    /// The command was not started, because too little of the lease was left.
    TooLate,
}

impl Exit {
    pub(super) fn from_status(status: &WaitIdStatus) -> Self {
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            // For a process that has ended, the system always reports a code or a signal, so this
            // arm is never used.
            (None, None) => Self::Code(i32::from(u8::MAX)),
        }
    }

    /// Returns the exit code with which a shell would report this end: the command's own code; 128
    /// plus the number of the signal; 127 for a command that was not found; 126 for a command that
    /// could not be executed or was not started.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Code(code) => u8::try_from(code).unwrap_or(u8::MAX),
            Self::Signal(signal) => u8::try_from(signal.saturating_add(128)).unwrap_or(u8::MAX),
            Self::NotStarted(error)
                if io::Error::from_raw_os_error(error).kind() == io::ErrorKind::NotFound =>
            {
                127
            }
            Self::NotStarted(_) | Self::TooLate => 126,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => write!(f, "was killed by signal {signal}"),
            Self::NotStarted(error) => {
                let error = io::Error::from_raw_os_error(*error);
                write!(f, "could not be started: {error}")
            }
            Self::TooLate => f.write_str("was not started: the lease was about to end"),
        }
    }
}

/// Why a command ended or was stopped. If there were several reasons, this is the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum EndReason {
    /// The command ended by itself.
    Exited,
    /// The command was stopped because the node gives the leadership up.
    GivenUp,
    /// The command was stopped because the leadership was lost, for example because another node
    /// was elected.
    Lost,
    /// The command was stopped because the lease was not prolonged in time.
    Deadline,
    /// The command was killed because the node's process exited. The guardian, the process that
    /// killed the command, can report this only on standard error.
    NodeExited,
}

/// The end of a command. No process of the command is alive.
///
/// The guardian, the process that stops the command, reads all times on the clock of
/// [`elector_core::actor::now`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CommandEnd {
    /// How the first process of the command ended.
    pub exit: Exit,
    /// Why the command ended.
    pub reason: EndReason,
    /// When the guardian (the supervising process) sent SIGTERM to the processes of the command.
    /// `None` if it sent no SIGTERM.
    pub sigterm_at: Option<Moment>,
    /// When the guardian (the supervising process) began to send SIGKILL to the processes of the
    /// command. `None` if it sent no SIGKILL.
    pub sigkill_at: Option<Moment>,
    /// When the guardian (the supervising process) found that no process of the command was left.
    pub ended_at: Moment,
}

impl fmt::Display for CommandEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.exit.fmt(f)?;
        f.write_str(match self.reason {
            EndReason::Exited => "",
            EndReason::GivenUp => " (the leadership is given up)",
            EndReason::Lost => " (the leadership was lost)",
            EndReason::Deadline => " (the lease was not prolonged in time)",
            EndReason::NodeExited => " (the node exited)",
        })
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    // Scripts and service managers act on these codes, and expect the codes of a shell.
    #[test]
    fn exit_codes_are_those_of_a_shell() {
        let not_started = |error: Errno| Exit::NotStarted(error.raw_os_error());
        for (exit, code) in [
            (Exit::Code(0), 0),
            (Exit::Code(255), 255),
            (Exit::Signal(15), 143),
            (not_started(Errno::NOENT), 127),
            (not_started(Errno::ACCESS), 126),
        ] {
            assert_eq!(exit.code(), code, "{exit}");
        }
    }
}
