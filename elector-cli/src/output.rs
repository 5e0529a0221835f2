use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::CliError;

/// Writes to standard output. A reader that has seen enough, as in `elector compare | head`, is no
/// error.
///
/// # Errors
/// Any other.
pub(crate) fn print(text: &str) -> Result<(), CliError> {
    Ok(put(text)?)
}

/// As [`print()`], for those who have an error of their own.
///
/// # Errors
/// The same.
pub(crate) fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// How long a message waits for the reader of standard error.
const PATIENCE: Duration = Duration::from_millis(500);

/// Writes to standard error, where a failure cannot be reported. A reader that does not
/// read is not waited for: what writes here may have more important things to do, or must end.
pub(crate) fn warn(text: &str) {
    let text = text.to_owned();
    let (done, written) = mpsc::channel();
    let writes = thread::Builder::new().spawn(move || {
        let _ = io::stderr().lock().write_all(text.as_bytes());
        let _ = done.send(());
    });
    if writes.is_ok() {
        let _ = written.recv_timeout(PATIENCE);
    }
}

/// Checks, before any work is done, that a file can be written. What it holds stays as it is; a
/// file that is not there is not left behind.
///
/// # Errors
/// Why it cannot.
pub(crate) fn check_file(path: &Path) -> Result<(), CliError> {
    let existed = path.exists();
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|source| CliError::Write {
        path: path.to_owned(),
        source,
    })?;
    if !existed {
        fs::remove_file(path).map_err(|source| CliError::Write {
            path: path.to_owned(),
            source,
        })?;
    }
    Ok(())
}

/// Makes the folder, unless it is there, and checks that these files can be written into it.
///
/// # Errors
/// Why they cannot.
pub(crate) fn check_folder(folder: &Path, files: &[&str]) -> Result<(), CliError> {
    fs::create_dir_all(folder).map_err(|source| CliError::Write {
        path: folder.to_owned(),
        source,
    })?;
    files
        .iter()
        .try_for_each(|file| check_file(&folder.join(file)))
}

/// Writes a file, whole or not at all: what was there stays until the new one is complete.
///
/// # Errors
/// Why it cannot be written.
pub(crate) fn write_file(path: &Path, contents: &[u8]) -> Result<(), CliError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    // A device or a pipe must be written as it is.
    let replace = !path.exists() || path.is_file();
    let written = if replace {
        let complete = File::create(&part).and_then(|mut file| file.write_all(contents));
        complete.and_then(|()| fs::rename(&part, path))
    } else {
        File::create(path).and_then(|mut file| file.write_all(contents))
    };
    written.map_err(|source| {
        let _ = fs::remove_file(&part);
        CliError::Write {
            path: path.to_owned(),
            source,
        }
    })
}
