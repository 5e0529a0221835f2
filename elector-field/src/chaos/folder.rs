use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{error::Error, program::run};

/// The folder that all nodes of a cluster write into.
///
/// The folder is in memory if possible. A command (the program that a leader runs) that waits for a
/// slow disk cannot be killed in time, and these trials do not test that case.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Deletes the folder if an earlier run has left it, and creates it empty.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be created.
    pub(super) fn new() -> Result<Self, Error> {
        let memory = PathBuf::from("/dev/shm");
        let base = if memory.is_dir() {
            memory
        } else {
            env::temp_dir()
        };
        let folder = Self(base.join("elector-field"));
        folder.clear();
        fs::create_dir_all(&folder.0)?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn clear(&self) {
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            // Only the entries with this prefix can be mounted.
            if entry.file_name().to_string_lossy().starts_with("disk-") {
                let place = entry.path();
                let _ = run("fsfreeze", &["-u", &place.to_string_lossy()]);
                let _ = run("umount", &["-l", &place.to_string_lossy()]);
            }
        }
        // This fails if the folder does not exist.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.clear();
    }
}
