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
    /// The user named an algorithm that does not exist.
    #[error(
        "there is no algorithm \"{asked}\"{}; `elector algorithms` lists them",
        suggestion(nearest.as_ref())
    )]
    UnknownAlgorithm {
        /// The name that the user gave.
        asked: String,
        /// The known name that is most similar to the name that the user gave; `None` if no name is
        /// similar.
        nearest: Option<String>,
    },
    /// The user named a variant that the algorithm does not have.
    #[error(
        "{algorithm} has no variant \"{asked}\"{}; it has: {}",
        suggestion(nearest.as_ref()),
        known.join(", ")
    )]
    UnknownVariant {
        /// The name of the algorithm.
        algorithm: String,
        /// The name that the user gave.
        asked: String,
        /// The known name that is most similar to the name that the user gave; `None` if no name is
        /// similar.
        nearest: Option<String>,
        /// All variants of the algorithm.
        known: Vec<String>,
    },
    /// A list of names that the user gave is empty, or has an empty name.
    #[error(
        "{option} has an empty name: omit the option for {default}, or list names, as in {example}"
    )]
    EmptyName {
        /// The option with the list of names.
        option: &'static str,
        /// What the command uses if the option is omitted.
        default: &'static str,
        /// A valid value of the option.
        example: &'static str,
    },
    /// The file with the schedule, which is a list of the events of a run of the model checker,
    /// cannot be read.
    #[error("cannot read schedule {}: {reason}", path.display())]
    ReadSchedule {
        /// The path of the file with the schedule.
        path: PathBuf,
        /// Why the file cannot be read.
        reason: io::Error,
    },
    /// The file that the user named as a schedule, which is a list of the events of a run of the
    /// model checker, contains something else.
    #[error("{}: {reason}", path.display())]
    Schedule {
        /// The path of the file with the schedule.
        path: PathBuf,
        /// Which line of the file is wrong, and why.
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
    /// The user gave fewer nodes than the scenario needs.
    #[error("scenario {scenario} needs at least {min_nodes} nodes: use --nodes {min_nodes}")]
    TooSmall {
        /// The name of the scenario.
        scenario: String,
        /// The minimum number of nodes of the scenario.
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
        /// The variant, for example `bully/preempt`.
        algorithm: String,
        /// The names of the algorithms whose members can change.
        able: String,
    },
    /// The user requests a check with changes of the members, and only one node. This node would be
    /// both the only voter at the beginning and the node that a change adds as a voter.
    #[error("--members needs at least 2 nodes, because the last node does not vote at first")]
    TooFewToChange,
    /// No scenario has the name that the user gave, or the contents of a scenario file are wrong.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The comparison cannot be run.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// The simulation cannot be run.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The search or the random runs (walks) of the model checker cannot be run.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// A folder that `elector compare --out` wrote cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The folders of the shards (parts) of a comparison cannot be merged.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A file or folder cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Write {
        /// The path of the file or folder.
        path: PathBuf,
        /// Why the file or folder cannot be written.
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
    /// The outcomes of runs cannot be encoded for the file `runs.bin`.
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
