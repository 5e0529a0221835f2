//! The implementation of the `elector` command.
//!
//! The command simulates elections, compares many simulated runs, and writes tables, files and a
//! report. It draws pictures of one run. A picture needs only the [trace](elector_core::trace) of
//! the run, which is the record of what happened. A trace does not depend on the host that has
//! recorded it, such as the simulator, so the pictures look the same for every host. The command
//! also runs nodes of real clusters.
//!
//! A [`Cli`] offers any list of algorithms. An algorithm that is not in this workspace gets the
//! whole command line from a `main` function of its own:
//!
//! ```no_run
//! # type Mine = elector_raft::Raft;
//! fn main() -> std::process::ExitCode {
//!     elector_cli::Cli::standard().with::<Mine>().main()
//! }
//! ```
//!
//! `examples/my_algorithm.rs` is a complete example.
//!
//! # Features
//!
//! | feature | subcommands |
//! |---|---|
//! | `lab` (default) | `compare`, `verify`, `merge`, `simulate`, `check`, `scenarios` |
//! | `node` (default) | `certs`, `status`, `watch`, `members`, `step-down`, `transfer` |
//! | `node`, on Linux | `node`, `run`, `record`, `recover` |
//! | either | `algorithms`, `completions`, `man` |
//!
//! A program that is built with the feature `node` alone contains no simulator, model checker or
//! report.
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "lab", feature = "node")))]
compile_error!("elector-cli needs the feature `lab`, the feature `node`, or both");

mod args;
mod cli;
#[cfg(feature = "node")]
mod client;
mod completions;
mod definition;
#[cfg(all(feature = "node", target_os = "linux"))]
mod dispositions;
#[cfg(all(feature = "node", unix))]
mod environment;
mod family;
#[cfg(all(feature = "node", target_os = "linux"))]
mod init;
#[cfg(feature = "lab")]
mod lab;
mod listing;
mod manual;
mod nearest;
#[cfg(all(feature = "node", target_os = "linux"))]
mod node;
mod output;
#[cfg(all(feature = "node", target_os = "linux"))]
pub mod run;
mod usage;
mod version;
mod wrap;

pub use cli::Cli;
#[cfg(feature = "lab")]
pub use lab::{diagram, timeline};

/// The exit code of a subcommand that failed. clap uses the same code for wrong arguments.
const FAILED: u8 = 2;
