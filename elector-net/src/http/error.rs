use std::{io, net::SocketAddr, path::PathBuf};

use elector_core::debug_as_text;
use thiserror::Error;

/// The reason why a node cannot be served over HTTP. The text of the error says what to do.
#[derive(Error)]
#[non_exhaustive]
pub enum HttpError {
    /// Other machines can reach the address, and the caller allows only loopback addresses.
    #[error(
        "{0} can be reached from other machines, and this service has no TLS: listen on 127.0.0.1 \
         or [::1], or explicitly allow other machines"
    )]
    BeyondLoopback(SocketAddr),
    /// The text is not an address, or its name cannot be resolved.
    #[error("{address:?} cannot be looked up ({error}): write HOST:PORT, as in 127.0.0.1:7180")]
    Address {
        /// The address that the caller gave.
        address: String,
        /// The error of the resolver.
        error: io::Error,
    },
    /// The operating system cannot listen on the address.
    #[error("cannot listen on {address}: {error}")]
    Bind {
        /// The address that the caller gave.
        address: String,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The text cannot be used as a token.
    #[error(
        "the bearer token is {0}: use 16 to 512 visible ASCII characters, as `openssl rand -hex \
         32` makes them"
    )]
    Token(&'static str),
    /// The token file cannot be read.
    #[error("cannot read the bearer token from {}: {error}", path.display())]
    TokenFile {
        /// The token file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// Other users can read or replace the token, and then send commands to the node.
    #[error(
        "others can read or write the file {path} (mode {mode:03o}), and with its bearer token \
         command the node. If they may have read it, make a new token. Then run: chmod {allowed:o} \
         {path}",
        path = path.display()
    )]
    TokenExposed {
        /// The token file.
        path: PathBuf,
        /// The mode of the file.
        mode: u32,
        /// The mode that the file should have.
        allowed: u32,
    },
}

debug_as_text!(HttpError);
