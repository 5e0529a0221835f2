use std::{
    fmt, io,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use elector_core::NodeId;
use thiserror::Error;
use tokio_rustls::rustls::{
    self, AlertDescription,
    pki_types::{UnixTime, pem},
};

use super::faults;

/// Whose certificate an error is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Holder {
    /// This node's, in this file.
    File(PathBuf),
    /// That of the other side of a connection.
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

/// Why certificates cannot be used, or a connection was refused. The message says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error(
        "cannot read {}: {source}; a node needs ca.pem, node-<id>.pem and node-<id>.key.pem, and \
         `elector certs dev` makes them",
        path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error(
        "there is no {what} to use in {}: {source}; it must be PEM, and a key must not be \
         encrypted",
        path.display()
    )]
    Pem {
        /// The file.
        path: PathBuf,
        /// `certificate` or `key`.
        what: &'static str,
        /// Why not.
        source: pem::Error,
    },
    /// Others can read the key, and so be this node.
    #[error(
        "others can read the key in {path} (mode {mode:03o}), and with it be this node; if they \
         may have, issue a new one, else: chmod {allowed:o} {path}",
        path = path.display()
    )]
    KeyExposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// Those that it may have.
        allowed: u32,
    },
    /// The key is of no known kind.
    #[error("the key in {} cannot be used: {source}; ECDSA P-256 is a good choice", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
    /// Key and certificate are not of one pair.
    #[error(
        "the key in {} is not that of the certificate in {}: copy both from one place",
        key.display(),
        certificate.display()
    )]
    KeyMismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's.
        certificate: PathBuf,
    },
    /// Nodes cannot be named so.
    #[error("\"{0}\" is no DNS name: use a suffix such as elector.internal")]
    Suffix(String),

    /// A certificate was valid once.
    #[error("{holder} expired on {}: issue a new one; no restart is needed", date(*.until))]
    Expired {
        /// Whose.
        holder: Holder,
        /// When.
        until: SystemTime,
    },
    /// A certificate will be valid one day.
    #[error(
        "{holder} is not valid before {}, and here it is {}: if that is wrong, set this clock; \
         else issue a new one",
        date(*.from),
        date(SystemTime::now())
    )]
    NotYetValid {
        /// Whose.
        holder: Holder,
        /// From when.
        from: SystemTime,
    },
    /// A certificate was issued by somebody else.
    #[error(
        "{holder} was issued by no CA in ca.pem: all nodes need the same ca.pem, and certificates \
         of that CA"
    )]
    UnknownCa {
        /// Whose.
        holder: Holder,
    },
    /// A certificate is another node's, or nobody's.
    #[error(
        "{holder} does not name node {node}: it has {}, not {expected}; look for swapped files or \
         addresses, or issue a certificate with that DNS name among its subject alternative names",
        listed(presented)
    )]
    WrongNode {
        /// Whose.
        holder: Holder,
        /// Which node it should be.
        node: NodeId,
        /// The name that was looked for.
        expected: String,
        /// The names that it has.
        presented: Vec<String>,
    },
    /// A certificate may not be used for this.
    #[error(
        "{holder} is for another purpose: issue one with both extended key usages, serverAuth and \
         clientAuth"
    )]
    Purpose {
        /// Whose.
        holder: Holder,
    },
    /// A certificate is wrong in another way.
    #[error("{holder} cannot be used: {source}; issue a new one")]
    Certificate {
        /// Whose.
        holder: Holder,
        /// How.
        source: rustls::Error,
    },

    /// The peer did not say who it is.
    #[error(
        "the peer has sent no certificate: if it is a node, give it its certificate by --tls-dir"
    )]
    NoCertificate,
    /// What came is no TLS.
    #[error(
        "the peer does not speak TLS: if it is a node, start it with --tls-dir, as all of a \
         cluster or none"
    )]
    NotTls,
    /// The other side is another service.
    #[error("the peer speaks TLS and is no elector node: look at the address, and at who connects")]
    OtherProtocol,
    /// The other side would have none of it.
    #[error("the peer refused this node ({alert:?}): {}", faults::advice(*.alert))]
    Refused {
        /// Its reason.
        alert: AlertDescription,
    },
    /// The other side hung up.
    #[error(
        "the peer closed the connection in the TLS handshake: it may be stopping, or it does not \
         speak TLS; its log says which"
    )]
    Closed,
    /// The handshake failed in another way.
    #[error("the TLS handshake failed: {0}")]
    Handshake(#[source] rustls::Error),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Connection(#[source] io::Error),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "no DNS name".to_owned();
    }
    names.join(", ")
}

/// A moment as certificates write it, as the clock does.
pub(super) fn point(time: UnixTime) -> SystemTime {
    let since = Duration::from_secs(time.as_secs());
    let point = SystemTime::UNIX_EPOCH.checked_add(since);
    point.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A moment, for people.
pub(super) fn date(point: SystemTime) -> String {
    let since = point.duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    let point = i64::try_from(seconds).map(time::OffsetDateTime::from_unix_timestamp);
    match point {
        Ok(Ok(point)) => {
            let (date, hour, minute) = (point.date(), point.hour(), point.minute());
            format!("{date} {hour:02}:{minute:02} UTC")
        }
        // Later than any calendar.
        _ => format!("{seconds} s after 1970"),
    }
}
