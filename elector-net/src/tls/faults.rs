//! Converts errors of the TLS library to [`TlsError`].

use std::io;

use elector_core::NodeId;
use tokio_rustls::rustls::{self, AlertDescription as Alert, CertificateError};

use super::{Holder, TlsError, error::to_system_time};

impl TlsError {
    /// Converts the error of a verifier about the certificate of `holder`.
    pub(super) fn of_certificate(holder: Holder, error: rustls::Error) -> Self {
        let rustls::Error::InvalidCertificate(fault) = &error else {
            return Self::Certificate { holder, error };
        };
        match fault {
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired {
                holder,
                until: to_system_time(*not_after),
            },
            CertificateError::NotValidYetContext { not_before, .. } => Self::NotYetValid {
                holder,
                from: to_system_time(*not_before),
            },
            // If a CA has the same name as the issuer but another key, the verifier reports a bad
            // signature.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                Self::UnknownCa { holder }
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Self::Purpose { holder }
            }
            _ => Self::Certificate { holder, error },
        }
    }

    /// Converts an error of a connection to the node `peer`. The error of the handshake contains
    /// only the DNS name of the peer, so the id of the peer is an argument.
    pub(super) fn of_connecting(error: io::Error, peer: NodeId) -> Self {
        match Self::from(error) {
            Self::Certificate {
                holder,
                error:
                    rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                        expected,
                        presented,
                    }),
            } => Self::WrongNode {
                holder,
                node: peer,
                expected: expected.to_str().into_owned(),
                presented: presented.iter().map(|name| dns_name(name)).collect(),
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
            rustls::Error::AlertReceived(alert) => Self::Rejected { alert },
            other => Self::Handshake(other),
        }
    }
}

/// Converts an error of a handshake, or of the first read of an outgoing connection. If the
/// acceptor has rejected this node's certificate, that read returns the error.
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

/// Returns the advice for an operator after the peer has rejected this node.
pub(super) fn advice(alert: Alert) -> &'static str {
    match alert {
        Alert::UnknownCA | Alert::DecryptError => {
            "no CA in its ca.pem has issued this node's certificate; all nodes need the same ca.pem"
        }
        Alert::CertificateExpired => {
            "by its clock, this node's certificate is not valid now; look at both clocks"
        }
        Alert::BadCertificate => {
            "it expected another node here; check the addresses in its --peers"
        }
        Alert::CertificateRequired => "it requires a certificate, and none was sent",
        Alert::UnsupportedCertificate => {
            "this node's certificate needs both extended key usages, serverAuth and clientAuth"
        }
        Alert::NoApplicationProtocol => "it is no elector node, or has another version",
        Alert::ProtocolVersion => "it does not speak TLS 1.3",
        _ => "see its log",
    }
}

/// Extracts the name from the verifier's text, such as `DnsName("node-1.elector.internal")`.
fn dns_name(name: &str) -> String {
    let inner = name.strip_prefix("DnsName(\"");
    let inner = inner.and_then(|rest| rest.strip_suffix("\")"));
    inner.unwrap_or(name).to_owned()
}
