//! Tests of faults in a node's own certificate files. The node must report such a fault when it
//! starts, before a peer rejects the node.

use std::{fs, path::Path, time::SystemTime};

use elector_core::NodeId;
use elector_net::tls::{Holder, Tls, TlsError};
use rcgen::ExtendedKeyUsagePurpose;

use super::pki::{DAY, ca, cluster, good, in_days, issue, put, read, reissue};

fn load_error(folder: &Path) -> TlsError {
    Tls::load(folder, NodeId(1)).unwrap_err()
}

// If a certificate file is missing, the error must name the file, and say how to make it.
#[test]
fn a_missing_file_is_named() {
    for name in ["ca.pem", "node-1.pem", "node-1.key.pem"] {
        let folder = cluster();
        let path = folder.path().join(name);
        fs::remove_file(&path).unwrap();
        let error = load_error(folder.path());
        assert!(
            matches!(&error, TlsError::Read { path: of, .. } if *of == path),
            "{error}"
        );
        assert!(error.to_string().contains("elector certs dev"), "{error}");
    }
}

// A certificate file can be truncated, swapped with another file, or in another format. The error
// must name the file.
#[test]
fn a_file_with_other_contents_is_named() {
    for (name, text, what) in [
        ("ca.pem", "", "no valid certificate in"),
        ("ca.pem", "\u{1}\u{2}", "no valid certificate in"),
        (
            "node-1.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n",
            "no valid certificate in",
        ),
        (
            "node-1.pem",
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            "no valid certificate in",
        ),
        (
            "node-1.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "cannot be used",
        ),
        (
            "ca.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "cannot be used",
        ),
        (
            "node-1.key.pem",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "must not be encrypted",
        ),
        (
            "node-1.key.pem",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "cannot be used",
        ),
    ] {
        let folder = cluster();
        put(folder.path(), name, text);
        let error = load_error(folder.path()).to_string();
        assert!(
            error.contains(what) && error.contains(name),
            "{name}, {text}: {error}"
        );
    }
    let folder = cluster();
    put(
        folder.path(),
        "node-1.key.pem",
        &read(folder.path(), "node-1.pem"),
    );
    let error = load_error(folder.path()).to_string();
    assert!(error.contains("no valid key in "), "{error}");
}

// With a key that does not belong to the certificate, every handshake would fail. So the node must
// reject such a key at its start.
#[test]
fn a_key_of_another_certificate_is_rejected() {
    let folder = cluster();
    put(
        folder.path(),
        "node-1.key.pem",
        &read(folder.path(), "node-2.key.pem"),
    );
    let error = load_error(folder.path());
    assert!(matches!(error, TlsError::KeyMismatch { .. }), "{error}");
}

// If a node had the files of another node, its peers would reject it, or would take it for the
// other node. So it must not start.
#[test]
fn files_of_another_node_are_rejected() {
    let folder = cluster();
    for end in ["pem", "key.pem"] {
        put(
            folder.path(),
            &format!("node-1.{end}"),
            &read(folder.path(), &format!("node-2.{end}")),
        );
    }
    let error = load_error(folder.path());
    let TlsError::WrongNode {
        holder, presented, ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(*holder, Holder::File(folder.path().join("node-1.pem")));
    assert_eq!(presented[..], ["node-2.elector.internal"]);
}

// If peers would reject the certificate of a node, the node itself must reject it at its start. The
// error must say why, with the date if the certificate is not valid now.
#[test]
fn a_certificate_that_peers_would_reject_is_rejected_at_the_start() {
    let folder = cluster();
    let mut expired = good(1);
    expired.not_after = in_days(-3);
    let mut early = good(1);
    early.not_before = in_days(3);
    let mut one_way = good(1);
    one_way.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let day = |days| in_days(days).date().to_string();
    for (params, words) in [
        (expired, ["expired on", &day(-3)]),
        (early, ["is not valid before", &day(3)]),
        (
            one_way,
            ["both extended key usages", "serverAuth and clientAuth"],
        ),
    ] {
        reissue(folder.path(), 1, &params);
        let error = load_error(folder.path()).to_string();
        for word in words {
            assert!(error.contains(word), "{error}");
        }
    }
    let (other, _) = ca("another", None);
    let folder = cluster();
    put(folder.path(), "ca.pem", &other);
    let error = load_error(folder.path());
    assert!(
        matches!(
            error,
            TlsError::UnknownCa {
                holder: Holder::File(_)
            }
        ),
        "{error}"
    );
}

// A user who can read the key can impersonate the node. So the node must reject such a key file,
// and the error must say how to repair it.
#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_rejected_with_the_command_that_fixes_it() {
    use std::os::unix::fs::PermissionsExt;

    let folder = cluster();
    let path = folder.path().join("node-1.key.pem");
    let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o604);
    let error = load_error(folder.path()).to_string();
    let command = format!("chmod 600 {}", path.display());
    assert!(
        error.contains("mode 604") && error.ends_with(&command),
        "{error}"
    );
    mode(0o600);
    Tls::load(folder.path(), NodeId(1)).unwrap();
}

// Operators must be warned before the first certificate of a node's chain expires. So
// `Tls::valid_until` must return the time at which this certificate expires.
#[test]
fn the_end_of_the_validity_is_that_of_the_first_to_expire() {
    let near = |tls: &Tls, days: u32| {
        let expected = SystemTime::now() + DAY * days;
        let until = tls.valid_until();
        let apart = until
            .duration_since(expected)
            .or_else(|_| expected.duration_since(until));
        assert!(apart.unwrap() < DAY / 2, "{until:?}");
    };
    let folder = cluster();
    near(&Tls::load(folder.path(), NodeId(1)).unwrap(), 365);

    let (root, root_issuer) = ca("root", None);
    let mut params = rcgen::CertificateParams::default();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "between");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.not_after = in_days(40);
    let key = rcgen::KeyPair::generate().unwrap();
    let between = params.signed_by(&key, &root_issuer).unwrap().pem();
    let issuer = rcgen::Issuer::new(params, key);
    put(folder.path(), "ca.pem", &root);
    issue(folder.path(), 1, &good(1), &issuer, &between);
    near(&Tls::load(folder.path(), NodeId(1)).unwrap(), 40);
}
