//! The subcommands that query a node over HTTP or send it a command, and `elector certs`.

mod api;
mod args;
mod certs;
mod command;
mod error;
mod explain;
mod members;
mod sse;
mod status;
#[cfg(test)]
mod tests;
mod transfer;
mod watch;

use std::process::ExitCode;

use clap::Subcommand;

use crate::{output, usage::UNKNOWN};
use api::Api;
use args::{Members, Status, StepDown, Transfer, Watch};
use certs::Certs;
use error::ClientError;

/// The exit code of `elector status` if the node follows another node.
const FOLLOWER: u8 = 1;
/// The exit code of a command that the node refuses.
const REFUSED: u8 = 1;
/// The exit code of `elector status` if the node knows no leader.
const NO_LEADER: u8 = 2;
/// The exit code of `elector transfer` if another node leads than the node given by `--to`.
const OTHER_LEADER: u8 = 2;

/// The subcommands that also work on a machine without a node.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make certificates for TLS between nodes
    Certs {
        /// Which certificates to make
        #[command(subcommand)]
        command: Certs,
    },
    /// Show the status of a node, and who leads
    Status(Status),
    /// Print the events of a node as they occur, one per line
    Watch(Watch),
    /// Show and change the members of a cluster that runs
    Members(Members),
    /// Make a leader step down
    StepDown(StepDown),
    /// Make a leader step down in favour of another node
    Transfer(Transfer),
}

/// Carries out the subcommand, and returns the exit code.
pub(crate) fn run(command: Command) -> ExitCode {
    let done = match command {
        // `elector certs` queries no node, so it has the exit codes of most subcommands, and not
        // the exit codes of the subcommands that query a node.
        Command::Certs { command } => {
            return match certs::certs(&command) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => output::failed(&error),
            };
        }
        Command::Status(options) => status::status(&options),
        Command::Watch(options) => watch::watch(&options),
        Command::Members(options) => members::members(&options),
        Command::StepDown(options) => step_down(&options),
        Command::Transfer(options) => transfer::transfer(&options),
    };
    done.unwrap_or_else(|error| {
        output::warn(&format!("error: {error}\n"));
        ExitCode::from(UNKNOWN)
    })
}

/// Carries out `elector step-down`.
fn step_down(options: &StepDown) -> Result<ExitCode, ClientError> {
    let api = Api::new(&options.target.http);
    let success = "the node has stepped down";
    let epoch = command::send(&api, &options.secret, "/v1/step-down", success)?;
    Ok(match epoch {
        Some(_) => ExitCode::SUCCESS,
        None => ExitCode::from(REFUSED),
    })
}
