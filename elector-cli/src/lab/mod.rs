//! The subcommands that need no real cluster: comparisons, single runs, and the model checker.

mod args;
mod check;
mod compare;
mod crash;
pub mod diagram;
mod error;
mod files;
mod grid;
mod history;
mod overview;
mod registry;
mod report;
#[cfg(test)]
mod sample;
mod scenarios;
mod simulate;
mod study;
pub mod timeline;
mod verdict;
mod write;

use std::process::ExitCode;

pub(crate) use args::Command;
use error::LabError;
pub(crate) use registry::{Entry, entries};

use crate::{Cli, output};

/// The exit code after an invariant was violated.
const VIOLATED: u8 = 1;

/// Runs the subcommand and returns the exit code.
pub(crate) fn run(cli: &Cli, command: Command) -> ExitCode {
    let result = match command {
        Command::Compare(options) => compare::compare(cli, &options),
        Command::Simulate(options) => simulate::simulate(cli, &options),
        Command::Check(options) => check::check(cli, &options),
        Command::Scenarios { name } => scenarios::list(name.as_deref()),
    };
    result.unwrap_or_else(|error| output::failed(&error))
}

/// Returns the exit code after runs with or without a violation.
fn exit_code(is_clean: bool) -> ExitCode {
    if is_clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(VIOLATED)
    }
}
