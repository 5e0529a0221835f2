//! Tests of certificates that this crate creates.

use std::{fs, path::Path};

use elector_core::NodeId;
use elector_net::{
    certs::{Authority, CertsError, MOST_DAYS, add_dev, write_dev},
    tls::{Tls, TlsFiles},
};

use super::{
    call, node,
    pki::{cluster, good, put, read, reissue},
    talk,
};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<_> = entries.map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

// A cluster can grow. A certificate that is issued later must be valid for connections with the
// nodes that have certificates already.
#[tokio::test]
async fn a_node_can_be_added_later() {
    let folder = cluster();
    let before = names(folder.path()).len();
    let written = add_dev(folder.path(), &[NodeId(4)], 30).unwrap();
    assert_eq!(
        written,
        ["node-4.pem", "node-4.key.pem"].map(|name| folder.path().join(name))
    );
    assert_eq!(names(folder.path()).len(), before + 2);
    let (outgoing, incoming) = call(&node(&folder, 1), &node(&folder, 4), 4).await;
    talk(outgoing.unwrap(), incoming.unwrap().into_stream()).await;
}

// If a key file were overwritten, the key would be lost: nodes could not connect any more, or the
// CA could issue no more certificates.
#[test]
fn no_file_is_overwritten_and_no_half_of_a_set_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder");
    write_dev(&path, "test", &[NodeId(1)], 30).unwrap();
    let before = names(&path);
    let key = read(&path, "ca.key.pem");
    for nodes in [[1, 2], [2, 1], [2, 3]] {
        let error = write_dev(&path, "test", &nodes.map(NodeId), 30).unwrap_err();
        assert!(matches!(error, CertsError::Exists(_)), "{error}");
    }
    for nodes in [[1, 2], [2, 1], [2, 2]] {
        let error = add_dev(&path, &nodes.map(NodeId), 30).unwrap_err();
        assert!(matches!(error, CertsError::Exists(_)), "{error}");
    }
    assert_eq!(names(&path), before);
    assert_eq!(read(&path, "ca.key.pem"), key);
}

// Key files must be created with a mode that lets only the owner read them: if all users could read
// a key even for a moment, one of them may have read it.
#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_key() {
    use std::os::unix::fs::PermissionsExt;

    let folder = cluster();
    for name in names(folder.path()) {
        let mode = fs::metadata(folder.path().join(&name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777;
        if name.ends_with("key.pem") {
            assert_eq!(mode, 0o600, "{name}");
        } else {
            assert_eq!(mode & 0o133, 0, "{name}");
        }
    }
}

// The key of the CA stays in a folder for years. If it is stolen, it must be useless except for
// certificates of nodes: a certificate for any other name must be invalid.
#[test]
fn the_ca_can_name_nodes_and_nothing_else() {
    let folder = cluster();
    let mut params = good(1);
    let elsewhere = ["node-1.example".to_owned()];
    params.subject_alt_names = rcgen::CertificateParams::new(elsewhere)
        .unwrap()
        .subject_alt_names;
    reissue(folder.path(), 1, &params);
    let mut files = TlsFiles::in_folder(folder.path(), NodeId(1));
    files.suffix = "example".to_owned();
    let error = Tls::from_files(files, NodeId(1)).unwrap_err().to_string();
    assert!(error.contains("cannot be used"), "{error}");
}

// If a CA and its key do not match, certificates from them would be rejected by all nodes.
#[test]
fn a_ca_and_a_key_that_do_not_match_are_rejected() {
    let folder = cluster();
    put(
        folder.path(),
        "ca.key.pem",
        &read(folder.path(), "node-1.key.pem"),
    );
    let error = add_dev(folder.path(), &[NodeId(4)], 30).unwrap_err();
    assert!(matches!(error, CertsError::NotOfOnePair { .. }), "{error}");
    fs::remove_file(folder.path().join("ca.key.pem")).unwrap();
    let error = add_dev(folder.path(), &[NodeId(4)], 30).unwrap_err();
    assert!(matches!(error, CertsError::Read { .. }), "{error}");
}

// The name of a cluster and the validity of a certificate have limits. A value outside the limits
// must be rejected with an error, and not when a node uses the certificate.
#[test]
fn names_and_days_have_limits() {
    for name in ["", "a b", "é", &"x".repeat(41)] {
        let error = Authority::new(name).unwrap_err();
        assert!(matches!(error, CertsError::Cluster(_)), "{error}");
    }
    let authority = Authority::new(&"x".repeat(40)).unwrap();
    for days in [0, MOST_DAYS + 1, u32::MAX] {
        let error = authority.issue(NodeId(1), days).unwrap_err();
        assert!(matches!(error, CertsError::Days(_)), "{error}");
    }
    authority.issue(NodeId(u64::MAX), MOST_DAYS).unwrap();
}

// Logs and panics can print any value with `Debug`. This output must not contain a private key.
#[test]
fn no_key_is_printed() {
    let authority = Authority::new("test").unwrap();
    let issued = authority.issue(NodeId(1), 30).unwrap();
    let folder = cluster();
    let printed = format!("{authority:?} {issued:?} {:?}", node(&folder, 1));
    assert!(printed.contains("BEGIN CERTIFICATE") && !printed.contains("PRIVATE KEY"));
    for key in [
        authority.key(),
        issued.key,
        read(folder.path(), "node-1.key.pem"),
    ] {
        let line = key.lines().nth(1).unwrap();
        assert!(!printed.contains(line));
    }
}
