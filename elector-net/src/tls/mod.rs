//! Mutual TLS: both sides of a connection prove which node they are.
//!
//! A certificate names node 3 if a DNS name among its subject alternative names is
//! `node-3.elector.internal`, spelled out: a wildcard names nobody. The suffix can be another
//! ([`TlsFiles::suffix`]); where one CA serves several clusters, each needs a suffix of its own, or
//! node 3 of one could pose as node 3 of another. Certificates need the extended key usages
//! `serverAuth` and `clientAuth`, for a node is both.
//!
//! A node trusts the certificates in its `ca.pem` and no others, the system's least of all. A CA
//! certificate that has expired is trusted as before, for it is in the file; that is only logged.
//! Revoked certificates are not looked for: to shut a node out before its certificate ends, replace
//! the CA.
//!
//! Connections are TLS 1.3, with the protocol name `elector/1`. None resumes another and none
//! carries early data: each has a full handshake with certificates that are valid then, and nothing
//! that was sent on one can be replayed on the next. One that stands does not end when a
//! certificate expires.

mod accepted;
mod error;
mod expiry;
mod faults;
mod files;
mod identity;
mod names;
mod reader;
#[cfg(test)]
mod tests;

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
pub(crate) use files::secret;
#[cfg(feature = "certs")]
pub(crate) use names::of as name_of;

use crate::link::lock;
use error::date;
use expiry::{Expiry, Reminder};
use files::Stamps;
use identity::Identity;
use reader::Reader;

/// The protocol name that both sides must agree on, so that no other service is taken for a node.
const PROTOCOL: &[u8] = b"elector/1";

/// What a node shows its peers, and what it asks of them. Cheap to clone.
///
/// Files that change on the disk are read again in the background, all or nothing: if what is there
/// then is not whole and valid, the node warns, and goes on with what it had. They are looked at
/// whenever a connection is made, once a minute, and by [`reload`](Self::reload). No connection
/// waits for that, and a file system that hangs does not stop a node.
///
/// That a certificate ends within 30 days, or has ended, is logged once a day and whenever the
/// files are read.
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
    reader: OnceLock<Reader>,
    /// Whether the files are to be read although they have not changed.
    is_asked: AtomicBool,
}

/// What is in use. Never locked while a file is read.
#[derive(Debug)]
struct Current {
    identity: Arc<Identity>,
    /// Of the files as they were last tried, whether they could be used or not: each state of
    /// them is tried once.
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
        let shared = Shared {
            me,
            files,
            current: Mutex::new(Current {
                identity,
                stamps,
                own: Reminder::default(),
                ca: Reminder::default(),
            }),
            reader: OnceLock::new(),
            is_asked: AtomicBool::new(false),
        };
        shared.remind();
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Until when the node's certificate is valid, and every one that it sends along.
    #[must_use]
    pub fn valid_until(&self) -> SystemTime {
        self.current().valid_until
    }

    /// When the first of these ends: the node's certificate, those that it sends along, and that of
    /// the CA that has issued it.
    #[must_use]
    pub fn expires(&self) -> SystemTime {
        self.current().expires()
    }

    /// Has the files read again now, in the background, even if they look as before. Does not wait:
    /// what came of it is logged, and new connections use it.
    pub fn reload(&self) {
        self.shared.is_asked.store(true, Ordering::Release);
        self.watch();
    }

    /// Has the files looked at in the background, now and from now on.
    pub(crate) fn watch(&self) {
        let reader = self.shared.reader.get_or_init(|| {
            let name = format!("elector-tls-{}", self.shared.me);
            Reader::start(Arc::downgrade(&self.shared), name)
        });
        reader.wake();
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
        self.watch();
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
        self.watch();
        let acceptor = self.current().acceptor.clone();
        let stream = acceptor.accept(stream).await?;
        Accepted::new(stream.into(), &self.shared.files.suffix)
    }

    /// What the files held when they were last read and whole.
    fn current(&self) -> Arc<Identity> {
        Arc::clone(&lock(&self.shared.current).identity)
    }
}

impl Shared {
    /// Reads the files if they have changed, or if that is asked for; and tells of certificates
    /// that end. Takes as long as the file system does.
    fn look(&self) {
        let is_asked = self.is_asked.swap(false, Ordering::AcqRel);
        // Before they are read: files that change meanwhile must be read again.
        let stamps = self.files.stamps();
        let has_changed = stamps != lock(&self.current).stamps;
        if is_asked || has_changed {
            let read = Identity::load(&self.files, self.me);
            let mut current = lock(&self.current);
            current.stamps = stamps;
            match read {
                Ok(identity) => {
                    let until = date(identity.valid_until);
                    current.identity = Arc::new(identity);
                    (current.own, current.ca) = (Reminder::default(), Reminder::default());
                    drop(current);
                    let what = match has_changed {
                        true => "new certificates are in use",
                        false => "the certificates were read again",
                    };
                    tracing::info!(node = self.me.0, "{what}, valid until {until}");
                }
                // A file is often written before the one that belongs to it.
                Err(error) => {
                    drop(current);
                    tracing::warn!(
                        node = self.me.0,
                        "the certificates on the disk cannot be used, so those from before stay in \
                         use: {error}"
                    );
                }
            }
        }
        self.remind();
    }

    fn remind(&self) {
        let (identity, own, ca) = {
            let now = SystemTime::now();
            let mut current = lock(&self.current);
            let identity = Arc::clone(&current.identity);
            let own = current.own.due(identity.valid_until, now);
            let ca = identity.ca_valid_until;
            let ca = ca.and_then(|until| current.ca.due(until, now));
            (identity, own, ca)
        };
        let (certificate, key) = (self.files.certificate.display(), self.files.key.display());
        let node = self.me.0;
        let until = date(identity.valid_until);
        match own {
            None => {}
            Some(Expiry::Soon) => tracing::warn!(
                node,
                "the node's certificate is valid until {until} only: replace {certificate} and \
                 {key}; no restart is needed"
            ),
            Some(Expiry::Over) => tracing::error!(
                node,
                "the node's certificate expired on {until}: connections stay open, and no new one \
                 is possible. Replace {certificate} and {key}; no restart is needed"
            ),
        }
        let ca_file = self.files.ca.display();
        let until = identity.ca_valid_until.map(date).unwrap_or_default();
        match ca {
            None => {}
            Some(Expiry::Soon) => tracing::warn!(
                node,
                "the CA that has issued the node's certificate is valid until {until} only: add a \
                 new CA to {ca_file} on all nodes, and then issue certificates of it"
            ),
            Some(Expiry::Over) => tracing::error!(
                node,
                "the CA that has issued the node's certificate expired on {until}: nodes go on \
                 trusting it, as it is in {ca_file}. Add a new CA there on all nodes, and then \
                 issue certificates of it"
            ),
        }
    }
}
