//! The commands that ask a node over HTTP, or tell it something.

mod api;
mod args;
mod command;
mod error;
mod explain;
mod sse;
mod status;
mod watch;

use std::{ffi::OsStr, process::ExitCode};

use crate::output;
pub(crate) use args::{Status, StepDown, Transfer, Watch};
use error::ClientError;

/// The exit code of `elector status` where another node is followed.
const FOLLOWS: u8 = 1;
/// The exit code of a command that the node refuses.
const REFUSED: u8 = 1;
/// The exit code of `elector status` where no leader is known.
const LEADERLESS: u8 = 2;
/// The exit code when a node could not be asked, for wrong usage too: 2 would say something about
/// the cluster.
const UNKNOWN: u8 = 3;

/// `elector status`.
pub(crate) fn status(options: &Status) -> ExitCode {
    ended(status::status(options))
}

/// `elector watch`.
pub(crate) fn watch(options: &Watch) -> ExitCode {
    ended(watch::watch(options))
}

/// `elector step-down`.
pub(crate) fn step_down(options: &StepDown) -> ExitCode {
    let done = "the node has stepped down";
    ended(command::give(
        &options.asked.http,
        &options.shown,
        "/v1/step-down",
        done,
    ))
}

/// `elector transfer`.
pub(crate) fn transfer(options: &Transfer) -> ExitCode {
    let to = options.to;
    ended(command::give(
        &options.asked.http,
        &options.shown,
        &format!("/v1/transfer?to={to}"),
        &format!("the node is handing its leadership to {to}"),
    ))
}

/// The exit code of wrong usage, if it is one of these commands.
pub(crate) fn wrong_usage(command: Option<&OsStr>) -> Option<u8> {
    const COMMANDS: [&str; 4] = ["status", "watch", "step-down", "transfer"];
    let command = command?.to_str()?;
    COMMANDS.contains(&command).then_some(UNKNOWN)
}

fn ended(done: Result<ExitCode, ClientError>) -> ExitCode {
    done.unwrap_or_else(|error| {
        output::warn(&format!("error: {error}\n"));
        ExitCode::from(UNKNOWN)
    })
}
