use std::{
    fs::{File, Metadata, metadata},
    io,
    os::unix::fs::MetadataExt,
    path::PathBuf,
};

use super::error::RecordError;

/// Where an open record is. What is written into a file that was deleted is lost, and the next
/// start would find another record, or none.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: PathBuf,
    file: Id,
}

/// Two files of one machine that exist at the same time have different ones.
type Id = (u64, u64);

fn id(found: &Metadata) -> Id {
    (found.dev(), found.ino())
}

impl Place {
    /// The place of this open file, which was found under this path.
    pub(super) fn of(file: &File, path: PathBuf) -> Result<Self, RecordError> {
        match file.metadata() {
            Ok(found) => Ok(Self {
                file: id(&found),
                path,
            }),
            Err(source) => Err(RecordError::Io {
                doing: "look at the record",
                path,
                source,
            }),
        }
    }

    /// Checks that the path still leads to the file.
    ///
    /// # Errors
    /// If it does not, or if that cannot be found out.
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
