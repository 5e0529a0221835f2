use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
    sync::mpsc,
    thread,
    time::Duration,
};

#[cfg(feature = "node")]
use elector_core::NodeId;
use thiserror::Error;

use crate::FAILED;

/// The error of a write to standard output.
#[derive(Debug, Error)]
#[error("cannot write to standard output: {0}")]
pub(crate) struct StdoutError(pub(crate) io::Error);

/// Writes to standard output. It is no error if the reader closes the pipe early, as in
/// `elector compare | head`.
///
/// # Errors
/// If standard output cannot be written for another reason.
pub(crate) fn print(text: &str) -> Result<(), StdoutError> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(StdoutError),
    }
}

/// Returns the ids of nodes as a list with commas.
#[cfg(feature = "node")]
pub(crate) fn ids(nodes: &[NodeId]) -> String {
    if nodes.is_empty() {
        return "none".to_owned();
    }
    let ids: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
    ids.join(",")
}

/// How long [`warn`] waits until the reader of standard error has read the message.
const WRITE_TIMEOUT: Duration = Duration::from_millis(500);

/// Writes to standard error. Failures are ignored, because they cannot be reported anywhere.
///
/// If the reader of standard error does not read, this function returns after [`WRITE_TIMEOUT`],
/// because the caller may have more important work, or must exit. A message can contain names from
/// a file or from another host, so this function escapes control characters: otherwise these names
/// could control the terminal.
pub(crate) fn warn(text: &str) {
    let text = escaped(text);
    let (done, written) = mpsc::channel();
    let writes = thread::Builder::new().spawn(move || {
        let _ = io::stderr().lock().write_all(text.as_bytes());
        let _ = done.send(());
    });
    if writes.is_ok() {
        let _ = written.recv_timeout(WRITE_TIMEOUT);
    }
}

/// Escapes all control characters except the line feed and the tab.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\n' | '\t') {
            escaped.extend(c.escape_debug());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Prints the error of a subcommand, and returns the exit code of a subcommand that failed.
pub(crate) fn failed(error: &dyn Display) -> ExitCode {
    warn(&format!("error: {error}\n"));
    ExitCode::from(FAILED)
}

#[cfg(test)]
mod tests {
    use super::*;

    // An error message can contain names from a `manifest.json` that another user has written.
    // These names must not control the terminal of the user who reads the message.
    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(
            escaped("commit \x1b[31m\u{9b}1\r\n\tö"),
            "commit \\u{1b}[31m\\u{9b}1\\r\n\tö"
        );
    }
}
