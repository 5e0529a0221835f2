use std::{fmt, io};

use elector_core::Moment;
use rustix::process::WaitIdStatus;
use serde::{Deserialize, Serialize};

/// How the first process of a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Exit {
    /// By itself, with this code, 0 to 255.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It never began: the error number of the system.
    NotStarted(i32),
    /// It was not begun, for so little was left of the lease.
    TooLate,
}

impl Exit {
    pub(super) fn from_status(status: &WaitIdStatus) -> Self {
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            // The system reports nothing else for a process that has ended.
            (None, None) => Self::Code(i32::from(u8::MAX)),
        }
    }

    /// The same as the exit code of another process, as shells do it: 128 + the signal; 127 for a
    /// command that was not found, and 126 for one that could not be executed.
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
            Self::Code(code) => write!(f, "ended with code {code}"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
            Self::NotStarted(error) => {
                let error = io::Error::from_raw_os_error(*error);
                write!(f, "could not be started: {error}")
            }
            Self::TooLate => f.write_str("was not started: the lease was about to end"),
        }
    }
}

/// Why a command ended, or had to: the first reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Why {
    /// It ended by itself.
    Itself,
    /// The leadership is given up.
    Returned,
    /// The leadership was lost, said the node.
    Lost,
    /// The lease was not prolonged in time.
    Deadline,
    /// The node's process ended. Nobody hears of it, but for what the guardian writes to standard
    /// error.
    NodeGone,
}

/// The end of a command: none of its processes lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ended {
    /// How its first process ended.
    pub exit: Exit,
    /// Why.
    pub why: Why,
    /// When its processes were sent SIGTERM, if they were. This and the other times are read by
    /// the guardian, on the clock of [`elector_core::actor::now`].
    pub asked: Option<Moment>,
    /// When they were sent SIGKILL, if they were: just after.
    pub killed: Option<Moment>,
    /// When none was left.
    pub over: Moment,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.exit.fmt(f)?;
        f.write_str(match self.why {
            Why::Itself => "",
            Why::Returned => ", for the leadership is given up",
            Why::Lost => ", for the leadership was lost",
            Why::Deadline => ", for the lease was not prolonged in time",
            Why::NodeGone => ", for the node is gone",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Scripts and service managers act upon these.
    #[test]
    fn exit_codes_are_those_of_a_shell() {
        let not_started = |error: rustix::io::Errno| Exit::NotStarted(error.raw_os_error());
        for (exit, code) in [
            (Exit::Code(0), 0),
            (Exit::Code(255), 255),
            (Exit::Signal(15), 143),
            (not_started(rustix::io::Errno::NOENT), 127),
            (not_started(rustix::io::Errno::ACCESS), 126),
        ] {
            assert_eq!(exit.code(), code, "{exit}");
        }
    }
}
