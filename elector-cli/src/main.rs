//! The `elector` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    elector_cli::main()
}
