use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use elector_core::NodeId;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};

use super::{TlsError, names};

/// The default suffix of a node's name in its certificate.
pub(crate) const SUFFIX: &str = "elector.internal";

/// The certificate files of a node, and the rule for the names of nodes in certificates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TlsFiles {
    /// The certificates of the trusted CAs. The file has several certificates while one CA replaces
    /// another.
    pub ca: PathBuf,
    /// The node's certificate, followed by the intermediate certificates, if any.
    pub certificate: PathBuf,
    /// The key, which must not be encrypted. Only its owner may be able to read it. If root owns
    /// the key, its group may read it, too.
    pub key: PathBuf,
    /// The suffix of node names. For example, the name of node 3 is `node-3.` and this suffix.
    pub suffix: String,
}

/// The modification time, the length and the inode of each of the three certificate files. If one
/// of these values differs, the file has changed.
pub(super) type Stamps = [Option<(SystemTime, u64, u64)>; 3];

impl TlsFiles {
    /// Returns `ca.pem`, `node-<id>.pem` and `node-<id>.key.pem` in `folder`, with the suffix
    /// `elector.internal`.
    #[must_use]
    pub fn in_folder(folder: &Path, me: NodeId) -> Self {
        Self {
            ca: folder.join("ca.pem"),
            certificate: folder.join(format!("node-{me}.pem")),
            key: folder.join(format!("node-{me}.key.pem")),
            suffix: SUFFIX.to_owned(),
        }
    }

    pub(super) fn stamps(&self) -> Stamps {
        [&self.ca, &self.certificate, &self.key].map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
        })
    }

    /// Reads all certificates in a file. Returns an error if the file has no certificate.
    pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let text = fs::read(path).map_err(unreadable(path))?;
        let found = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
        match found {
            Ok(found) if !found.is_empty() => Ok(found),
            Ok(_) => Err(not_pem(path, "certificate", pem::Error::NoItemsFound)),
            Err(error) => Err(not_pem(path, "certificate", error)),
        }
    }

    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let unreadable = unreadable(&self.key);
        let mut file = File::open(&self.key).map_err(&unreadable)?;
        let found = file.metadata().map_err(&unreadable)?;
        check_secret(found.mode(), found.uid()).map_err(|allowed| TlsError::KeyExposed {
            path: self.key.clone(),
            mode: found.mode() & 0o777,
            allowed,
        })?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(&unreadable)?;
        PrivateKeyDer::from_pem_slice(&text).map_err(|error| not_pem(&self.key, "key", error))
    }

    pub(super) fn no_ca(&self) -> TlsError {
        not_pem(&self.ca, "certificate", pem::Error::NoItemsFound)
    }

    pub(super) fn no_certificate(&self) -> TlsError {
        not_pem(&self.certificate, "certificate", pem::Error::NoItemsFound)
    }

    pub(super) fn bad_suffix(&self) -> TlsError {
        TlsError::Suffix(names::of(NodeId(1), &self.suffix))
    }
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> TlsError {
    move |error| TlsError::Read {
        path: path.to_owned(),
        error,
    }
}

fn not_pem(path: &Path, what: &'static str, error: pem::Error) -> TlsError {
    TlsError::Pem {
        path: path.to_owned(),
        what,
        error,
    }
}

/// Checks that only the owner can read a file with this mode and owner. If others can read or write
/// it, returns the mode that the file should have.
///
/// If root owns the file, its group may read it, too. This is the rule of `PostgreSQL`. The reason
/// is Kubernetes: it mounts the secrets of a non-root process with root as the owner, and makes
/// them readable for the group of that process.
pub(crate) fn check_secret(mode: u32, owner: u32) -> Result<(), u32> {
    let allowed = if owner == 0 { 0o740 } else { 0o700 };
    if mode & 0o777 & !allowed == 0 {
        Ok(())
    } else {
        Err(mode & allowed)
    }
}
