use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::run::ExitPolicy;

/// How the command of `elector run` is stopped, and what happens when it ends: the table `run` of
/// the settings file.
#[derive(Clone, Copy, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RunSettings {
    /// The time from SIGTERM to SIGKILL when the leadership is given up [default: 10000]
    #[arg(long, value_name = "MS", env = "ELECTOR_GRACE_MS")]
    pub(crate) grace_ms: Option<u64>,
    /// The time from SIGTERM to SIGKILL when the lease is about to end [default: 50; with the
    /// profile `lan`: 2]
    #[arg(long, value_name = "MS", env = "ELECTOR_LOSS_GRACE_MS")]
    pub(crate) loss_grace_ms: Option<u64>,
    /// The time from SIGKILL to the end of the lease [default: 100; with the profile `lan`: 5]
    #[arg(long, value_name = "MS", env = "ELECTOR_MARGIN_MS")]
    pub(crate) margin_ms: Option<u64>,
    /// What to do when the command ends by itself, with any exit code [default: resign]
    #[arg(long, value_enum, env = "ELECTOR_ON_EXIT")]
    pub(crate) on_exit: Option<ExitPolicy>,
    /// Standard input of the command [default: null]
    #[arg(long, value_enum, env = "ELECTOR_STDIN")]
    pub(crate) stdin: Option<StdinSetting>,
}

/// Standard input of the command that `elector run` starts on the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StdinSetting {
    /// No input: the command reads /dev/null
    Null,
    /// The standard input of the node
    Inherit,
}

impl RunSettings {
    /// Returns these settings. A setting that is missing here comes from `file`.
    pub(crate) fn or(self, file: Self) -> Self {
        Self {
            grace_ms: self.grace_ms.or(file.grace_ms),
            loss_grace_ms: self.loss_grace_ms.or(file.loss_grace_ms),
            margin_ms: self.margin_ms.or(file.margin_ms),
            on_exit: self.on_exit.or(file.on_exit),
            stdin: self.stdin.or(file.stdin),
        }
    }
}
