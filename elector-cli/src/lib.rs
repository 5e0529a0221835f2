//! What the `elector` command is made of: comparisons of many runs as tables, files and a report,
//! and pictures of one run, drawn from its [trace](elector_core::trace) and nothing else, whatever
//! host it ran in.

mod args;
mod certs;
mod check;
mod compare;
mod crash;
pub mod diagram;
mod error;
mod files;
mod grid;
mod history;
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
    let done = match Arguments::parse().command {
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
        Command::Certs { command } => certs::certs(&command).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        output::warn(&format!("error: {error}\n"));
        ExitCode::from(FAILED)
    })
}
