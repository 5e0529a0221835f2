//! The `elector` command, run as a user runs it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod certs;
mod checks;
mod refusals;
mod results;
mod runs;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

/// A folder of this test alone, empty at first and gone at the end.
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

/// The standard output of a command that must succeed.
fn told(arguments: &str) -> String {
    let output = elector(arguments);
    let told = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments}: {told}{complaint}"
    );
    told
}

/// The complaint of a command that must be refused as wrong usage.
fn refused(arguments: &str) -> String {
    let output = elector(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments}");
    assert!(output.stdout.is_empty(), "{arguments}");
    String::from_utf8(output.stderr).unwrap()
}

const SMALL: &str = "--algorithms raft --nodes 1,3 --scenarios leader-crash,hinted-crash --runs 2";
