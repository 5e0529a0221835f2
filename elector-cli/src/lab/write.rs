use std::{
    fs::{self, OpenOptions},
    io,
    path::Path,
};

use super::LabError;

/// Checks that a file can be written, before the work starts. Does not change an existing file, and
/// leaves no new file behind.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn check_file(path: &Path) -> Result<(), LabError> {
    let existed = path.exists();
    let opened = OpenOptions::new().append(true).create(true).open(path);
    let checked = opened.and_then(|_| match existed {
        true => Ok(()),
        false => fs::remove_file(path),
    });
    checked.map_err(|reason| error(path, reason))
}

/// Creates the folder if it does not exist, and checks that these files can be written in the
/// folder.
///
/// # Errors
/// If the folder cannot be created or a file cannot be written.
pub(crate) fn check_folder(folder: &Path, files: &[&str]) -> Result<(), LabError> {
    fs::create_dir_all(folder).map_err(|reason| error(folder, reason))?;
    files
        .iter()
        .try_for_each(|file| check_file(&folder.join(file)))
}

/// Writes a whole file or nothing: an old file stays as it is until the new file is complete.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn write_file(path: &Path, contents: &[u8]) -> Result<(), LabError> {
    // A device or a pipe must be written directly, because a rename would replace it by an ordinary
    // file.
    if path.exists() && !path.is_file() {
        return fs::write(path, contents).map_err(|reason| error(path, reason));
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let written = fs::write(&part, contents).and_then(|()| fs::rename(&part, path));
    written.map_err(|reason| {
        let _ = fs::remove_file(&part);
        error(path, reason)
    })
}

fn error(path: &Path, reason: io::Error) -> LabError {
    let path = path.to_owned();
    LabError::Write { path, reason }
}
