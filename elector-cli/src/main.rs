//! The program `elector`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    elector_cli::Cli::standard().started_by("elector").main()
}
