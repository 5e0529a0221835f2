use std::{io, path::PathBuf};

use rustix::io::Errno;
use thiserror::Error;

/// Why a trial cannot go on.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("`{0}` cannot be started: install it, or name its path")]
    Program(&'static str, #[source] io::Error),
    #[error("`{0}` failed: {1}. Trials need root, network namespaces and TUN devices")]
    Run(String, String),
    #[error("{} cannot be used: build it with `cargo build --release -p elector-cli`", .0.display())]
    Elector(PathBuf, #[source] io::Error),
    #[error("a thread of the trial panicked")]
    Panicked,
    #[error("{0}")]
    System(#[from] Errno),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0} had no leader within {1} s: see its log in {2}")]
    NoLeader(&'static str, u64, String),
    #[error("`elector node --init` failed: {0}")]
    Init(String),
    #[error("{0} cannot be locked: {1}. Trials need root")]
    Lock(&'static str, #[source] io::Error),
    #[error("{0} things were wrong that may not be: see above, from the first of them on")]
    Wrong(usize),
}
