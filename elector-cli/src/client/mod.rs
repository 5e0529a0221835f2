//! The commands that ask a node over HTTP, or tell it something; and certificates.

mod api;
mod args;
mod certs;
mod command;
mod error;
mod explain;
mod sse;
mod status;
mod transfer;
mod watch;

use std::process::ExitCode;

use clap::Subcommand;

use crate::{output, usage::UNKNOWN};
use api::Api;
use args::{Status, StepDown, Transfer, Watch};
use certs::Certs;
use error::ClientError;

/// The exit code of `elector status` where another node is followed.
const FOLLOWS: u8 = 1;
/// The exit code of a command that the node refuses.
const REFUSED: u8 = 1;
/// The exit code of `elector status` where no leader is known.
const LEADERLESS: u8 = 2;
/// The exit code of `elector transfer` where another node leads than the one that was named.
const ELSEWHERE: u8 = 2;

/// The subcommands that need no node on this machine.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make certificates, so that nodes know each other
    Certs {
        /// Which
        #[command(subcommand)]
        command: Certs,
    },
    /// Ask a node who leads
    Status(Status),
    /// Follow what happens to a node, one line an event
    Watch(Watch),
    /// Tell a node to give its leadership back
    StepDown(StepDown),
    /// Tell a node to hand its leadership to another
    Transfer(Transfer),
}

/// Does what was asked for, and returns the exit code.
pub(crate) fn run(command: Command) -> ExitCode {
    let done = match command {
        // Asks no node, and so has the exit codes of all others.
        Command::Certs { command } => {
            return match certs::certs(&command) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => output::failed(&error),
            };
        }
        Command::Status(options) => status::status(&options),
        Command::Watch(options) => watch::watch(&options),
        Command::StepDown(options) => step_down(&options),
        Command::Transfer(options) => transfer::transfer(&options),
    };
    done.unwrap_or_else(|error| {
        output::warn(&format!("error: {error}\n"));
        ExitCode::from(UNKNOWN)
    })
}

/// `elector step-down`.
fn step_down(options: &StepDown) -> Result<ExitCode, ClientError> {
    let api = Api::new(&options.asked.http);
    let done = "the node has stepped down";
    let given = command::give(&api, &options.shown, "/v1/step-down", done)?;
    Ok(match given {
        Some(_) => ExitCode::SUCCESS,
        None => ExitCode::from(REFUSED),
    })
}
