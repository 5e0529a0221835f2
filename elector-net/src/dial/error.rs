use std::io;

use thiserror::Error;

use crate::{
    outage::ReasonKind,
    tls::TlsError,
    wire::rejection::{RejectedText, Rejection},
};

/// The reason why this node could not make a connection to a peer.
#[derive(Debug, Error)]
pub(super) enum DialError {
    #[error("the connection was refused: no process listens there")]
    Refused,
    #[error(
        "the connection was refused at the addresses that the name {0:?} had before, and the name \
         cannot be looked up now: check the name servers of this machine"
    )]
    RefusedAtOldAddress(String),
    #[error("the connection broke before the peer answered")]
    Broken,
    #[error(
        "nothing answers at the peer's address in time: its machine is down, or a firewall drops \
         the packets"
    )]
    ConnectTimeout,
    #[error("the peer accepts the connection and does not answer in time: it hangs, or it is slow")]
    HandshakeTimeout,
    #[error(
        "no address of the peer is known yet: start the peer with an address that is connected to \
         this node, or name its address with `elector members add`"
    )]
    NoAddress,
    #[error("the name {0:?} is unknown: {1}")]
    Unknown(String, io::Error),
    #[error("the name servers do not answer in time for the name {0:?}")]
    LookupTimeout(String),
    #[error("cannot connect: {0}")]
    Io(io::Error),
    #[error("{}", RejectedText(.0))]
    Rejected(Rejection),
    /// The peer answers, but this node rejects the peer for this reason.
    #[error("{0}")]
    Rejecting(Rejection),
    #[error("the disk id of the peer cannot be stored: see the error before this one")]
    NotStored,
    #[error(transparent)]
    Tls(TlsError),
    #[error("what answers at the peer's address is not a node of elector: check the address")]
    NotANode,
    #[error("the peer uses TLS, and this node does not: {SAME_TLS}")]
    PeerUsesTls,
}

/// The advice if one side uses TLS and the other side does not.
pub(crate) const SAME_TLS: &str = "set up TLS on all nodes or on none";

impl DialError {
    /// Translates an error of the operating system, or of the TLS layer above it.
    pub(super) fn of(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof => Self::Broken,
            // The dialler's TLS handshake ends before the acceptor checks the dialler's
            // certificate. So only the first read reports that the acceptor has rejected the
            // certificate.
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

    /// Returns the kind of rejection under which the node's metrics count this error; `None` if
    /// they do not count it.
    pub(super) fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) | Self::Rejecting(rejection) => Some(rejection),
            Self::Tls(_) => Some(&Rejection::Tls),
            Self::HandshakeTimeout => Some(&Rejection::Silent),
            Self::NotANode | Self::PeerUsesTls => Some(&Rejection::Garbage),
            _ => None,
        }
    }

    pub(super) fn kind(&self) -> ReasonKind {
        match self {
            Self::Refused | Self::RefusedAtOldAddress(_) | Self::Broken => ReasonKind::NotRunning,
            Self::ConnectTimeout | Self::HandshakeTimeout => ReasonKind::NoAnswer,
            Self::NoAddress | Self::Unknown(..) | Self::LookupTimeout(_) => ReasonKind::Lookup,
            Self::Io(_) | Self::NotStored => ReasonKind::Fault,
            Self::Rejected(rejection) => ReasonKind::rejected(rejection),
            Self::Rejecting(rejection) => ReasonKind::rejecting(rejection),
            Self::Tls(_) | Self::PeerUsesTls => ReasonKind::Tls,
            Self::NotANode => ReasonKind::NotANode,
        }
    }
}
