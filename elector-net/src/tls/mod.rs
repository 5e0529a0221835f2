//! Mutual TLS: both sides of a connection prove which node they are.
//!
//! A certificate names node 3 if a DNS name among its subject alternative names is
//! `node-3.elector.internal`, spelled out: a wildcard names nobody. The suffix can be another
//! ([`TlsFiles::suffix`]); where one CA serves several clusters, each needs a suffix of its own, or
//! node 3 of one could pose as node 3 of another. Certificates need the extended key usages
//! `serverAuth` and `clientAuth`, for a node is both.
//!
//! A node trusts the certificates in its `ca.pem` and no others, the system's least of all. That a
//! CA certificate itself has expired is not looked at: it is trusted for being in the file. Revoked
//! certificates are not looked for: to shut a node out before its certificate ends, replace the CA.
//!
//! Connections are TLS 1.3, with the protocol name `elector/1`. None resumes another and none
//! carries early data: each has a full handshake with certificates that are valid then, and nothing
//! that was sent on one can be replayed on the next. One that stands does not end when a
//! certificate expires.

mod accepted;
mod error;
mod faults;
mod files;
mod identity;
mod names;
#[cfg(test)]
mod tests;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
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
pub(crate) use files::secret;
#[cfg(feature = "certs")]
pub(crate) use names::of as name_of;

use error::date;
use files::Stamps;
use identity::Identity;

/// The protocol name that both sides must agree on, so that no other service is taken for a node.
const PROTOCOL: &[u8] = b"elector/1";
/// How long before the end of its validity a certificate is warned about.
const WARN_BEFORE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// What a node shows its peers, and what it asks of them. Cheap to clone.
///
/// Files that change on the disk are picked up at the next connection, all or nothing: if what is
/// there then is not whole and valid, the node warns, and goes on with what it had.
///
/// No call has a time limit of its own: a peer may be silent for as long as it likes. Put a timeout
/// around [`connect`](Self::connect) and [`accept`](Self::accept).
#[derive(Clone, Debug)]
pub struct Tls {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    me: NodeId,
    files: TlsFiles,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    identity: Arc<Identity>,
    /// Of the files as they were last tried, whether they could be used or not: each state of
    /// them is tried once.
    stamps: Stamps,
    warned: bool,
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

    /// Reads the files, and checks what any peer would: that the certificate is valid now, names
    /// this node, and was issued by the CA; and that the key belongs to it.
    ///
    /// # Errors
    /// If a file cannot be read or understood, others than its owner can read the key, or a peer
    /// would refuse the certificate.
    pub fn from_files(files: TlsFiles, me: NodeId) -> Result<Self, TlsError> {
        // Before they are read: files that change meanwhile must be read again.
        let stamps = files.stamps();
        let identity = Arc::new(Identity::load(&files, me)?);
        let until = date(identity.valid_until);
        tracing::info!(node = me.0, "certificates are in use, valid until {until}");
        let current = Current {
            identity,
            stamps,
            warned: false,
        };
        let tls = Self {
            shared: Arc::new(Shared {
                me,
                files,
                current: Mutex::new(current),
            }),
        };
        tls.current();
        Ok(tls)
    }

    /// Until when the node's certificate is valid, and every one that it sends along. Looks for
    /// changed files first.
    #[must_use]
    pub fn valid_until(&self) -> SystemTime {
        self.current().valid_until
    }

    /// Makes an outgoing connection one to the node `peer`, and to no other.
    ///
    /// The acceptor may still refuse this node's certificate: TLS 1.3 tells it at the first read,
    /// and [`TlsError::from`] makes sense of that error.
    ///
    /// # Errors
    /// If the handshake fails, or the acceptor is not `peer`.
    pub async fn connect<S>(&self, stream: S, peer: NodeId) -> Result<TlsStream<S>, TlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = names::of(peer, &self.shared.files.suffix);
        let server = ServerName::try_from(name).map_err(|_| self.shared.files.bad_suffix())?;
        let connector = self.current().connector.clone();
        let connecting = connector.connect(server, stream).await;
        let stream = connecting.map_err(|error| TlsError::of_connecting(error, peer))?;
        // The handshake has checked the name already, and has let a wildcard pass.
        let accepted = Accepted::new(stream.into(), &self.shared.files.suffix)?;
        accepted.check(peer)?;
        Ok(accepted.into_stream())
    }

    /// Makes an incoming connection one from a node of the cluster; which one it claims to be must
    /// then be put to [`Accepted::check`].
    ///
    /// # Errors
    /// If the handshake fails, or the peer has no certificate of the CA.
    pub async fn accept<S>(&self, stream: S) -> Result<Accepted<S>, TlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = self.current().acceptor.clone();
        let stream = acceptor.accept(stream).await?;
        Accepted::new(stream.into(), &self.shared.files.suffix)
    }

    /// What the files hold now, or held when they were last whole.
    fn current(&self) -> Arc<Identity> {
        let Shared { me, files, current } = &*self.shared;
        let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = files.stamps();
        if stamps != current.stamps {
            current.stamps = stamps;
            match Identity::load(files, *me) {
                Ok(identity) => {
                    let until = date(identity.valid_until);
                    tracing::info!(
                        node = me.0,
                        "new certificates are in use, valid until {until}"
                    );
                    current.identity = Arc::new(identity);
                    current.warned = false;
                }
                // A file is often written before the one that belongs to it.
                Err(error) => {
                    tracing::warn!(
                        node = me.0,
                        "the certificates that changed on the disk cannot be used, so those from \
                         before stay in use: {error}"
                    );
                }
            }
        }
        let until = current.identity.valid_until;
        let soon = SystemTime::now() + WARN_BEFORE;
        if until < soon && !current.warned {
            current.warned = true;
            tracing::warn!(
                node = me.0,
                "the node's certificate is valid until {} only: replace {} and {}; no restart is \
                 needed",
                date(until),
                files.certificate.display(),
                files.key.display()
            );
        }
        Arc::clone(&current.identity)
    }
}
