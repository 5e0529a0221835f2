//! What the `elector` command is made of: comparisons of many runs as tables, files and a report,
//! and pictures of one run, drawn from its [trace](elector_core::trace) and nothing else, whatever
//! host it ran in; and nodes of real clusters.
//!
//! The command is open: a [`Cli`] offers any list of algorithms. From a `main` of its own, an
//! algorithm that is not in this workspace gets the whole command line:
//!
//! ```no_run
//! # type Mine = elector_raft::Raft;
//! fn main() -> std::process::ExitCode {
//!     elector_cli::Cli::standard().with::<Mine>().main()
//! }
//! ```
//!
//! `examples/my_algorithm.rs` is a complete one.
//!
//! # Features
//!
//! | feature | subcommands |
//! |---|---|
//! | `lab` (default) | `compare`, `simulate`, `check`, `scenarios` |
//! | `node` (default) | `certs`, `status`, `watch`, `step-down`, `transfer` |
//! | `node`, on Linux | `node`, `run`, `members` |
//!
//! A program with the feature `node` alone has no simulator, model checker or report in it.
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "lab", feature = "node")))]
compile_error!("elector-cli needs the feature `lab`, the feature `node`, or both");

mod args;
mod cli;
#[cfg(feature = "node")]
mod client;
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
mod nearest;
#[cfg(all(feature = "node", target_os = "linux"))]
mod node;
mod output;
#[cfg(all(feature = "node", target_os = "linux"))]
pub mod run;
mod usage;
mod wrap;

pub use cli::Cli;
#[cfg(feature = "lab")]
pub use lab::{diagram, timeline};

/// The exit code when the command could not be done; clap's for wrong usage too.
const FAILED: u8 = 2;
