//! The subcommands that need no real cluster: comparisons, simulations of single runs, and the
//! model checker.

mod args;
mod build;
mod check;
mod check_members;
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
pub(crate) use registry::{Entry, entries, entries_with_members};

use crate::{Cli, output};

/// The exit code of a subcommand if a run violated an invariant, or if `elector verify` found that
/// a file differs from a new run.
const VIOLATED: u8 = 1;

/// Runs the subcommand and returns the exit code.
pub(crate) fn run(cli: &Cli, command: Command) -> ExitCode {
    let result = match command {
        Command::Compare(options) => with_note(cli, compare::compare(cli, &options)),
        Command::Verify(options) => verify::verify(cli, &options),
        Command::Merge(options) => with_note(cli, merge::merge(cli, &options)),
        Command::Simulate(options) => with_note(cli, simulate::simulate(cli, &options)),
        Command::Check(options) => with_note(cli, check::check(cli, &options)),
        Command::Scenarios { name } => scenarios::list(name.as_deref()),
    };
    result.unwrap_or_else(|error| output::failed(&error))
}

/// After a violation, prints a note on how to type the printed commands if cargo has started this
/// program. The commands begin with `elector`, and not with `cargo run`, because the files of
/// results must not depend on how the program was started.
fn with_note(cli: &Cli, result: Result<ExitCode, LabError>) -> Result<ExitCode, LabError> {
    let is_violated = matches!(&result, Ok(code) if *code == exit_code(false));
    if is_violated && cli.program == "elector" && std::env::var_os("CARGO").is_some() {
        output::warn("note: in place of `elector`, type `cargo run --release --`\n");
    }
    result
}

/// Returns the exit code of a subcommand. `is_clean` says that no run violated an invariant, or
/// that no file differs.
fn exit_code(is_clean: bool) -> ExitCode {
    if is_clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(VIOLATED)
    }
}
