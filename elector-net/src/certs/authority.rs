use std::{
    fmt, fs,
    path::Path,
    time::{Duration, SystemTime},
};

use elector_core::NodeId;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData,
};
use time::OffsetDateTime;
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};
use webpki::EndEntityCert;

use super::{CertsError, LONGEST_CLUSTER, MOST_DAYS};
use crate::tls::{SUFFIX, name_of};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long before its creation a certificate is already valid. The reason is that the clocks of
/// the nodes differ.
const BACKDATED: Duration = Duration::from_secs(60 * 60);

/// A CA: its certificate and its key.
pub struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Creates a new CA for a cluster. The CA can issue certificates only for names of nodes.
    ///
    /// # Errors
    /// If the name of the cluster cannot be used in a certificate.
    pub fn new(cluster: &str) -> Result<Self, CertsError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if cluster.is_empty() || cluster.len() > LONGEST_CLUSTER || !cluster.bytes().all(allowed) {
            return Err(CertsError::Cluster(cluster.to_owned()));
        }
        let key = KeyPair::generate()?;
        let mut params = params(MOST_DAYS);
        // Two CAs of one cluster must have different names, because a verifier finds the CA of a
        // certificate by its name.
        let number = params.key_identifier(&key);
        let number: String = number
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let name = format!("elector CA of {cluster} {number}");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName(SUFFIX.to_owned())],
            excluded_subtrees: Vec::new(),
        });
        Ok(Self {
            certificate: params.self_signed(&key)?.pem(),
            issuer: Issuer::new(params, key),
        })
    }

    /// Reads the CA from the files `ca.pem` and `ca.key.pem` in the folder. The first file may also
    /// contain the certificates of other CAs.
    ///
    /// # Errors
    /// If the files cannot be read, or do not contain a CA.
    pub fn read(folder: &Path) -> Result<Self, CertsError> {
        let (certificate, key) = (folder.join("ca.pem"), folder.join("ca.key.pem"));
        let read = |path: &Path| {
            fs::read_to_string(path).map_err(|error| CertsError::Read {
                path: path.to_owned(),
                error,
            })
        };
        let text = read(&certificate)?;
        let pair = KeyPair::from_pem(&read(&key)?)?;
        let of_key = pair.subject_public_key_info();
        let found = CertificateDer::pem_slice_iter(text.as_bytes()).find(|found| {
            let parsed = found.as_ref().ok().map(EndEntityCert::try_from);
            matches!(parsed, Some(Ok(found)) if *found.subject_public_key_info() == *of_key)
        });
        let Some(Ok(found)) = found else {
            return Err(CertsError::NotOfOnePair { key, certificate });
        };
        Ok(Self {
            certificate: text,
            issuer: Issuer::from_ca_cert_der(&found, pair)?,
        })
    }

    /// Returns the certificate of the CA as PEM, for the `ca.pem` of every node.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Returns the key of the CA as PEM.
    #[must_use]
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Issues a certificate that names the node and is valid for this many days.
    ///
    /// # Errors
    /// If the number of days is zero or too high.
    pub fn issue(&self, node: NodeId, days: u32) -> Result<Issued, CertsError> {
        if days == 0 || days > MOST_DAYS {
            return Err(CertsError::Days(days));
        }
        let name = name_of(node, SUFFIX);
        let key = KeyPair::generate()?;
        let mut params = params(days);
        params.distinguished_name.push(DnType::CommonName, &*name);
        params.subject_alt_names = CertificateParams::new([name])?.subject_alt_names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        Ok(Issued {
            certificate: params.signed_by(&key, &self.issuer)?.pem(),
            key: key.serialize_pem(),
        })
    }
}

// Does not print the key.
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// The certificate and the key of a node, as PEM.
#[derive(Clone)]
pub struct Issued {
    /// The certificate, which is public.
    pub certificate: String,
    /// The key, which only the node may know.
    pub key: String,
}

// Does not print the key.
impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// Returns certificate parameters that are valid from [`BACKDATED`] before now until this number of
/// days after now.
fn params(days: u32) -> CertificateParams {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = OffsetDateTime::UNIX_EPOCH + since.unwrap_or_default();
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = now - BACKDATED;
    params.not_after = now + DAY * days;
    params
}
