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
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, ServerName, UnixTime},
        server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
        sign::{CertifiedKey, SingleCertAndKey},
        version::TLS13,
    },
};

use super::{Holder, PROTOCOL, TlsError, TlsFiles, error::to_system_time, names};

/// The contents of the certificate files after all checks, ready for handshakes.
pub(super) struct Credentials {
    pub(super) connector: TlsConnector,
    pub(super) acceptor: TlsAcceptor,
    /// The time at which the first of these certificates expires: the node's certificate and its
    /// intermediate certificates.
    pub(super) valid_until: SystemTime,
    /// The end of the validity of the CA that issued the node's certificate; `None` if it is
    /// unknown.
    pub(super) ca_valid_until: Option<SystemTime>,
}

impl Credentials {
    pub(super) fn load(files: &TlsFiles, me: NodeId) -> Result<Self, TlsError> {
        let authorities = TlsFiles::certificates(&files.ca)?;
        let roots = Arc::new(roots(&files.ca, &authorities)?);
        let chain = TlsFiles::certificates(&files.certificate)?;
        let provider = Arc::new(ring::default_provider());
        let servers =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
        let servers = servers.build().map_err(|_| files.no_ca())?;
        let clients = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider));
        let clients = clients.build().map_err(|_| files.no_ca())?;
        check(&chain, files, me, &*servers, &*clients)?;
        let valid_until = valid_until(&chain, &*clients).unwrap_or(SystemTime::UNIX_EPOCH);
        let ca_valid_until = ca_valid_until(&authorities, &chain, &provider);

        let key = CertifiedKey::from_der(chain, files.key()?, &provider);
        let key = key.map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::KeyMismatch {
                key: files.key.clone(),
                certificate: files.certificate.clone(),
            },
            error => TlsError::Key {
                path: files.key.clone(),
                error,
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
            ca_valid_until,
        })
    }

    /// Returns the time at which the first of these certificates expires: the node's certificate,
    /// its intermediate certificates, and the certificate of the CA that issued it.
    pub(super) fn expires(&self) -> SystemTime {
        let ca = self.ca_valid_until.unwrap_or(self.valid_until);
        self.valid_until.min(ca)
    }
}

// Does not print anything that contains a key.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("valid_until", &self.valid_until)
            .field("ca_valid_until", &self.ca_valid_until)
            .finish_non_exhaustive()
    }
}

fn roots(path: &Path, authorities: &[CertificateDer<'_>]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in authorities {
        let added = roots.add(certificate.clone().into_owned());
        added.map_err(|error| TlsError::of_certificate(Holder::File(path.to_owned()), error))?;
    }
    Ok(roots)
}

/// Checks the node's certificate chain by the rules by which peers check it.
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

/// Returns the time at which the first certificate of the chain expires; `None` if it is unknown.
///
/// The library has no function that returns the end of a validity. But if a verifier gets the
/// latest possible time as the present time, its first check fails, and its error contains the time
/// at which the certificate expires.
fn valid_until(
    chain: &[CertificateDer<'_>],
    verifier: &dyn ClientCertVerifier,
) -> Option<SystemTime> {
    let end = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
    let ends = chain.iter().filter_map(|certificate| {
        match verifier.verify_client_cert(certificate, &[], end) {
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext {
                not_after, ..
            })) => Some(to_system_time(not_after)),
            _ => None,
        }
    });
    ends.min()
}

/// Returns the end of the validity of the CA that issued the node's certificate. While one CA
/// replaces another, several CAs can have issued it. Then this function returns the latest end of
/// their validities, because one valid CA is enough.
fn ca_valid_until(
    authorities: &[CertificateDer<'_>],
    chain: &[CertificateDer<'_>],
    provider: &Arc<CryptoProvider>,
) -> Option<SystemTime> {
    let (certificate, rest) = chain.split_first()?;
    let ends = authorities.iter().filter_map(|authority| {
        let mut only = RootCertStore::empty();
        only.add(authority.clone().into_owned()).ok()?;
        let verifier =
            WebPkiClientVerifier::builder_with_provider(only.into(), Arc::clone(provider));
        let verifier = verifier.build().ok()?;
        let checked = verifier.verify_client_cert(certificate, rest, UnixTime::now());
        checked.ok()?;
        valid_until(std::slice::from_ref(authority), &*verifier)
    });
    ends.max()
}
