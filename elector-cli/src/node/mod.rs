//! `elector node` and `elector run`: a process with one node of a real cluster. `elector record`
//! and `elector recover`: the data folders of stopped nodes.

mod algorithm;
mod arguments;
mod checks;
mod erased;
mod error;
mod log;
mod metrics;
mod record;
mod recover;
mod reload;
mod run_settings;
mod serve;
mod service;
mod settings;
mod setup;
mod shutdown;
mod signals;
mod supervision;
mod worker;
mod workload;

use std::process::ExitCode;

use clap::Subcommand;

use crate::{family::Family, init, output};
use arguments::{NodeArguments, RunArguments};
pub(crate) use erased::{ErasedAlgorithm, erased};
use record::Record;
use recover::Recover;
use serve::serve;
use supervision::Supervision;
use workload::ElectionOnly;

/// The subcommands for a node on this machine.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a node of a real cluster
    Node(Box<NodeArguments>),
    /// Run a node, and a command while that node leads
    Run(Box<RunArguments>),
    /// Show and change data folders of stopped nodes
    Record {
        /// What to do with the data folders
        #[command(subcommand)]
        command: Record,
    },
    /// Make a stopped node the only voter, after a majority of the voters was lost
    Recover(Recover),
}

/// Carries out the subcommand, and returns the exit code. Call this function while there is only
/// one thread.
pub(crate) fn run(families: &[Family], command: Command) -> ExitCode {
    if matches!(command, Command::Node(_) | Command::Run(_))
        && let Some(code) = init::run_if_first()
    {
        return code;
    }
    let result = match command {
        Command::Node(arguments) => serve(*arguments, ElectionOnly, |start| {
            erased::named(families, start.settings.algorithm.as_deref())?.node(start)
        }),
        Command::Run(arguments) => {
            let RunArguments { node, run, command } = *arguments;
            serve(node, Supervision::new(run, command), |start| {
                erased::named(families, start.settings.algorithm.as_deref())?.run(start)
            })
        }
        Command::Record { command } => {
            record::record(families, command).map(|()| ExitCode::SUCCESS)
        }
        Command::Recover(options) => {
            recover::recover(families, &options).map(|()| ExitCode::SUCCESS)
        }
    };
    result.unwrap_or_else(|error| output::failed(&error))
}
