use std::{fs, io, path::PathBuf};

use elector_sim::scenario::ScenarioError;
use thiserror::Error;

/// Why a folder that `elector compare --out` wrote cannot be used.
#[derive(Debug, Error)]
pub(crate) enum FolderError {
    /// The folder has no `manifest.json`.
    #[error(
        "{} has no manifest.json: name a folder that `elector compare --out` or `elector merge` \
         wrote",
        .0.display()
    )]
    NoManifest(PathBuf),
    /// A file of the folder cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// The path of this file.
        path: PathBuf,
        /// Why the file cannot be read.
        reason: io::Error,
    },
    /// The folder does not have a file that its `manifest.json` names.
    #[error(
        "{} is missing, and manifest.json names it: copy the whole folder again, or run the \
         comparison again",
        .0.display()
    )]
    MissingFile(PathBuf),
    /// The contents of a file of the folder are not those that elector wrote.
    #[error("{} is damaged: {reason}. Copy the folder again, or run the comparison again",
        path.display())]
    Damaged {
        /// The path of this file.
        path: PathBuf,
        /// What is wrong with the contents.
        reason: String,
    },
    /// Another version of elector wrote the manifest, in a format that this program does not read.
    #[error(
        "{} was written by elector {version}{}, in a format that this program (elector {}) does \
         not read: use the program that wrote it",
        path.display(),
        commit.as_ref().map_or_else(String::new, |commit| format!(" of commit {commit}")),
        env!("CARGO_PKG_VERSION")
    )]
    OtherVersion {
        /// The path of the manifest.
        path: PathBuf,
        /// The version of the program that wrote the manifest.
        version: String,
        /// The commit from which the program that wrote the manifest was built; `None` if the
        /// manifest does not have it.
        commit: Option<String>,
    },
    /// This program does not have a variant that the manifest names.
    #[error(
        "{} has runs of {variant}, which this program does not have: use the program that wrote \
         the folder. `elector algorithms` lists what this one has",
        path.display()
    )]
    UnknownVariant {
        /// The path of the manifest.
        path: PathBuf,
        /// The variant, for example `raft/plain`.
        variant: String,
    },
    /// This program does not know a scenario that the manifest names, or the text of a user's
    /// scenario in the manifest is wrong.
    #[error("{}: {reason}. Use the program that wrote the folder", path.display())]
    Scenario {
        /// The path of the manifest.
        path: PathBuf,
        /// Why the scenario cannot be used.
        reason: ScenarioError,
    },
}

/// Reads a file of a comparison's folder, which `manifest.json` in this folder names.
///
/// # Errors
/// If the file is missing, or cannot be read.
pub(crate) fn read_file(path: PathBuf) -> Result<Vec<u8>, FolderError> {
    fs::read(&path).map_err(|reason| match reason.kind() {
        io::ErrorKind::NotFound => FolderError::MissingFile(path),
        _ => FolderError::Read { path, reason },
    })
}
