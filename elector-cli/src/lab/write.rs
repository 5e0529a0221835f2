use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use super::LabError;

/// Checks that a file can be written, before the work starts. Does not change the file, and does
/// not leave a new one behind.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn check_file(path: &Path) -> Result<(), LabError> {
    let existed = path.exists();
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|source| LabError::Write {
        path: path.to_owned(),
        source,
    })?;
    if !existed {
        fs::remove_file(path).map_err(|source| LabError::Write {
            path: path.to_owned(),
            source,
        })?;
    }
    Ok(())
}

/// Creates the folder if it does not exist, and checks that these files can be written to it.
///
/// # Errors
/// If the folder cannot be created or a file cannot be written.
pub(crate) fn check_folder(folder: &Path, files: &[&str]) -> Result<(), LabError> {
    fs::create_dir_all(folder).map_err(|source| LabError::Write {
        path: folder.to_owned(),
        source,
    })?;
    files
        .iter()
        .try_for_each(|file| check_file(&folder.join(file)))
}

/// Writes a whole file or nothing: the old file stays until the new one is complete.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn write_file(path: &Path, contents: &[u8]) -> Result<(), LabError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    // A device or a pipe must be written directly: a rename would replace it by a file.
    let replace = !path.exists() || path.is_file();
    let written = if replace {
        let complete = File::create(&part).and_then(|mut file| file.write_all(contents));
        complete.and_then(|()| fs::rename(&part, path))
    } else {
        File::create(path).and_then(|mut file| file.write_all(contents))
    };
    written.map_err(|source| {
        let _ = fs::remove_file(&part);
        LabError::Write {
            path: path.to_owned(),
            source,
        }
    })
}
