use std::path::{Path, PathBuf};

use elector_sim::Shard;

use super::MergeError;
use crate::lab::{
    LabError,
    files::RUNS,
    folder_error::{FolderError, read_file},
    manifest::Manifest,
    runs_file::RunsFile,
    sha256::FileDigest,
};

/// The folder of one shard, with its manifest. A shard is one of several parts of a comparison,
/// which one machine has run.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) folder: PathBuf,
    pub(super) manifest: Manifest,
    shard: Shard,
}

/// Reads the manifests of all shards of a comparison. `folders` has at least one folder.
///
/// # Errors
/// If a folder is not a shard, if the shards are not of one comparison, or if a shard is missing or
/// occurs twice.
pub(super) fn read(folders: &[PathBuf]) -> Result<Vec<Part>, LabError> {
    let parts: Result<Vec<Part>, LabError> = folders.iter().map(|it| Part::read(it)).collect();
    let mut parts = parts?;
    for pair in parts.windows(2) {
        if let Some(what) = pair[0].difference(&pair[1]) {
            let folders = [pair[0].folder.clone(), pair[1].folder.clone()];
            return Err(MergeError::Different { what, folders }.into());
        }
    }
    parts.sort_by_key(|part| part.shard);
    for pair in parts.windows(2) {
        if pair[0].shard == pair[1].shard {
            let folders = [pair[0].folder.clone(), pair[1].folder.clone()];
            let shard = pair[0].shard;
            return Err(MergeError::Twice { shard, folders }.into());
        }
    }
    let count = parts.first().map_or(0, |part| part.shard.count());
    // All numbers are at most `count`, and no number occurs twice. So the list is complete if it
    // has `count` numbers.
    let present: Vec<u64> = parts.iter().map(|part| part.shard.number()).collect();
    if present.len() as u64 != count {
        return Err(MergeError::Missing { present, count }.into());
    }
    Ok(parts)
}

impl Part {
    fn read(folder: &Path) -> Result<Self, LabError> {
        let manifest = Manifest::read(folder)?;
        let folder = folder.to_owned();
        match manifest.shard() {
            Some(shard) => Ok(Self {
                folder,
                manifest,
                shard,
            }),
            None => Err(MergeError::NoShard(folder).into()),
        }
    }

    /// Returns the name of the first value that must be the same in all shards of a comparison, and
    /// is different in these two shards. Returns `None` if both can be shards of one comparison.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        if self.shard.count() != other.shard.count() {
            return Some("number of shards");
        }
        let setting = self.manifest.differing_setting(&other.manifest);
        setting.or((self.manifest.build != other.manifest.build).then_some("build"))
    }

    /// Reads the outcomes of the shard's runs from the file `runs.bin` in the folder.
    ///
    /// # Errors
    /// If the file is missing or damaged, or if its digest is not the one in the manifest.
    pub(super) fn runs(&self) -> Result<RunsFile, LabError> {
        let bytes = read_file(self.path())?;
        if self.manifest.files.get(RUNS[0]) != Some(&FileDigest::of(&bytes)) {
            return Err(self.damaged("its SHA-256 is not the one in manifest.json".to_owned()));
        }
        RunsFile::from_bytes(&bytes).map_err(|reason| self.damaged(reason))
    }

    fn path(&self) -> PathBuf {
        self.folder.join(RUNS[0])
    }

    /// Returns the error that says what is damaged in the file `runs.bin` of this shard.
    pub(super) fn damaged(&self, reason: String) -> LabError {
        let path = self.path();
        FolderError::Damaged { path, reason }.into()
    }
}
