//! Makes sense of what TLS says went wrong.

use std::io;

use elector_core::NodeId;
use tokio_rustls::rustls::{self, AlertDescription as Alert, CertificateError};

use super::{Holder, TlsError, error::point};

impl TlsError {
    /// What is wrong with a certificate, by the words of the one that checked it.
    pub(super) fn of_certificate(holder: Holder, error: rustls::Error) -> Self {
        let rustls::Error::InvalidCertificate(fault) = &error else {
            return Self::Certificate {
                holder,
                source: error,
            };
        };
        match fault {
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired {
                holder,
                until: point(*not_after),
            },
            CertificateError::NotValidYetContext { not_before, .. } => Self::NotYetValid {
                holder,
                from: point(*not_before),
            },
            // A bad signature is what a CA's certificate finds on those of another of its name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                Self::UnknownCa { holder }
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Self::Purpose { holder }
            }
            _ => Self::Certificate {
                holder,
                source: error,
            },
        }
    }

    /// The failure of a connection to the node `peer`, which the handshake knows by a name only.
    pub(super) fn of_connecting(error: io::Error, peer: NodeId) -> Self {
        match Self::from(error) {
            Self::Certificate {
                holder,
                source:
                    rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                        expected,
                        presented,
                    }),
            } => Self::WrongNode {
                holder,
                node: peer,
                expected: expected.to_str().into_owned(),
                presented: presented.iter().map(|name| bare(name)).collect(),
            },
            other => other,
        }
    }

    fn of_handshake(error: rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(_) => Self::of_certificate(Holder::Peer, error),
            rustls::Error::NoCertificatesPresented => Self::NoCertificate,
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            rustls::Error::NoApplicationProtocol => Self::OtherProtocol,
            rustls::Error::AlertReceived(alert) => Self::Refused { alert },
            other => Self::Handshake(other),
        }
    }
}

/// Makes sense of an error in a handshake; or at the first read of a connection that this node has
/// made, which is where it is told that the acceptor refused its certificate.
impl From<io::Error> for TlsError {
    fn from(error: io::Error) -> Self {
        let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref());
        match of_tls.cloned() {
            Some(inner) => Self::of_handshake(inner),
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::Closed,
            None => Self::Connection(error),
        }
    }
}

/// What to do when the peer has refused this node.
pub(super) fn advice(alert: Alert) -> &'static str {
    match alert {
        Alert::UnknownCA | Alert::DecryptError => {
            "no CA in its ca.pem has issued this node's certificate; all nodes need the same ca.pem"
        }
        Alert::CertificateExpired => {
            "by its clock, this node's certificate is not valid now; look at both clocks"
        }
        Alert::BadCertificate => {
            "it looked for another node here; look at the addresses in its --peers"
        }
        Alert::CertificateRequired => "it wants a certificate, and none was sent",
        Alert::UnsupportedCertificate => {
            "this node's certificate needs both extended key usages, serverAuth and clientAuth"
        }
        Alert::NoApplicationProtocol => "it is no elector node, or one of another version",
        Alert::ProtocolVersion => "it does not speak TLS 1.3",
        _ => "its log says why",
    }
}

/// The name in what the verifier makes of it: `DnsName("node-1.elector.internal")`.
fn bare(name: &str) -> String {
    let inner = name.strip_prefix("DnsName(\"");
    let inner = inner.and_then(|rest| rest.strip_suffix("\")"));
    inner.unwrap_or(name).to_owned()
}
