use elector_core::NodeId;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use webpki::EndEntityCert;

/// Returns the name of a node in its certificate.
pub(crate) fn of(node: NodeId, suffix: &str) -> String {
    format!("node-{node}.{suffix}")
}

/// Returns `true` if the certificate contains exactly this name. This check is stricter than that
/// of TLS, which accepts wildcards: a wildcard would name every node.
pub(super) fn has(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let Ok(subject) = ServerName::try_from(name) else {
        return false;
    };
    EndEntityCert::try_from(certificate).is_ok_and(|certificate| {
        certificate
            .verify_is_valid_for_subject_name(&subject)
            .is_ok()
            && certificate
                .valid_dns_names()
                .any(|dns| dns.eq_ignore_ascii_case(name))
    })
}

/// Returns all DNS names in the certificate.
pub(super) fn all(certificate: &CertificateDer<'_>) -> Vec<String> {
    EndEntityCert::try_from(certificate).map_or_else(
        |_| Vec::new(),
        |certificate| certificate.valid_dns_names().map(str::to_owned).collect(),
    )
}
