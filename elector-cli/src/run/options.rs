use std::{
    env,
    ffi::OsString,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use elector_core::{NodeId, Timing};
use rustix::{
    fs::{Access, access},
    process::Pid,
};
use serde::{Deserialize, Serialize};

use super::RunError;

/// Which command runs on the leader, and how it is stopped.
#[derive(Clone, Debug)]
pub struct Options {
    /// The id of this node, for `ELECTOR_NODE`.
    pub node: NodeId,
    /// The command and its arguments. A name without a slash is looked up in `PATH`.
    pub command: Vec<OsString>,
    /// The time from SIGTERM to SIGKILL when the leadership is given up. The node continues to lead
    /// during this time. Default 10 s.
    pub grace: Duration,
    /// The time from SIGTERM to SIGKILL when the lease is about to end, or when a leadership
    /// without a lease was lost. It may be zero. Default 10 ms. The guardian, the process that
    /// stops the command, sends SIGTERM earlier by the loss grace. So each millisecond of the loss
    /// grace reduces by one millisecond how late a heartbeat may be.
    pub loss_grace: Duration,
    /// The time from SIGKILL to the end of the lease. In this time the guardian, which sends
    /// SIGKILL, must get a processor, and the processes of the command must die. Default 15 ms.
    pub margin: Duration,
    /// The maximum of the margin. The guardian, the process that stops the command, widens the
    /// margin up to this maximum if it measures that its own signals or the messages of the node
    /// are late. Default zero: the margin never widens.
    pub max_margin: Duration,
    /// Standard input of the command.
    pub stdin: Stdin,
    /// All children of this process except the guardian, the process that stops the command.
    /// Default `None`, which means that they are unknown. If they are known, and the guardian is
    /// killed, this process kills all its other children, in any session, because they belong to
    /// the command.
    pub own_children: Option<Vec<Pid>>,
    /// The executable of this program, from which the guardian (the process that stops the command)
    /// is started. Default `/proc/self/exe`: the program that runs now, even if its file has been
    /// replaced.
    pub executable: PathBuf,
}

/// Standard input of the command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing: `/dev/null`.
    #[default]
    Null,
    /// Standard input of the node. What the command reads while the node leads one epoch (a tenure)
    /// is not there in the next tenure.
    Inherit,
}

/// The durations of [`Options`] with which the guardian stops the command. The node sends them to
/// the guardian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StopTiming {
    pub(super) grace: Duration,
    pub(super) loss_grace: Duration,
    pub(super) margin: Duration,
    pub(super) max_margin: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Options {
    /// Returns the default options for this command on this node.
    #[must_use]
    pub fn new(node: NodeId, command: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            node,
            command: command.into_iter().map(Into::into).collect(),
            grace: Duration::from_secs(10),
            loss_grace: Duration::from_millis(10),
            margin: Duration::from_millis(15),
            max_margin: Duration::ZERO,
            stdin: Stdin::Null,
            own_children: None,
            executable: PathBuf::from("/proc/self/exe"),
        }
    }

    /// Checks the rules that do not depend on a lease: the command exists and can be executed, and
    /// the durations are valid.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), RunError> {
        self.validate_durations()?;
        match self.command.first() {
            Some(command) if !command.is_empty() => find(command.as_ref()),
            _ => Err(RunError::NoCommand),
        }
    }

    /// Checks that no duration is longer than a day, and that no duration except the loss grace is
    /// zero.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate_durations(&self) -> Result<(), RunError> {
        let tick = Duration::from_nanos(1);
        let all = [
            ("grace", self.grace, tick),
            ("loss grace", self.loss_grace, Duration::ZERO),
            ("margin", self.margin, tick),
        ];
        for (name, value, least) in all {
            if value > DAY || value < least {
                return Err(RunError::Duration { name, value });
            }
        }
        Ok(())
    }

    /// Checks that the guardian can stop the command within a lease, for algorithms that have
    /// leases: heartbeat + loss grace + margin < lease. If a heartbeat is late by more than the
    /// difference between both sides, the guardian stops the command. With the defaults of
    /// `Options` and `Timing`, the difference is 45 ms.
    ///
    /// # Errors
    /// If the lease is too short.
    pub fn validate_lease(&self, timing: &Timing) -> Result<(), RunError> {
        let needed = [timing.heartbeat, self.loss_grace, self.margin];
        let needed = needed
            .into_iter()
            .try_fold(Duration::ZERO, Duration::checked_add);
        if needed.is_some_and(|needed| needed < timing.lease) {
            return Ok(());
        }
        Err(RunError::LeaseTooShort {
            heartbeat: timing.heartbeat,
            loss_grace: self.loss_grace,
            margin: self.margin,
            lease: timing.lease,
        })
    }

    /// Sets the maximum of the margin: the margin plus a quarter of the time that a heartbeat may
    /// be late. A wider margin leaves less time for the answers of peers. With half of that time
    /// instead of a quarter, and a round trip of 200 ms, each short stall of the machine ended the
    /// command several times.
    pub fn widen_margin(&mut self, timing: &Timing) {
        let needed = timing.heartbeat + self.loss_grace + self.margin;
        let late = timing.lease.saturating_sub(needed);
        self.max_margin = self.margin + late / 4;
    }

    pub(super) fn stop_timing(&self) -> StopTiming {
        StopTiming {
            grace: self.grace,
            loss_grace: self.loss_grace,
            margin: self.margin,
            max_margin: self.max_margin,
        }
    }
}

/// Looks the command up as `exec` does. So the node reports a mistake when it is started, and not
/// when it first leads.
fn find(command: &Path) -> Result<(), RunError> {
    let name = || command.display().to_string();
    let paths = if command.as_os_str().as_bytes().contains(&b'/') {
        vec![command.to_owned()]
    } else {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = env::split_paths(&path).collect();
        folders.iter().map(|folder| folder.join(command)).collect()
    };
    let mut found = paths.iter().filter(|path| path.exists()).peekable();
    if found.peek().is_none() {
        return Err(RunError::NotFound(name()));
    }
    if found.any(|path| path.is_file() && access(path, Access::EXEC_OK).is_ok()) {
        Ok(())
    } else {
        Err(RunError::NotExecutable(name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut Options)) -> Result<(), RunError> {
        let mut options = Options::new(NodeId(1), ["sh"]);
        change(&mut options);
        options.validate()?;
        options.validate_lease(&Timing::default())
    }

    // The node must check each rule at its start, while an operator can still correct the mistake.
    // The message must name the mistake.
    #[test]
    fn the_message_names_the_broken_rule() {
        assert!(with(|_| ()).is_ok());
        for (error, text) in [
            (with(|options| options.command.clear()), "behind --"),
            (
                with(|options| options.command = vec!["no-such-thing".into()]),
                "\"no-such-thing\"",
            ),
            (
                with(|options| options.command = vec!["/no/such/thing".into()]),
                "\"/no/such/thing\"",
            ),
            (
                with(|options| options.command = vec!["/etc".into()]),
                "chmod",
            ),
            (
                with(|options| options.command = vec!["".into()]),
                "behind --",
            ),
            (
                with(|options| options.margin = Duration::ZERO),
                "margin is 0ns",
            ),
            (
                with(|options| options.grace = Duration::from_secs(90_000)),
                "a day at most",
            ),
            (
                with(|options| options.loss_grace = Duration::from_millis(55)),
                "heartbeat (50ms) + loss grace (55ms) + margin (15ms) must be shorter than lease",
            ),
        ] {
            let error = error.unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
