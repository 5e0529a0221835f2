//! Creates a private CA and node certificates, for development, for tests, and for clusters that
//! have no other CA. This module needs the feature `certs`.
//!
//! Everyone who has the CA's key can issue a certificate of any node. The key stays in the folder,
//! so that nodes can be added later. Keep that folder on a machine where no node runs.

mod authority;
mod error;

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use elector_core::NodeId;

pub use authority::{Authority, Issued};
pub use error::CertsError;

use crate::tls::TlsFiles;

/// The longest validity of a certificate in days. The CA's own certificate has this validity.
pub const MOST_DAYS: u32 = 3_650;

/// The maximum length of a cluster's name, in bytes. The name is a part of the CA's common name,
/// which has at most 64 characters.
const LONGEST_CLUSTER: usize = 40;
/// The modes of files that all users can read, and of files that only the owner can read.
const PUBLIC: u32 = 0o644;
const SECRET: u32 = 0o600;

/// Creates a CA and a certificate for each of the nodes, and writes them into the folder. The files
/// are `ca.pem` and `ca.key.pem`, and for each node `node-<id>.pem` and `node-<id>.key.pem`.
/// Returns the paths of the files.
///
/// # Errors
/// If one of the files exists or cannot be written. No new file is left in the folder then.
pub fn write_dev(
    folder: &Path,
    cluster: &str,
    nodes: &[NodeId],
    days: u32,
) -> Result<Vec<PathBuf>, CertsError> {
    let authority = Authority::new(cluster)?;
    let mut files = vec![
        (
            folder.join("ca.pem"),
            authority.certificate().to_owned(),
            PUBLIC,
        ),
        (folder.join("ca.key.pem"), authority.key(), SECRET),
    ];
    files.extend(of_nodes(&authority, folder, nodes, days)?);
    write(folder, &files)
}

/// Issues a certificate for each of the nodes from the CA in the folder, and writes the
/// certificates into the same folder. Returns the paths of the files.
///
/// # Errors
/// If the CA cannot be read, or if one of the files exists or cannot be written. No new file is
/// left in the folder then.
pub fn add_dev(folder: &Path, nodes: &[NodeId], days: u32) -> Result<Vec<PathBuf>, CertsError> {
    let authority = Authority::read(folder)?;
    let files = of_nodes(&authority, folder, nodes, days)?;
    write(folder, &files)
}

type Written = (PathBuf, String, u32);

fn of_nodes(
    authority: &Authority,
    folder: &Path,
    nodes: &[NodeId],
    days: u32,
) -> Result<Vec<Written>, CertsError> {
    let mut files = Vec::new();
    for &node in nodes {
        let Issued { certificate, key } = authority.issue(node, days)?;
        let paths = TlsFiles::in_folder(folder, node);
        files.push((paths.certificate, certificate, PUBLIC));
        files.push((paths.key, key, SECRET));
    }
    Ok(files)
}

fn write(folder: &Path, files: &[Written]) -> Result<Vec<PathBuf>, CertsError> {
    if let Some((path, ..)) = files
        .iter()
        .find(|(path, ..)| path.symlink_metadata().is_ok())
    {
        return Err(CertsError::Exists(path.clone()));
    }
    fs::create_dir_all(folder).map_err(|error| CertsError::Write {
        path: folder.to_owned(),
        error,
    })?;
    let mut written = Vec::new();
    for (path, text, mode) in files {
        if let Err(error) = write_new(path, text, *mode) {
            // An incomplete set of files is useless. The next attempt would fail because some of
            // the files exist.
            for path in &written {
                let _ = fs::remove_file(path);
            }
            let path = path.clone();
            return Err(match error.kind() {
                io::ErrorKind::AlreadyExists => CertsError::Exists(path),
                _ => CertsError::Write { path, error },
            });
        }
        written.push(path.clone());
    }
    Ok(written)
}

fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
    let written = file.write_all(text.as_bytes());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}
