//! Makes valid and invalid certificates for the tests.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use elector_core::NodeId;
use elector_net::certs;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData,
};
use tempfile::TempDir;
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::WebPkiClientVerifier,
        version::TLS13,
    },
};

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns a folder with the files of a cluster of three nodes with its own CA. The certificates
/// are valid for a year.
pub(crate) fn cluster() -> TempDir {
    cluster_of(&[1, 2, 3])
}

/// Returns a folder with the files of a cluster of these nodes with its own CA. A test that reads
/// the log needs node ids that no other test uses.
pub(crate) fn cluster_of(nodes: &[u64]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let nodes: Vec<NodeId> = nodes.iter().copied().map(NodeId).collect();
    certs::write_dev(folder.path(), "test", &nodes, 365).unwrap();
    folder
}

/// Returns the parameters of a valid certificate of the node. A test can change these parameters.
pub(crate) fn good(node: u64) -> CertificateParams {
    let mut params = CertificateParams::new([format!("node-{node}.elector.internal")]).unwrap();
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
}

/// Issues another certificate for the node with these parameters, from the CA in the folder. It
/// replaces the node's files in the folder.
pub(crate) fn reissue(folder: &Path, node: u64, params: &CertificateParams) {
    let key = KeyPair::from_pem(&read(folder, "ca.key.pem")).unwrap();
    let ca = CertificateDer::from_pem_slice(read(folder, "ca.pem").as_bytes()).unwrap();
    let issuer = Issuer::from_ca_cert_der(&ca, key).unwrap();
    issue(folder, node, params, &issuer, "");
}

/// Issues a certificate for the node, and writes it with these intermediate certificates into the
/// folder.
pub(crate) fn issue(
    folder: &Path,
    node: u64,
    params: &CertificateParams,
    issuer: &Issuer<'_, KeyPair>,
    intermediates: &str,
) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap().pem();
    put(
        folder,
        &format!("node-{node}.pem"),
        &(certificate + intermediates),
    );
    put(
        folder,
        &format!("node-{node}.key.pem"),
        &key.serialize_pem(),
    );
}

/// Creates a CA with a minimal certificate. The certificate is self-signed, or signed by another
/// CA.
pub(crate) fn ca(
    name: &str,
    by: Option<&Issuer<'static, KeyPair>>,
) -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().unwrap();
    let certificate = match by {
        Some(by) => params.signed_by(&key, by).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    (certificate.pem(), Issuer::new(params, key))
}

/// Returns the time that is this many days in the future.
pub(crate) fn in_days(days: i64) -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc() + time::Duration::days(days)
}

pub(crate) fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Writes a file atomically, as good tools for certificates do: under another name first, and then
/// with a rename.
pub(crate) fn put(folder: &Path, name: &str, text: &str) -> PathBuf {
    let (path, part) = (folder.join(name), folder.join("part"));
    fs::write(&part, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&part, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::rename(part, &path).unwrap();
    path
}

fn roots(folder: &Path) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let text = read(folder, "ca.pem");
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    Arc::new(roots)
}

fn pair(folder: &Path, node: u64) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let certificate = read(folder, &format!("node-{node}.pem"));
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = read(folder, &format!("node-{node}.key.pem"));
    (
        vec![certificate],
        PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
    )
}

/// Returns a TLS client without the restrictions of `Tls`. It can have the certificate of any node
/// or no certificate, and any protocol name or, if `protocol` is empty, no protocol name.
pub(crate) fn custom_client(folder: &Path, node: Option<u64>, protocol: &str) -> TlsConnector {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(roots(folder));
    let mut config = match node.map(|node| pair(folder, node)) {
        Some((chain, key)) => config.with_client_auth_cert(chain, key).unwrap(),
        None => config.with_no_client_auth(),
    };
    if !protocol.is_empty() {
        config.alpn_protocols = vec![protocol.into()];
    }
    TlsConnector::from(Arc::new(config))
}

/// Returns a TLS server without the restrictions of `Tls`. It can have any protocol name or, if
/// `protocol` is empty, no protocol name.
pub(crate) fn custom_server(folder: &Path, node: u64, protocol: &str) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(roots(folder), Arc::clone(&provider));
    let (chain, key) = pair(folder, node);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(chain, key)
        .unwrap();
    if !protocol.is_empty() {
        config.alpn_protocols = vec![protocol.into()];
    }
    TlsAcceptor::from(Arc::new(config))
}

/// Returns the public key that belongs to the key file of a node in the folder. Tests look for this
/// key in certificates.
pub(crate) fn public_key(folder: &Path, node: u64) -> Vec<u8> {
    let key = read(folder, &format!("node-{node}.key.pem"));
    let key = KeyPair::from_pem(&key).unwrap();
    key.subject_public_key_info()
}
