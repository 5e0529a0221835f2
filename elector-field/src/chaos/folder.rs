use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{error::Error, program::run};

/// What all nodes of a cluster write into, in memory: a command that waits for a disk cannot be
/// killed, however late the disk is, and that is not what is looked at here.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes it, in place of what an earlier run has left.
    ///
    /// # Errors
    /// If it cannot be made.
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
            // Most of it is no disk.
            if entry.file_name().to_string_lossy().starts_with("disk-") {
                let place = entry.path();
                let _ = run("fsfreeze", &["-u", &place.to_string_lossy()]);
                let _ = run("umount", &["-l", &place.to_string_lossy()]);
            }
        }
        // It may not be there.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.clear();
    }
}
