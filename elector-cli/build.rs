//! Gives the program the commit of its source and the version of its compiler, which
//! `elector --version` and `manifest.json` show.
//!
//! It sets these variables for the compiler. Cargo also sets them for programs that it starts. So
//! their names must not begin with `ELECTOR_`, as those of settings do.
//!
//! - `BUILD_COMMIT`: the commit, with `-dirty` at its end if a source file has been changed since
//!   that commit. `unknown` without git, and for a package from a registry. The variable
//!   `ELECTOR_COMMIT` of the build replaces it, for builds of a copy without `.git`.
//! - `BUILD_RUSTC`: what `rustc --version` prints.
//! - `BUILD_TARGET` and `BUILD_PROFILE`: the target triple, and `debug` or `release`.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The value of what is not known.
const UNKNOWN: &str = "unknown";

/// The files of the workspace that the program is made of, as patterns of git.
const SOURCES: [&str; 7] = [
    ":(top,glob)elector-*/src/**",
    ":(top,glob)elector-*/scenarios/**",
    ":(top,glob)elector-*/build.rs",
    ":(top,glob)elector-*/Cargo.toml",
    ":(top)Cargo.toml",
    ":(top)Cargo.lock",
    ":(top,exclude)elector-field",
];

/// The package of the workspace that the program does not contain.
const EXCLUDED: &str = "elector-field";

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

/// Returns the commit that the build was given, if it is one word.
fn given() -> Option<String> {
    let given = env::var("ELECTOR_COMMIT").ok()?;
    let is_word = !given.is_empty() && given.chars().all(|c| c.is_ascii_graphic());
    is_word.then_some(given)
}

/// Asks git for the commit. Returns `None` if this package is not a folder of the repository of
/// elector: a package from a registry can be inside of another repository.
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

/// Makes cargo run this script again when HEAD changes, and when a source file does: then the
/// program is compiled again in any case.
fn watch() -> Option<()> {
    let head = git_path("HEAD")?;
    println!("cargo::rerun-if-changed={}", head.display());
    // Each change of HEAD adds a line to its log. Without a log, the branches are watched.
    let log = git_path("logs/HEAD").filter(|log| log.exists());
    for path in log.map_or_else(
        || vec![git_path("refs/heads"), git_path("packed-refs")],
        |log| vec![Some(log)],
    ) {
        // Cargo would run this script in each build if the file did not exist.
        if let Some(path) = path.filter(|path| path.exists()) {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    let workspace = Path::new("..");
    for package in workspace.read_dir().ok()?.flatten() {
        let name = package.file_name().to_string_lossy().into_owned();
        let is_ours = name.starts_with("elector-") && name != EXCLUDED;
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

/// Returns the output of git. `None` if there is no git, or it fails.
fn git(arguments: &[&str]) -> Option<String> {
    // Status must not write the index: another git may use it.
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
