use std::{io, path::PathBuf};

use rustix::io::Errno;
use thiserror::Error;

/// The reason why a trial cannot be carried out, or has failed.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("`{0}` cannot be started: install it, or put it in the PATH")]
    Program(&'static str, #[source] io::Error),
    #[error("`{0}` failed: {1}. Trials need root, network namespaces and TUN devices")]
    Run(String, String),
    #[error(
        "{} cannot be used: build it with `cargo build --release -p elector-cli`",
        .0.display()
    )]
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
    #[error("{0} violations were found: read the list above from its beginning")]
    Violations(usize),
}
