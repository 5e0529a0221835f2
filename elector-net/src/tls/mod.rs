//! Mutual TLS: both sides of a connection prove which node they are.
//!
//! A certificate names node 3 if one of its subject alternative names is the DNS name
//! `node-3.elector.internal`. A wildcard does not count. The suffix can be changed
//! ([`TlsFiles::suffix`]). If one CA serves several clusters, each cluster needs a suffix of its
//! own. Otherwise node 3 of one cluster could impersonate node 3 of another. Certificates need the
//! extended key usages `serverAuth` and `clientAuth`, because a node is both a server and a client.
//!
//! A node trusts only the CA certificates in its `ca.pem`, and not those of the system. If a CA
//! certificate in the file has expired, the node logs this, but still trusts the CA. Revocation is
//! not checked: to exclude a node before its certificate expires, replace the CA.
//!
//! Connections use TLS 1.3 with the protocol name `elector/1`. There is no session resumption and
//! no early data. So each connection has a full handshake with certificates that are valid at that
//! time, and bytes of one connection cannot be replayed on another. An open connection does not end
//! when a certificate expires.

mod accepted;
mod credentials;
mod error;
mod expiry;
mod faults;
mod files;
mod names;
#[cfg(test)]
mod tests;
mod watcher;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use elector_core::NodeId;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::pki_types::ServerName;

pub use accepted::Accepted;
pub(crate) use accepted::Certificate;
pub use error::{Holder, TlsError};
pub use files::TlsFiles;
pub use tokio_rustls::TlsStream;

#[cfg(feature = "certs")]
pub(crate) use files::SUFFIX;
#[cfg(feature = "http")]
pub(crate) use files::check_secret;
#[cfg(feature = "certs")]
pub(crate) use names::of as name_of;

use crate::link::lock;
use credentials::Credentials;
use error::format_date;
use expiry::{Expiry, Reminder};
use files::Stamps;
use watcher::FileWatcher;

/// The protocol name (ALPN) on which both sides of a connection must agree. A service other than
/// elector has another protocol name, so a node rejects it.
const PROTOCOL: &[u8] = b"elector/1";

/// The TLS credentials of a node, and the checks of its peers. A clone is cheap.
///
/// If files change, all of them are read again in the background. If the new files are incomplete
/// or invalid, the node logs a warning and keeps all previous credentials. The node looks for
/// changes when a connection is made, once a minute, and after [`reload`](Self::reload).
/// Connections do not wait for the files, so a file system that hangs does not stop a node.
///
/// If a certificate expires within 30 days, or has expired, this is logged once a day and whenever
/// the files are read.
///
/// No method has a time limit, so a silent peer can block a call for ever. Put a time limit on
/// calls of [`connect`](Self::connect) and [`accept`](Self::accept).
#[derive(Clone, Debug)]
pub struct Tls {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    me: NodeId,
    files: TlsFiles,
    current: Mutex<Current>,
    watcher: OnceLock<FileWatcher>,
    /// `true` if the certificate files must be read again even if they have not changed.
    is_reload_requested: AtomicBool,
}

/// The credentials in use. The lock on this value is never held while a file is read.
#[derive(Debug)]
struct Current {
    credentials: Arc<Credentials>,
    /// The [stamps](Stamps) of the certificate files, such as their modification times, before the
    /// last attempt to read the files. As long as the stamps do not change, the files are not read
    /// again, even if they could not be used.
    stamps: Stamps,
    own: Reminder,
    ca: Reminder,
}

impl Tls {
    /// Reads `ca.pem`, `node-<id>.pem` and `node-<id>.key.pem` in `folder`, as `elector certs dev`
    /// writes them.
    ///
    /// # Errors
    /// As [`from_files`](Self::from_files).
    pub fn load(folder: &Path, me: NodeId) -> Result<Self, TlsError> {
        Self::from_files(TlsFiles::in_folder(folder, me), me)
    }

