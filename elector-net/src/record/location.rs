use std::{
    fs::{File, Metadata, metadata},
    io,
    os::unix::fs::MetadataExt,
    path::PathBuf,
};

use super::error::RecordError;

/// The path of an open record, and the file to which it leads. If the path no longer leads to the
/// file, bytes that are written into the file are lost: the next start would find another record,
/// or no record.
#[derive(Clone, Debug)]
pub(super) struct Location {
    path: PathBuf,
    file: Id,
}

/// The device and the inode of a file. Two files that exist at the same time on one machine differ
/// in one of them.
type Id = (u64, u64);

fn id(found: &Metadata) -> Id {
    (found.dev(), found.ino())
}

impl Location {
    /// Returns the location of this open file, which was opened under this path.
    pub(super) fn of(file: &File, path: PathBuf) -> Result<Self, RecordError> {
        let found = file.metadata();
        let found = found.map_err(RecordError::io("check the record", &path))?;
        Ok(Self {
            file: id(&found),
            path,
        })
    }

    /// Checks that the path still leads to the file.
    ///
    /// # Errors
    /// If the path does not lead to the file any more, or if the file system cannot be asked.
    pub(super) fn check(&self) -> Result<(), RecordError> {
        let why = match metadata(&self.path) {
            Ok(found) if id(&found) == self.file => return Ok(()),
            Ok(_) => "another file is in its place".to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => "it is not there".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(RecordError::Displaced {
            path: self.path.clone(),
            why,
        })
    }
}
