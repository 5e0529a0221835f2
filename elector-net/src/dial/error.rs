use std::io;

use thiserror::Error;

use crate::{tls::TlsError, wire::refusal::Refusal};

/// Why there is no connection.
#[derive(Debug, Error)]
pub(super) enum DialError {
    #[error("the connection was refused: no process listens there")]
    NobodyThere,
    #[error(
        "connections are refused at the addresses that the name {0:?} had before; it cannot be looked up now"
    )]
    NobodyAtOld(String),
    #[error("the connection broke before it was answered")]
    Broken,
    #[error("it took too long")]
    TooLong,
    #[error(
        "it lets connect, and says nothing: it hangs, or it speaks TLS and this node does not: set up \
         TLS on all nodes or on none"
    )]
    Mute,
    #[error("the name {0:?} is not known")]
    Unknown(String, #[source] io::Error),
    #[error("{0}")]
    Io(#[source] io::Error),
    #[error("{0}")]
    Refused(Refusal),
    /// It answers, and this node does not accept what it is.
    #[error("{0}")]
    Unacceptable(Refusal),
    #[error("the peer's disk cannot be remembered")]
    NotRemembered,
    #[error(transparent)]
    Tls(TlsError),
    #[error(
        "what answers there is no node of elector, or one that speaks TLS: set up TLS on all nodes \
         or on none, and look at the address"
    )]
    NoNode,
}

impl DialError {
    /// What an error of the operating system, or of the TLS on top, means.
    pub(super) fn of(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof => Self::Broken,
            // TLS tells at the first read that the acceptor has refused the certificate.
            io::ErrorKind::InvalidData => Self::of_tls(TlsError::from(error)),
            _ => Self::Io(error),
        }
    }

    pub(super) fn of_tls(error: TlsError) -> Self {
        match error {
            TlsError::Connection(error) => Self::of(error),
            TlsError::Closed => Self::Broken,
            error => Self::Tls(error),
        }
    }
}
