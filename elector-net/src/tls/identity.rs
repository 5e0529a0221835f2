use std::{
    fmt,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use elector_core::NodeId;
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    rustls::{
        CertificateError, ClientConfig, Error, InconsistentKeys, RootCertStore, ServerConfig,
        client::{Resumption, WebPkiServerVerifier, danger::ServerCertVerifier},
        crypto::ring,
        pki_types::{CertificateDer, ServerName, UnixTime},
        server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
        sign::{CertifiedKey, SingleCertAndKey},
        version::TLS13,
    },
};

use super::{Holder, PROTOCOL, TlsError, TlsFiles, error::point, names};

/// One state of the files, checked, and ready for handshakes.
pub(super) struct Identity {
    pub(super) connector: TlsConnector,
    pub(super) acceptor: TlsAcceptor,
    pub(super) valid_until: SystemTime,
}

impl Identity {
    pub(super) fn load(files: &TlsFiles, me: NodeId) -> Result<Self, TlsError> {
        let roots = Arc::new(roots(&files.ca)?);
        let chain = TlsFiles::certificates(&files.certificate)?;
        let provider = Arc::new(ring::default_provider());
        let servers =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
        let servers = servers.build().map_err(|_| files.no_ca())?;
        let clients = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider));
        let clients = clients.build().map_err(|_| files.no_ca())?;
        check(&chain, files, me, &*servers, &*clients)?;
        let valid_until = valid_until(&chain, &*clients);

        let key = CertifiedKey::from_der(chain, files.key()?, &provider);
        let key = key.map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::KeyMismatch {
                key: files.key.clone(),
                certificate: files.certificate.clone(),
            },
            source => TlsError::Key {
                path: files.key.clone(),
                source,
            },
        })?;
        let shown = Arc::new(SingleCertAndKey::from(key));

        let server = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let mut server = server
            .with_protocol_versions(&[&TLS13])
            .map_err(TlsError::Handshake)?
            .with_client_cert_verifier(clients)
            .with_cert_resolver(Arc::clone(&shown) as _);
        server.alpn_protocols = vec![PROTOCOL.to_vec()];
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        server.max_early_data_size = 0;

        let client = ClientConfig::builder_with_provider(provider);
        let mut client = client
            .with_protocol_versions(&[&TLS13])
            .map_err(TlsError::Handshake)?
            .with_webpki_verifier(servers)
            .with_client_cert_resolver(shown);
        client.alpn_protocols = vec![PROTOCOL.to_vec()];
        client.resumption = Resumption::disabled();
        client.enable_early_data = false;
        Ok(Self {
            connector: TlsConnector::from(Arc::new(client)),
            acceptor: TlsAcceptor::from(Arc::new(server)),
            valid_until,
        })
    }
}

// Nothing that holds a key is printed.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("valid_until", &self.valid_until)
            .finish_non_exhaustive()
    }
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in TlsFiles::certificates(path)? {
        let added = roots.add(certificate);
        added.map_err(|error| TlsError::of_certificate(Holder::File(path.to_owned()), error))?;
    }
    Ok(roots)
}

/// Checks the chain by the rules that peers will judge it by.
fn check(
    chain: &[CertificateDer<'_>],
    files: &TlsFiles,
    me: NodeId,
    servers: &dyn ServerCertVerifier,
    clients: &dyn ClientCertVerifier,
) -> Result<(), TlsError> {
    let holder = || Holder::File(files.certificate.clone());
    let refused = |error| TlsError::of_certificate(holder(), error);
    let (certificate, rest) = chain.split_first().ok_or_else(|| files.no_certificate())?;
    let now = UnixTime::now();
    clients
        .verify_client_cert(certificate, rest, now)
        .map_err(refused)?;

    let expected = names::of(me, &files.suffix);
    let name = ServerName::try_from(expected.as_str()).map_err(|_| files.bad_suffix())?;
    if !names::has(certificate, &expected) {
        return Err(TlsError::WrongNode {
            holder: holder(),
            node: me,
            expected,
            presented: names::all(certificate),
        });
    }
    servers
        .verify_server_cert(certificate, rest, &name, &[], now)
        .map_err(refused)?;
    Ok(())
}

/// The end of the validity of the first certificate to expire.
///
/// A certificate cannot be asked for it. But a verifier that is told that it is the end of time
/// says since when the certificate has been expired, before it looks at anything else.
fn valid_until(chain: &[CertificateDer<'_>], verifier: &dyn ClientCertVerifier) -> SystemTime {
    let end = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
    let ends = chain.iter().filter_map(|certificate| {
        match verifier.verify_client_cert(certificate, &[], end) {
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext {
                not_after, ..
            })) => Some(point(not_after)),
            _ => None,
        }
    });
    // The verifier has just found every one of them valid, so each has an end.
    ends.min().unwrap_or(SystemTime::UNIX_EPOCH)
}
