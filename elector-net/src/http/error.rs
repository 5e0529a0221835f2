use std::{io, net::SocketAddr, path::PathBuf};

use thiserror::Error;

/// Why a node cannot be served over HTTP. The message says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The address can be reached from other machines, and nobody has allowed that.
    #[error(
        "{0} can be reached from other machines, and this service has no TLS: listen on 127.0.0.1 \
         or [::1], or allow more in plain words"
    )]
    BeyondLoopback(SocketAddr),
    /// The text is no address, or its name is not known.
    #[error("{address:?} cannot be looked up ({source}): write HOST:PORT, as in 127.0.0.1:7180")]
    Address {
        /// As it was given.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// As it was given.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// The text is no token.
    #[error(
        "the bearer token is {0}: use 16 to 512 visible ASCII characters, as `openssl rand -hex \
         32` makes them"
    )]
    Token(&'static str),
    /// The file with the token cannot be read.
    #[error("cannot read the bearer token from {}: {source}", path.display())]
    TokenFile {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others can read the token, and so command the node, or replace it.
    #[error(
        "others can read or write the file {path} (mode {mode:03o}), and with its bearer token \
         command the node; if they may have read it, make a new one, then: chmod {allowed:o} {path}",
        path = path.display()
    )]
    TokenExposed {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// Those that it may have.
        allowed: u32,
    },
}
