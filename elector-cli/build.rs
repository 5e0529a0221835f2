//! Gives the program the commit of its source and the version of its compiler, which
//! `elector --version` and `manifest.json` show.
//!
//! This script sets these environment variables for the compiler. Cargo also sets them for the
//! programs that it starts (`cargo run`), and such a program would take a variable whose name
//! begins with `ELECTOR_` for a setting. So the names begin with `BUILD_`.
//!
//! - `BUILD_COMMIT`: the commit, with `-dirty` at its end if a source file has been changed since
//!   that commit. `unknown` without git, and for a package from a registry. If the environment
//!   variable `ELECTOR_COMMIT` is set during the build, its value is the commit: this is for builds
//!   of a copy without `.git`.
//! - `BUILD_RUSTC`: what `rustc --version` prints.
//! - `BUILD_TARGET` and `BUILD_PROFILE`: the target triple, and `debug` or `release`.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The value of a variable `BUILD_…` whose content cannot be found out.
const UNKNOWN: &str = "unknown";

/// The files of the workspace from which the program `elector` is compiled, as patterns of git. A
/// change in one of these files makes the commit `-dirty`.
const SOURCES: [&str; 8] = [
    ":(top,glob)elector-*/src/**",
    ":(top,glob)elector-*/scenarios/**",
    ":(top,glob)elector-*/build.rs",
    ":(top,glob)elector-*/Cargo.toml",
    ":(top)Cargo.toml",
    ":(top)Cargo.lock",
    ":(top,exclude)elector-field",
    ":(top,exclude)elector-oracle",
];

/// The packages of the workspace that are no part of the program `elector`. A change in them does
/// not make the commit `-dirty`.
const EXCLUDED: [&str; 2] = ["elector-field", "elector-oracle"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=ELECTOR_COMMIT");
    set("COMMIT", &given().or_else(commit));
    let rustc = env::var("RUSTC").ok();
    let version = rustc.and_then(|rustc| output(Command::new(rustc).arg("--version")));
    set("RUSTC", &version);
    set("TARGET", &env::var("TARGET").ok());
    set("PROFILE", &env::var("PROFILE").ok());
}

fn set(name: &str, value: &Option<String>) {
    let value = value.as_deref().unwrap_or(UNKNOWN);
    println!("cargo::rustc-env=BUILD_{name}={value}");
}

/// Returns the commit that the environment variable `ELECTOR_COMMIT` gives, if its value is one
/// word.
fn given() -> Option<String> {
    let given = env::var("ELECTOR_COMMIT").ok()?;
    let is_word = !given.is_empty() && given.chars().all(|c| c.is_ascii_graphic());
    is_word.then_some(given)
}

/// Asks git for the commit. Returns `None` if this package is not a folder of the repository of
/// elector: a package from a registry can be inside of another repository, whose commit would be
/// wrong.
fn commit() -> Option<String> {
    if git(&["rev-parse", "--show-prefix"])? != "elector-cli/" {
        return None;
    }
    let commit = git(&["rev-parse", "HEAD"])?;
    watch()?;
    let status = ["status", "--porcelain", "--untracked-files=no", "--"];
    let changed = git(&[&status[..], &SOURCES[..]].concat())?;
    let mark = if changed.is_empty() { "" } else { "-dirty" };
    Some(commit + mark)
}

/// Makes cargo run this script again when HEAD or a source file has changed. A change of a source
/// file costs no additional build, because cargo then compiles the program in any case.
fn watch() -> Option<()> {
    let head = git_path("HEAD")?;
    println!("cargo::rerun-if-changed={}", head.display());
    // Git adds a line to the log of HEAD at each change of HEAD. If git keeps no log, cargo watches
    // the files of the branches.
    let log = git_path("logs/HEAD").filter(|log| log.exists());
    for path in log.map_or_else(
        || vec![git_path("refs/heads"), git_path("packed-refs")],
        |log| vec![Some(log)],
    ) {
        // If cargo was to watch a file that does not exist, it would run this script in each build.
        if let Some(path) = path.filter(|path| path.exists()) {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    let workspace = Path::new("..");
    for package in workspace.read_dir().ok()?.flatten() {
        let name = package.file_name().to_string_lossy().into_owned();
        let is_ours = name.starts_with("elector-") && !EXCLUDED.contains(&&*name);
        for part in ["src", "scenarios", "build.rs", "Cargo.toml"] {
            let part = package.path().join(part);
            if is_ours && part.exists() {
                println!("cargo::rerun-if-changed={}", part.display());
            }
        }
    }
    println!("cargo::rerun-if-changed=../Cargo.toml");
    println!("cargo::rerun-if-changed=../Cargo.lock");
    Some(())
}

fn git_path(name: &str) -> Option<PathBuf> {
    git(&["rev-parse", "--git-path", name]).map(PathBuf::from)
}

/// Returns the output of a git command. `None` if there is no git, or the command fails.
fn git(arguments: &[&str]) -> Option<String> {
    // `git status` must not write the index, because another git process may use the index now.
    output(
        Command::new("git")
            .arg("--no-optional-locks")
            .args(arguments),
    )
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|it| it.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim_end().to_owned())
}
