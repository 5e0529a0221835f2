//! Runs the command `elector` as a user does.

mod certs;
mod checks;
mod installed;
mod results;
mod runs;
mod shards;
mod usage_errors;
mod verify;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

/// A folder for one test. It is empty at first. Dropping this value removes it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("elector-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_elector"))
}

fn elector(arguments: &str) -> Output {
    command().args(arguments.split(' ')).output().unwrap()
}

/// Runs a command that must succeed. Returns its standard output.
fn stdout_of(arguments: &str) -> String {
    let output = elector(arguments);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments}: {stdout}{stderr}"
    );
    stdout
}

/// Runs a command that must fail because of wrong usage. Returns its error text.
fn usage_error(arguments: &str) -> String {
    let output = elector(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments}");
    assert!(output.stdout.is_empty(), "{arguments}");
    String::from_utf8(output.stderr).unwrap()
}

const SMALL: &str = "--algorithms raft --nodes 1,3 --scenarios leader-crash,hinted-crash --runs 2";
