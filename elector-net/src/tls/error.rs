use std::{
    fmt, io,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use elector_core::{NodeId, debug_as_text};
use thiserror::Error;
use tokio_rustls::rustls::{
    self, AlertDescription,
    pki_types::{UnixTime, pem},
};

use super::faults;

/// The owner of the certificate to which an error refers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Holder {
    /// This node, with the certificate in this file.
    File(PathBuf),
    /// The other side of a connection.
    Peer,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the certificate in {}", path.display()),
            Self::Peer => f.write_str("the peer's certificate"),
        }
    }
}

/// The reason why certificates cannot be used, or why a connection was rejected. The text of the
/// error says what to do.
#[derive(Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A certificate or key file cannot be read.
    #[error(
        "cannot read {}: {error}; a node needs ca.pem, node-<id>.pem and node-<id>.key.pem, and \
         `elector certs dev` makes them",
        path.display()
    )]
    Read {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// A file does not contain the certificate or the key that it should contain.
    #[error(
        "there is no valid {what} in {}: {error}; the file must be PEM, and a key must not be \
         encrypted",
        path.display()
    )]
    Pem {
        /// The path of the file.
        path: PathBuf,
        /// `certificate` or `key`.
        what: &'static str,
        /// The error of the parser.
        error: pem::Error,
    },
    /// Other users can read the key, and can then impersonate this node.
    #[error(
        "others can read the key in {path} (mode {mode:03o}), and with it impersonate this node. \
         If they may have read it, issue a new key. Then run: chmod {allowed:o} {path}",
        path = path.display()
    )]
    KeyExposed {
        /// The path of the file.
        path: PathBuf,
        /// The mode of the file.
        mode: u32,
        /// The mode that the file should have.
        allowed: u32,
    },
    /// The key cannot be used, for example because its type is not supported.
    #[error("the key in {} cannot be used: {error}; use ECDSA P-256", path.display())]
    Key {
        /// The path of the file.
        path: PathBuf,
        /// The error of the TLS library.
        error: rustls::Error,
    },
    /// The key does not belong to the certificate.
    #[error(
        "the key in {} does not belong to the certificate in {}: copy both from the same place",
        key.display(),
        certificate.display()
    )]
    KeyMismatch {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        certificate: PathBuf,
    },
    /// The [suffix of node names](super::TlsFiles::suffix) is not valid in a DNS name. The field is
    /// a node name with this suffix.
    #[error("\"{0}\" is not a DNS name: use a suffix such as elector.internal")]
    Suffix(String),

    /// A certificate has expired.
    #[error("{holder} expired on {}: issue a new one; no restart is needed", format_date(*.until))]
    Expired {
        /// The owner of the certificate.
        holder: Holder,
        /// The end of the validity of the certificate.
        until: SystemTime,
    },
    /// A certificate is not valid yet.
    #[error(
        "{holder} is not valid before {}, and the clock of this node shows {}: if the clock is \
         wrong, set it; else issue a new certificate",
        format_date(*.from),
        format_date(SystemTime::now())
    )]
    NotYetValid {
        /// The owner of the certificate.
        holder: Holder,
        /// The start of the validity of the certificate.
        from: SystemTime,
    },
    /// A certificate was issued by a CA that the side that checks it does not trust.
    #[error(
        "{holder} was not issued by a CA in ca.pem: all nodes need the same ca.pem, and \
         certificates from that CA"
    )]
    UnknownCa {
        /// The owner of the certificate.
        holder: Holder,
    },
    /// A certificate names another node, or no node.
    #[error(
        "{holder} does not name node {node}: it has {}, not {expected}; look for swapped files or \
         addresses, or issue a certificate with that DNS name among its subject alternative names",
        listed(presented)
    )]
    WrongNode {
        /// The owner of the certificate.
        holder: Holder,
        /// The node that the certificate should name.
        node: NodeId,
        /// The expected DNS name.
        expected: String,
        /// The DNS names that the certificate has.
        presented: Vec<String>,
    },
    /// A certificate may not be used for connections between nodes.
    #[error(
        "{holder} is for another purpose: issue a certificate with both extended key usages, \
         serverAuth and clientAuth"
    )]
    Purpose {
        /// The owner of the certificate.
        holder: Holder,
    },
    /// A certificate cannot be used for a reason that no other variant describes.
    #[error("{holder} cannot be used: {error}; issue a new one")]
    Certificate {
        /// The owner of the certificate.
        holder: Holder,
        /// The error of the TLS library.
        error: rustls::Error,
    },

    /// The peer sent no certificate.
    #[error(
        "the peer has sent no certificate: if it is a node, give it its certificate with \
         --tls-dir, or in a program with `.tls(..)`"
    )]
    NoCertificate,
    /// The received bytes are not TLS.
    #[error(
        "the peer does not speak TLS: if it is a node, start it with --tls-dir, or in a program \
         with `.tls(..)`; all nodes of a cluster must use TLS, or none"
    )]
    NotTls,
    /// The other side of the connection uses TLS, but is another service than a node of elector.
    #[error("the peer speaks TLS but is no elector node: check the address, and who connects")]
    OtherProtocol,
    /// The other side rejected this node with a TLS alert.
    #[error("the peer rejected this node ({alert:?}): {}", faults::advice(*.alert))]
    Rejected {
        /// The TLS alert that the other side sent.
        alert: AlertDescription,
    },
    /// The other side closed the connection during the TLS handshake, or just after it.
    #[error(
        "the peer closed the connection in the TLS handshake: it may be stopping, or it does not \
         speak TLS; see its log"
    )]
    Closed,
    /// The TLS handshake failed for a reason that no other variant describes.
    #[error("the TLS handshake failed: {0}")]
    Handshake(rustls::Error),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Connection(io::Error),
}

debug_as_text!(TlsError);

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "no DNS name".to_owned();
    }
    names.join(", ")
}

/// Converts a time in a certificate to a time of the system clock.
pub(super) fn to_system_time(time: UnixTime) -> SystemTime {
    let since = Duration::from_secs(time.as_secs());
    let point = SystemTime::UNIX_EPOCH.checked_add(since);
    point.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Formats a time for people.
pub(super) fn format_date(point: SystemTime) -> String {
    let since = point.duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    let point = i64::try_from(seconds).map(time::OffsetDateTime::from_unix_timestamp);
    match point {
        Ok(Ok(point)) => {
            let (date, hour, minute) = (point.date(), point.hour(), point.minute());
            format!("{date} {hour:02}:{minute:02} UTC")
        }
        // The time is later than the last year of the calendar.
        _ => format!("{seconds} s after 1970"),
    }
}
