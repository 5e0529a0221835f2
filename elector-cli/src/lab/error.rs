use std::{io, path::PathBuf};

use elector_check::{CheckError, ScheduleError};
use elector_sim::{SetupError, SweepError, scenario::ScenarioError};
use thiserror::Error;

use super::{command::quoted, folder_error::FolderError, merge::MergeError};
use crate::output::StdoutError;

/// The reason why a command could not be carried out. The message contains its cause and says what
/// to do.
#[derive(Debug, Error)]
pub(crate) enum LabError {
    /// No algorithm has this name.
    #[error(
        "there is no algorithm \"{asked}\"{}; `elector algorithms` lists them",
        suggestion(nearest.as_ref())
    )]
    UnknownAlgorithm {
        /// The unknown name.
        asked: String,
        /// The most similar known name.
        nearest: Option<String>,
    },
    /// The algorithm has no variant of this name.
    #[error(
        "{algorithm} has no variant \"{asked}\"{}; it has: {}",
        suggestion(nearest.as_ref()),
        known.join(", ")
    )]
    UnknownVariant {
        /// The algorithm.
        algorithm: String,
        /// The unknown name.
        asked: String,
        /// The most similar known name.
        nearest: Option<String>,
        /// All variants of the algorithm.
        known: Vec<String>,
    },
    /// A list of names is empty, or has an empty name.
    #[error(
        "{option} has an empty name: omit the option for {default}, or list names, as in {example}"
    )]
    EmptyName {
        /// The option.
        option: &'static str,
        /// What the command uses without the option.
        default: &'static str,
        /// A valid value.
        example: &'static str,
    },
    /// The file with the schedule, which is a list of the events of a run of the model checker,
    /// cannot be read.
    #[error("cannot read schedule {}: {reason}", path.display())]
    ReadSchedule {
        /// The path of the file.
        path: PathBuf,
        /// Why the file cannot be read.
        reason: io::Error,
    },
    /// The file does not contain a schedule.
    #[error("{}: {reason}", path.display())]
    Schedule {
        /// The path of the file.
        path: PathBuf,
        /// The line that is wrong, and why.
        reason: ScheduleError,
    },
    /// Two scenarios have the same name.
    #[error("two scenarios have the name \"{0}\": change the `name` in one of the files")]
    SameName(String),
    /// The user gave a path in place of the name of a built-in scenario.
    #[error("{}", path_as_name(place, path))]
    PathAsName {
        /// The option or the subcommand that expects a name.
        place: &'static str,
        /// The path that the user gave.
        path: String,
    },
    /// The cluster is too small for the scenario.
    #[error("scenario {scenario} needs at least {min_nodes} nodes: use --nodes {min_nodes}")]
    TooSmall {
        /// The scenario.
        scenario: String,
        /// The minimum number of nodes.
        min_nodes: u64,
    },
    /// The user requests a change of the members, and the members of the algorithm are fixed.
    #[error(
        "{changing} changes the members, and the members of {algorithm} are fixed: use an \
         algorithm whose members can change: {able}"
    )]
    FixedMembers {
        /// The scenario or the option that changes the members.
        changing: String,
        /// The variant.
        algorithm: String,
        /// The algorithms whose members can change.
        able: String,
    },
    /// With one node, that node would be both the only voter at the beginning and the node that a
    /// change adds as a voter.
    #[error("--members needs at least 2 nodes, because the last node does not vote at first")]
    TooFewToChange,
    /// No scenario has this name, or a scenario is wrong.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The comparison cannot be run.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// The simulation cannot be run.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The search cannot be run.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The folder of a comparison cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Folders cannot be merged.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A file or folder cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why it cannot be written.
        reason: io::Error,
    },
    /// Standard output cannot be written.
    #[error(transparent)]
    Stdout(#[from] StdoutError),
    /// A value cannot be written as JSON.
    #[error("cannot write JSON: {0}")]
    Json(serde_json::Error),
    /// A value cannot be written as CSV.
    #[error("cannot write CSV: {0}")]
    Csv(csv::Error),
    /// The outcomes of runs cannot be encoded.
    #[error("cannot write runs: {0}")]
    Runs(postcard::Error),
}

fn path_as_name(place: &str, path: &str) -> String {
    let quoted = quoted(path);
    match place {
        "scenarios" => format!(
            "\"{path}\" is a path, and `elector scenarios` prints built-in scenarios by name: to \
             run a file, use elector compare --scenario-file {quoted}"
        ),
        option => format!(
            "{option} takes names of built-in scenarios, and \"{path}\" is a path: use \
             --scenario-file {quoted}"
        ),
    }
}

fn suggestion(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |name| format!(": did you mean \"{name}\"?"))
}
