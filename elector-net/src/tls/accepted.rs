use std::fmt;

use elector_core::NodeId;
use tokio_rustls::{TlsStream, rustls::pki_types::CertificateDer};

use super::{Holder, PROTOCOL, TlsError, names};

/// A connection whose other side holds a certificate of the CA, and may be any node that this
/// certificate names.
pub struct Accepted<S> {
    stream: TlsStream<S>,
    certificate: Certificate,
}

/// The certificate that the other side of a connection has shown, and proved to hold.
#[derive(Clone)]
pub(crate) struct Certificate {
    der: CertificateDer<'static>,
    suffix: String,
}

impl Certificate {
    /// Whether it names this node.
    pub(crate) fn names(&self, claimed: NodeId) -> bool {
        names::has(&self.der, &names::of(claimed, &self.suffix))
    }
}

impl<S> Accepted<S> {
    pub(super) fn new(stream: TlsStream<S>, suffix: &str) -> Result<Self, TlsError> {
        let session = stream.get_ref().1;
        // TLS goes on if only one side knows of protocol names.
        if session.alpn_protocol() != Some(PROTOCOL) {
            return Err(TlsError::OtherProtocol);
        }
        let certificates = session.peer_certificates();
        let certificate = certificates.and_then(<[_]>::first);
        let certificate = certificate.ok_or(TlsError::NoCertificate)?;
        let certificate = Certificate {
            der: certificate.clone().into_owned(),
            suffix: suffix.to_owned(),
        };
        Ok(Self {
            stream,
            certificate,
        })
    }

    /// Whether the certificate of the other side names this node.
    #[must_use]
    pub fn names(&self, claimed: NodeId) -> bool {
        self.certificate.names(claimed)
    }

    pub(crate) fn certificate(&self) -> Certificate {
        self.certificate.clone()
    }

    /// As [`names`](Self::names), with the refusal to log.
    ///
    /// # Errors
    /// If the certificate does not name the node.
    pub fn check(&self, claimed: NodeId) -> Result<(), TlsError> {
        if self.names(claimed) {
            return Ok(());
        }
        Err(TlsError::WrongNode {
            holder: Holder::Peer,
            node: claimed,
            expected: names::of(claimed, &self.certificate.suffix),
            presented: names::all(&self.certificate.der),
        })
    }

    /// The connection, to read from and to write to.
    #[must_use]
    pub fn into_stream(self) -> TlsStream<S> {
        self.stream
    }
}

impl<S> fmt::Debug for Accepted<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted")
            .field("names", &names::all(&self.certificate.der))
            .finish_non_exhaustive()
    }
}
