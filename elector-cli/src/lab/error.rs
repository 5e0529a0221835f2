use std::{io, path::PathBuf};

use elector_check::{CheckError, ScheduleError};
use elector_sim::{SetupError, SweepError, scenario::ScenarioError};
use thiserror::Error;

use crate::output::StdoutError;

/// Why a command could not be done. The message says what to do instead.
#[derive(Debug, Error)]
pub(crate) enum LabError {
    /// No algorithm has this name.
    #[error(
        "there is no algorithm \"{asked}\"{}; `elector algorithms` lists them",
        suggestion(nearest.as_ref())
    )]
    UnknownAlgorithm {
        /// What was asked for.
        asked: String,
        /// The most similar name there is.
        nearest: Option<String>,
    },
    /// The algorithm has no such configuration.
    #[error(
        "{algorithm} has no variant \"{asked}\"{}; it has: {}",
        suggestion(nearest.as_ref()),
        known.join(", ")
    )]
    UnknownVariant {
        /// The algorithm.
        algorithm: String,
        /// What was asked for.
        asked: String,
        /// The most similar name there is.
        nearest: Option<String>,
        /// All of them.
        known: Vec<String>,
    },
    /// A list has no elements, or an empty one.
    #[error(
        "{option} is given an empty name; leave it out for {default}, or list names: {example}"
    )]
    EmptyName {
        /// The option.
        option: &'static str,
        /// What it stands for when left out.
        default: &'static str,
        /// How to use it.
        example: &'static str,
    },
    /// A schedule cannot be read.
    #[error("cannot read the schedule {path}: {source}")]
    ReadSchedule {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file is no schedule.
    #[error("{path}: {source}")]
    Schedule {
        /// The file.
        path: String,
        /// The line, and what is wrong with it.
        source: ScheduleError,
    },
    /// Two scenarios have one name.
    #[error("two scenarios are called \"{0}\": change the `name` in one of the files")]
    SameName(String),
    /// The cluster is too small for the scenario.
    #[error("{scenario} makes sense from {least} nodes on: try --nodes {least}")]
    TooSmall {
        /// The scenario.
        scenario: String,
        /// Its least number of nodes.
        least: u64,
    },
    /// There is no such scenario, or it is wrong.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The sweep cannot be done.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// The run cannot be done.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The search cannot be done.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// A file or folder cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Standard output cannot be written.
    #[error(transparent)]
    Stdout(#[from] StdoutError),
    /// Something cannot be put into JSON.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Something cannot be put into CSV.
    #[error("cannot write CSV: {0}")]
    Csv(#[from] csv::Error),
}

fn suggestion(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |name| format!(": did you mean \"{name}\"?"))
}
