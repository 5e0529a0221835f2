use std::fmt;

use elector_core::NodeId;
use tokio_rustls::{TlsStream, rustls::pki_types::CertificateDer};

use super::{Holder, PROTOCOL, TlsError, names};

/// A connection whose other side has a certificate of the CA. The other side can be any node that
/// this certificate names.
pub struct Accepted<S> {
    stream: TlsStream<S>,
    certificate: Certificate,
}

/// The certificate of the other side of a connection. The other side has proved that it has the key
/// of this certificate.
#[derive(Clone)]
pub(crate) struct Certificate {
    der: CertificateDer<'static>,
    suffix: String,
}

impl Certificate {
    /// Returns `true` if the certificate names this node.
    pub(crate) fn names(&self, claimed: NodeId) -> bool {
        names::has(&self.der, &names::of(claimed, &self.suffix))
    }
}

impl<S> Accepted<S> {
    pub(super) fn new(stream: TlsStream<S>, suffix: &str) -> Result<Self, TlsError> {
        let session = stream.get_ref().1;
        // This check is needed because the TLS handshake also succeeds if only one side sends
        // protocol names.
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

    /// Returns `true` if the certificate of the other side names this node.
    #[must_use]
    pub fn names(&self, claimed: NodeId) -> bool {
        self.certificate.names(claimed)
    }

    pub(crate) fn certificate(&self) -> Certificate {
        self.certificate.clone()
    }

    /// Checks that the certificate of the other side names this node. Returns the error to log if
    /// it does not.
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

    /// Returns the connection for reading and writing.
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
