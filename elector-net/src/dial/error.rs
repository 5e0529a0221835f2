use std::io;

use thiserror::Error;

use crate::{
    outage::Kind,
    tls::TlsError,
    wire::{ByPeer, refusal::Refusal},
};

/// Why there is no connection.
#[derive(Debug, Error)]
pub(super) enum DialError {
    #[error("the connection was refused: no process listens there")]
    NobodyThere,
    #[error(
        "connections are refused at the addresses that the name {0:?} had before; it cannot be \
         looked up now"
    )]
    NobodyAtOld(String),
    #[error("the connection broke before it was answered")]
    Broken,
    #[error(
        "nothing answers at its address in time: its machine is off, or a firewall drops what is sent"
    )]
    TooLong,
    #[error("it accepts the connection and says nothing in time: it hangs, or it is slow")]
    Mute,
    #[error("the name {0:?} is unknown: {1}")]
    Unknown(String, #[source] io::Error),
    #[error("the name servers do not answer what the name {0:?} is")]
    Unanswered(String),
    #[error("cannot connect: {0}")]
    Io(#[source] io::Error),
    #[error("{}", ByPeer(.0))]
    Refused(Refusal),
    /// It answers, and this node does not accept what it is.
    #[error("{0}")]
    Unacceptable(Refusal),
    #[error("its disk cannot be remembered: see the error before this one")]
    NotRemembered,
    #[error(transparent)]
    Tls(TlsError),
    #[error("what answers there is no node of elector: look at the address")]
    NoNode,
    #[error("it speaks TLS, and this node does not: {BOTH_SIDES}")]
    SpeaksTls,
}

/// What to do where one side has TLS and the other one has not.
pub(crate) const BOTH_SIDES: &str = "set up TLS on all nodes or on none";

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

    /// The refusal that it is counted as, if it is one.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) | Self::Unacceptable(refusal) => Some(refusal),
            Self::Tls(_) => Some(&Refusal::Tls),
            Self::Mute => Some(&Refusal::Silent),
            Self::NoNode | Self::SpeaksTls => Some(&Refusal::Garbage),
            _ => None,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::NobodyThere | Self::NobodyAtOld(_) | Self::Broken => Kind::Gone,
            Self::TooLong | Self::Mute => Kind::Mute,
            Self::Unknown(..) | Self::Unanswered(_) => Kind::Name,
            Self::Io(_) | Self::NotRemembered => Kind::Fault,
            Self::Refused(refusal) => Kind::rejected(refusal),
            Self::Unacceptable(refusal) => Kind::rejecting(refusal),
            Self::Tls(_) | Self::SpeaksTls => Kind::Tls,
            Self::NoNode => Kind::NoNode,
        }
    }
}
