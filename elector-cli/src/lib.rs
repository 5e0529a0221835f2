//! What the `elector` command is made of: comparisons of many runs as tables, files and a report,
//! and pictures of one run, drawn from its [trace](elector_core::trace) and nothing else, whatever
//! host it ran in.
#![forbid(unsafe_code)]

mod args;
mod certs;
mod check;
mod client;
mod compare;
mod crash;
pub mod diagram;
#[cfg(target_os = "linux")]
mod dispositions;
#[cfg(unix)]
mod environment;
mod error;
mod files;
mod grid;
mod history;
#[cfg(target_os = "linux")]
mod init;
mod listing;
#[cfg(target_os = "linux")]
mod node;
mod output;
mod overview;
mod registry;
mod report;
#[cfg(target_os = "linux")]
pub mod run;
#[cfg(test)]
mod sample;
mod scenarios;
mod simulate;
mod study;
pub mod timeline;
mod verdict;
mod wrap;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
pub use error::CliError;
#[cfg(target_os = "linux")]
pub use node::ServeError;

/// The exit code when an invariant was violated.
const VIOLATED: u8 = 1;
/// The exit code when the command could not be done; clap's for wrong usage too.
const FAILED: u8 = 2;

/// The `elector` command, on the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(code) = run::entry() {
        return code;
    }
    #[cfg(unix)]
    if let Err(error) = environment::clean() {
        output::warn(&format!(
            "error: this program cannot be started anew without empty ELECTOR_ variables: {error}\n"
        ));
        return ExitCode::from(FAILED);
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return wrong_usage(&error),
    };
    #[cfg(target_os = "linux")]
    if matches!(arguments.command, Command::Node(_) | Command::Run(_))
        && let Some(code) = init::first()
    {
        return code;
    }
    let done = match arguments.command {
        Command::Compare(options) => compare::compare(&options),
        Command::Simulate(options) => simulate::simulate(&options),
        Command::Check(options) => check::check(&options),
        Command::Algorithms => listing::algorithms().map(|()| ExitCode::SUCCESS),
        Command::Scenarios { name } => {
            listing::scenarios(name.as_deref()).map(|()| ExitCode::SUCCESS)
        }
        #[cfg(target_os = "linux")]
        Command::Node(options) => node::node(*options),
        #[cfg(target_os = "linux")]
        Command::Run(options) => node::run(*options),
        #[cfg(target_os = "linux")]
        Command::Members { command } => node::members(command).map(|()| ExitCode::SUCCESS),
        Command::Certs { command } => certs::certs(&command).map(|()| ExitCode::SUCCESS),
        Command::Status(options) => Ok(client::status(&options)),
        Command::Watch(options) => Ok(client::watch(&options)),
        Command::StepDown(options) => Ok(client::step_down(&options)),
        Command::Transfer(options) => Ok(client::transfer(&options)),
    };
    done.unwrap_or_else(|error| {
        output::warn(&format!("error: {error}\n"));
        ExitCode::from(FAILED)
    })
}

/// Also what was asked of clap itself: help, and the version.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    // As clap does, where there is nobody to tell of a failure.
    let _ = error.print();
    if error.exit_code() == 0 {
        return ExitCode::SUCCESS;
    }
    let command = std::env::args_os().nth(1);
    ExitCode::from(client::wrong_usage(command.as_deref()).unwrap_or(FAILED))
}
