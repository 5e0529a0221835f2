use std::{fs, io, path::PathBuf};

use elector_sim::scenario::ScenarioError;
use thiserror::Error;

/// Why a folder that `elector compare --out` wrote cannot be used.
#[derive(Debug, Error)]
pub(crate) enum FolderError {
    /// There is no manifest.
    #[error(
        "{} has no manifest.json: name a folder that `elector compare --out` or `elector merge` \
         wrote",
        .0.display()
    )]
    NoManifest(PathBuf),
    /// A file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: io::Error,
    },
    /// A file of the manifest does not exist.
    #[error(
        "{} is missing, and manifest.json names it: copy the whole folder again, or run the \
         comparison again",
        .0.display()
    )]
    MissingFile(PathBuf),
    /// A file is not what elector wrote.
    #[error("{} is damaged: {reason}. Copy the folder again, or run the comparison again",
        path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Another version of elector wrote the manifest.
    #[error(
        "{} was written by elector {version}{}, in a format that this program (elector {}) does \
         not read: use the program that wrote it",
        path.display(),
        commit.as_ref().map_or_else(String::new, |commit| format!(" of commit {commit}")),
        env!("CARGO_PKG_VERSION")
    )]
    OtherVersion {
        /// The manifest.
        path: PathBuf,
        /// The version that wrote it.
        version: String,
        /// The commit of that version.
        commit: Option<String>,
    },
    /// This program does not have a variant.
    #[error(
        "{} has runs of {variant}, which this program does not have: use the program that wrote \
         the folder. `elector algorithms` lists what this one has",
        path.display()
    )]
    UnknownVariant {
        /// The manifest.
        path: PathBuf,
        /// The variant.
        variant: String,
    },
    /// A scenario is unknown or wrong.
    #[error("{}: {reason}. Use the program that wrote the folder", path.display())]
    Scenario {
        /// The manifest.
        path: PathBuf,
        /// The reason.
        reason: ScenarioError,
    },
}

/// Reads a file that the manifest names.
///
/// # Errors
/// If the file is missing, or cannot be read.
pub(crate) fn read_file(path: PathBuf) -> Result<Vec<u8>, FolderError> {
    fs::read(&path).map_err(|reason| match reason.kind() {
        io::ErrorKind::NotFound => FolderError::MissingFile(path),
        _ => FolderError::Read { path, reason },
    })
}