    /// Reads the files, and checks them as a peer would: the certificate is valid now, names this
    /// node, and was issued by the CA. Also checks that the key belongs to the certificate.
    ///
    /// # Errors
    /// If a file cannot be read or parsed, if other users can read the key, or if a peer would
    /// reject the certificate.
    pub fn from_files(files: TlsFiles, me: NodeId) -> Result<Self, TlsError> {
        // The stamps, such as the modification times, are taken before the files are read. So a
        // change of a file during or after the read is noticed.
        let stamps = files.stamps();
        let credentials = Arc::new(Credentials::load(&files, me)?);
        let until = format_date(credentials.valid_until);
        tracing::info!(node = me.0, "certificates are in use, valid until {until}");
        let shared = Shared {
            me,
            files,
            current: Mutex::new(Current {
                credentials,
                stamps,
                own: Reminder::default(),
                ca: Reminder::default(),
            }),
            watcher: OnceLock::new(),
            is_reload_requested: AtomicBool::new(false),
        };
        shared.log_expiry();
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Returns the end of the validity of the node's certificate, or of one of its intermediate
    /// certificates if one of them ends earlier.
    #[must_use]
    pub fn valid_until(&self) -> SystemTime {
        self.current().valid_until
    }

    /// Returns the time at which the first of these certificates expires: the node's certificate,
    /// its intermediate certificates, and the certificate of the CA that issued it.
    #[must_use]
    pub fn expires(&self) -> SystemTime {
        self.current().expires()
    }

    /// Reads the files again in the background, even if they have not changed. This method does not
    /// wait: the result is logged, and later connections use the new credentials.
    pub fn reload(&self) {
        self.shared
            .is_reload_requested
            .store(true, Ordering::Release);
        self.watch();
    }

    /// Checks now, in the background, whether the files have changed. After that, they are checked
    /// regularly.
    pub(crate) fn watch(&self) {
        let watcher = self.shared.watcher.get_or_init(|| {
            let name = format!("elector-tls-{}", self.shared.me);
            FileWatcher::start(Arc::downgrade(&self.shared), name)
        });
        watcher.wake();
    }

    /// Makes an outgoing connection a TLS connection to the node `peer`.
    ///
    /// The acceptor may still reject this node's certificate. In TLS 1.3, only the first read
    /// returns this error, and [`TlsError::from`] converts it.
    ///
    /// # Errors
    /// If the handshake fails, or the acceptor is not `peer`.
    pub async fn connect<S>(&self, stream: S, peer: NodeId) -> Result<TlsStream<S>, TlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = names::of(peer, &self.shared.files.suffix);
        let server = ServerName::try_from(name).map_err(|_| self.shared.files.bad_suffix())?;
        self.watch();
        let connector = self.current().connector.clone();
        let connecting = connector.connect(server, stream).await;
        let stream = connecting.map_err(|error| TlsError::of_connecting(error, peer))?;
        // The handshake has already checked the name, but it also accepts a wildcard.
        let accepted = Accepted::new(stream.into(), &self.shared.files.suffix)?;
        accepted.check(peer)?;
        Ok(accepted.into_stream())
    }

    /// Makes an incoming connection a TLS connection from a node of the cluster. Then call
    /// [`Accepted::check`] with the node that the other side claims to be.
    ///
    /// # Errors
    /// If the handshake fails, or the peer has no certificate of the CA.
    pub async fn accept<S>(&self, stream: S) -> Result<Accepted<S>, TlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.watch();
        let acceptor = self.current().acceptor.clone();
        let stream = acceptor.accept(stream).await?;
        Accepted::new(stream.into(), &self.shared.files.suffix)
    }

    /// Returns the credentials in use.
    fn current(&self) -> Arc<Credentials> {
        Arc::clone(&lock(&self.shared.current).credentials)
    }
}

impl Shared {
    /// Reads the certificate files if they have changed, or if `reload` was called. Then logs
    /// certificates that expire. If the file system hangs, this call hangs, too.
    fn check_files(&self) {
        let is_reload_requested = self.is_reload_requested.swap(false, Ordering::AcqRel);
        // The stamps, such as the modification times, are taken before the files are read. So the
        // next check notices a change of a file during or after the read.
        let stamps = self.files.stamps();
        let has_changed = stamps != lock(&self.current).stamps;
        if is_reload_requested || has_changed {
            let read = Credentials::load(&self.files, self.me);
            let mut current = lock(&self.current);
            current.stamps = stamps;
            match read {
                Ok(credentials) => {
                    let until = format_date(credentials.valid_until);
                    current.credentials = Arc::new(credentials);
                    (current.own, current.ca) = (Reminder::default(), Reminder::default());
                    drop(current);
                    let what = match has_changed {
                        true => "new certificates are in use",
                        false => "certificates were read again",
                    };
                    tracing::info!(node = self.me.0, "{what}, valid until {until}");
                }
                // An error is normal while an operator replaces certificates, because the files are
                // often written one after the other.
                Err(error) => {
                    drop(current);
                    tracing::warn!(
                        node = self.me.0,
                        "certificates on disk cannot be used, so the previous ones stay in use: \
                         {error}"
                    );
                }
            }
        }
        self.log_expiry();
    }

    fn log_expiry(&self) {
        let (credentials, own, ca) = {
            let now = SystemTime::now();
            let mut current = lock(&self.current);
            let credentials = Arc::clone(&current.credentials);
            let own = current.own.due(credentials.valid_until, now);
            let ca = credentials.ca_valid_until;
            let ca = ca.and_then(|until| current.ca.due(until, now));
            (credentials, own, ca)
        };
        let (certificate, key) = (self.files.certificate.display(), self.files.key.display());
        let node = self.me.0;
        let until = format_date(credentials.valid_until);
        match own {
            None => {}
            Some(Expiry::Soon) => tracing::warn!(
                node,
                "node certificate expires soon, on {until}: replace {certificate} and {key}; no \
                 restart is needed"
            ),
            Some(Expiry::Over) => tracing::error!(
                node,
                "node certificate expired on {until}: connections stay open, but new ones are \
                 impossible. Replace {certificate} and {key}; no restart is needed"
            ),
        }
        let ca_file = self.files.ca.display();
        let until = credentials
            .ca_valid_until
            .map(format_date)
            .unwrap_or_default();
        match ca {
            None => {}
            Some(Expiry::Soon) => tracing::warn!(
                node,
                "CA certificate expires soon, on {until}: add a new CA to {ca_file} on all nodes, \
                 and then issue node certificates from it"
            ),
            Some(Expiry::Over) => tracing::error!(
                node,
                "CA certificate expired on {until}: nodes still trust it, because it is in \
                 {ca_file}. Add a new CA there on all nodes, and then issue node certificates from \
                 it"
            ),
        }
    }
}
