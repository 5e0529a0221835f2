use std::{io, path::PathBuf};

use elector_core::debug_as_text;
use thiserror::Error;

use super::{LONGEST_CLUSTER, MOST_DAYS};

/// The reason why certificates cannot be made. The message says what to do.
#[derive(Error)]
#[non_exhaustive]
pub enum CertsError {
    /// One of the certificate and key files that must be created exists already.
    #[error(
        "{} exists, and a cluster may be using it: choose another folder; or add a node to that \
         cluster with --add ID",
        .0.display()
    )]
    Exists(PathBuf),
    /// The name of the cluster cannot be used in a certificate.
    #[error(
        "\"{0}\" cannot name a cluster here: use 1 to {LONGEST_CLUSTER} letters, digits, dots, \
         hyphens and underscores"
    )]
    Cluster(String),
    /// The requested validity of a certificate, in days, is too short or too long.
    #[error("{0} days: choose from 1 to {MOST_DAYS}")]
    Days(u32),
    /// A file of the CA cannot be read.
    #[error("cannot read {}: {error}; it is in the folder where the CA was made", path.display())]
    Read {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// A file or the folder cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The CA's key belongs to no certificate in the file of the CA's certificate.
    #[error("the key in {} belongs to no certificate in {}", key.display(), certificate.display())]
    NotOfOnePair {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        certificate: PathBuf,
    },
    /// The library `rcgen` cannot make a certificate.
    #[error("cannot make a certificate: {0}")]
    Generate(rcgen::Error),
}

debug_as_text!(CertsError);

impl From<rcgen::Error> for CertsError {
    fn from(error: rcgen::Error) -> Self {
        Self::Generate(error)
    }
}
