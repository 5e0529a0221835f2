//! The subcommands that need no real cluster: comparisons, single runs, and the model checker.

mod args;
mod build;
mod check;
mod command;
mod compare;
mod comparison;
mod crash;
pub mod diagram;
mod error;
mod files;
mod folder_error;
mod grid;
mod history;
mod manifest;
mod merge;
#[cfg(test)]
mod mutant;
mod overview;
mod print;
mod registry;
mod report;
mod run_record;
mod runs_file;
#[cfg(test)]
mod sample;
mod scenarios;
mod sha256;
mod simulate;
mod study;
pub mod timeline;
mod verdict;
mod verify;
mod violations;
mod write;

use std::process::ExitCode;

pub(crate) use args::Command;
use error::LabError;
pub(crate) use registry::{Entry, entries};

use crate::{Cli, output};

/// The exit code after an invariant was violated, or a file differs.
const VIOLATED: u8 = 1;

/// Runs the subcommand and returns the exit code.
pub(crate) fn run(cli: &Cli, command: Command) -> ExitCode {
    let result = match command {
        Command::Compare(options) => compare::compare(cli, &options),
        Command::Verify(options) => verify::verify(cli, &options),
        Command::Merge(options) => merge::merge(cli, &options),
        Command::Simulate(options) => simulate::simulate(cli, &options),
        Command::Check(options) => check::check(cli, &options),
        Command::Scenarios { name } => scenarios::list(name.as_deref()),
    };
    result.unwrap_or_else(|error| output::failed(&error))
}

/// Returns the exit code after runs with or without a violation, and for files with or without a
/// difference.
fn exit_code(is_clean: bool) -> ExitCode {
    if is_clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(VIOLATED)
    }
}
