use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
    sync::mpsc,
    thread,
    time::Duration,
};

use thiserror::Error;

use crate::FAILED;

/// Standard output cannot be written.
#[derive(Debug, Error)]
#[error("cannot write to standard output: {0}")]
pub(crate) struct StdoutError(pub(crate) io::Error);

/// Writes to standard output. A reader that has seen enough, as in `elector compare | head`, is no
/// error.
///
/// # Errors
/// Any other.
pub(crate) fn print(text: &str) -> Result<(), StdoutError> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(StdoutError),
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

/// Reports why the command could not be done, and returns its exit code.
pub(crate) fn failed(error: &dyn Display) -> ExitCode {
    warn(&format!("error: {error}\n"));
    ExitCode::from(FAILED)
}
