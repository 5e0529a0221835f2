use std::process::{Command, Stdio};

use crate::error::Error;

/// Runs a program, waits until it ends, and returns its output.
///
/// # Errors
/// Returns an error if the program cannot be started, or if it fails.
pub(crate) fn run(program: &'static str, arguments: &[&str]) -> Result<String, Error> {
    let done = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Error::Program(program, source))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    let command = format!("{program} {}", arguments.join(" "));
    Err(Error::Run(command, message))
}
