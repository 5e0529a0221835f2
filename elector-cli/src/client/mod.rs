//! The commands that ask a node over HTTP, or tell it something.

mod api;
mod args;
mod command;
mod error;
mod explain;
mod sse;
mod status;
mod transfer;
mod watch;

use std::{ffi::OsStr, process::ExitCode};

use crate::output;
use api::Api;
pub(crate) use args::{Status, StepDown, Transfer, Watch};
use error::ClientError;

/// The exit code of `elector status` where another node is followed.
const FOLLOWS: u8 = 1;
/// The exit code of a command that the node refuses.
const REFUSED: u8 = 1;
/// The exit code of `elector status` where no leader is known.
const LEADERLESS: u8 = 2;
/// The exit code of `elector transfer` where another node leads than the one that was named.
const ELSEWHERE: u8 = 2;
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
    let api = Api::new(&options.asked.http);
    let done = "the node has stepped down";
    let given = command::give(&api, &options.shown, "/v1/step-down", done);
    ended(given.map(|taken| match taken {
        Some(_) => ExitCode::SUCCESS,
        None => ExitCode::from(REFUSED),
    }))
}

/// `elector transfer`.
pub(crate) fn transfer(options: &Transfer) -> ExitCode {
    ended(transfer::transfer(options))
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
