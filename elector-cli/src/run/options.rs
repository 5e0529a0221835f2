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

use super::{RunError, guardian::schedule::Terms};

/// What is run on the leader, and how it is stopped.
#[derive(Clone, Debug)]
pub struct Options {
    /// This node, for `ELECTOR_NODE`.
    pub node: NodeId,
    /// The command and its arguments. Its name is looked for in `PATH`, unless it has a slash.
    pub command: Vec<OsString>,
    /// How long it may take to end, from SIGTERM to SIGKILL, when the leadership is given up: the
    /// node leads on for so long. Default 10 s.
    pub grace: Duration,
    /// The same when the lease is about to end, or a leadership without a lease was lost. Default
    /// 10 ms: every millisecond of it is one less that a heartbeat may be late. May be zero.
    pub loss_grace: Duration,
    /// How long before the end of the lease SIGKILL is sent: the time for the guardian to get a
    /// processor, and for the processes to die. Default 15 ms.
    pub margin: Duration,
    /// How far the margin may widen on a machine that is late, if the guardian measures that.
    /// Default: not at all.
    pub most_margin: Duration,
    /// What the command reads.
    pub stdin: Stdin,
    /// The children that this process has of its own, if these are all. Then every other child that
    /// it has when the guardian was killed is of the command, whatever its session, and is killed.
    /// Default: unknown.
    pub own_children: Option<Vec<Pid>>,
    /// The executable of this program, which guardians are made of. Default `/proc/self/exe`: the
    /// very program that runs, even if its file has been replaced.
    pub executable: PathBuf,
}

/// Standard input of the command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing: `/dev/null`.
    #[default]
    Null,
    /// That of the node. What one tenure has read, the next one does not see.
    Inherit,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Options {
    /// The defaults, for this command on this node.
    #[must_use]
    pub fn new(node: NodeId, command: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            node,
            command: command.into_iter().map(Into::into).collect(),
            grace: Duration::from_secs(10),
            loss_grace: Duration::from_millis(10),
            margin: Duration::from_millis(15),
            most_margin: Duration::ZERO,
            stdin: Stdin::Null,
            own_children: None,
            executable: PathBuf::from("/proc/self/exe"),
        }
    }

    /// Checks the rules that need no lease: there is such a command, no zero, nothing over a day.
    ///
    /// # Errors
    /// The first broken rule.
    pub fn validate(&self) -> Result<(), RunError> {
        self.validate_durations()?;
        match self.command.first() {
            Some(command) if !command.is_empty() => find(command.as_ref()),
            _ => Err(RunError::NoCommand),
        }
    }

    /// As [`validate`](Self::validate), without a look at the command.
    ///
    /// # Errors
    /// The first broken rule.
    pub fn validate_durations(&self) -> Result<(), RunError> {
        let all = [
            ("grace", self.grace, false),
            ("loss grace", self.loss_grace, true),
            ("margin", self.margin, false),
        ];
        for (name, value, may_be_zero) in all {
            if value > DAY || (value.is_zero() && !may_be_zero) {
                return Err(RunError::Duration { name, value });
            }
        }
        Ok(())
    }

    /// Checks that the command can be stopped within a lease, for algorithms that have one:
    /// heartbeat + loss grace + margin < lease. What is left is how late a heartbeat may be before
    /// the command is stopped for it; with the defaults of both, 45 ms.
    ///
    /// # Errors
    /// If it is not so.
    pub fn fits(&self, timing: &Timing) -> Result<(), RunError> {
        let needed = [timing.heartbeat, self.loss_grace, self.margin];
        let needed = needed
            .into_iter()
            .try_fold(Duration::ZERO, Duration::checked_add);
        if needed.is_some_and(|needed| needed < timing.lease) {
            return Ok(());
        }
        Err(RunError::NoRoom {
            heartbeat: timing.heartbeat,
            loss_grace: self.loss_grace,
            margin: self.margin,
            lease: timing.lease,
        })
    }

    /// Lets the margin widen by a quarter of the time that a heartbeat may be late. What it takes
    /// is missing when the answers of peers have a long way: over a round trip of 200 ms half of it
    /// was too much, and each short stop of the machine ended the command several times.
    pub fn widen_margin(&mut self, timing: &Timing) {
        let needed = timing.heartbeat + self.loss_grace + self.margin;
        let late = timing.lease.saturating_sub(needed);
        self.most_margin = self.margin + late / 4;
    }

    pub(super) fn terms(&self) -> Terms {
        Terms {
            grace: nanos(self.grace),
            loss_grace: nanos(self.loss_grace),
            margin: nanos(self.margin),
            most_margin: nanos(self.most_margin),
        }
    }
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Looks for the command as `exec` will. Better now than at the first leadership.
fn find(command: &Path) -> Result<(), RunError> {
    let name = || command.display().to_string();
    let paths = if command.as_os_str().as_bytes().contains(&b'/') {
        vec![command.to_owned()]
    } else {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = env::split_paths(&path).collect();
        folders.iter().map(|folder| folder.join(command)).collect()
    };
    let mut there = paths.iter().filter(|path| path.exists()).peekable();
    if there.peek().is_none() {
        return Err(RunError::NotFound(name()));
    }
    if there.any(|path| path.is_file() && access(path, Access::EXEC_OK).is_ok()) {
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
        options.fits(&Timing::default())
    }

    // Each rule must be enforced where a person can still change something, and name what.
    #[test]
    fn broken_rules_are_named() {
        assert!(with(|_| ()).is_ok());
        for (error, told) in [
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
            assert!(error.to_string().contains(told), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
