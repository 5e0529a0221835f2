//! `elector node`, `elector run`: one node of a real cluster, as a process.

mod algorithm;
mod arguments;
mod checks;
mod command;
mod duty;
mod ending;
mod erased;
mod error;
mod log;
mod members;
mod plan;
mod reload;
mod serve;
mod service;
mod settings;
mod signals;
mod views;
mod worker;

use std::process::ExitCode;

use clap::Subcommand;

use crate::{family::Family, init, output};
use arguments::NodeArguments;
use command::{RunArguments, Supervision};
use duty::Nothing;
pub(crate) use erased::{ErasedAlgorithm, erased};
use members::Members;
use serve::serve;

/// The subcommands that are about a node on this machine.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a node of a real cluster
    Node(Box<NodeArguments>),
    /// Run a node, and a command of any kind while that node leads
    Run(Box<RunArguments>),
    /// Show and change the list of nodes of a cluster whose nodes are stopped
    Members {
        /// Which
        #[command(subcommand)]
        command: Members,
    },
}

/// Does what was asked for, and returns the exit code. There must be one thread.
pub(crate) fn run(families: &[Family], command: Command) -> ExitCode {
    if matches!(command, Command::Node(_) | Command::Run(_))
        && let Some(code) = init::run_if_first()
    {
        return code;
    }
    let done = match command {
        Command::Node(arguments) => serve(*arguments, Nothing, |start| {
            erased::named(families, start.settings.algorithm.as_deref())?.node(start)
        }),
        Command::Run(arguments) => {
            let RunArguments { node, run, command } = *arguments;
            serve(node, Supervision::new(run, command), |start| {
                erased::named(families, start.settings.algorithm.as_deref())?.run(start)
            })
        }
        Command::Members { command } => {
            members::members(families, command).map(|()| ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| output::failed(&error))
}
