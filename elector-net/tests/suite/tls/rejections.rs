//! Tests of connections that must fail, and of the errors on each side.

use std::path::Path;

use elector_core::NodeId;
use elector_net::tls::{Holder, Tls, TlsError};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::rustls::{AlertDescription, pki_types::ServerName};

use super::{
    Incoming, call, in_time, node,
    pki::{ca, cluster, custom_client, custom_server, good, in_days, issue, put, read, reissue},
};

/// Connects a client to the node `to`. The client presents the certificate of the node `presented`
/// in the folder, or no certificate. Returns the result of `to`, and the error that the client gets
/// while it connects or at its first read.
async fn answer(to: &Tls, folder: &Path, presented: Option<u64>) -> (Incoming, TlsError) {
    let client = custom_client(folder, presented, "elector/1");
    let (here, there) = duplex(64 * 1024);
    let name = ServerName::try_from("node-2.elector.internal").unwrap();
    let calling = async {
        let mut stream = client.connect(name, here).await?;
        stream.read_u8().await
    };
    let (called, incoming) = in_time(async { tokio::join!(calling, to.accept(there)) }).await;
    (incoming, called.unwrap_err().into())
}

/// Connects to a server that has the certificate of node 2 in the folder. Returns the error.
async fn connect_error(from: &Tls, folder: &Path) -> TlsError {
    let server = custom_server(folder, 2, "elector/1");
    let (here, there) = duplex(64 * 1024);
    let calling = from.connect(here, NodeId(2));
    let (called, _) = in_time(async { tokio::join!(calling, server.accept(there)) }).await;
    called.unwrap_err()
}

#[track_caller]
fn assert_unknown_ca(error: &TlsError) {
    let TlsError::UnknownCa { holder } = error else {
        panic!("{error}");
    };
    assert_eq!(*holder, Holder::Peer);
}

#[track_caller]
fn assert_wrong_purpose(error: &TlsError) {
    let TlsError::Purpose { holder } = error else {
        panic!("{error}");
    };
    assert_eq!(*holder, Holder::Peer);
}

// The addresses of two peers can be swapped in the settings. Then a node connects to the wrong
// peer, and must reject the connection because of the peer's certificate.
#[tokio::test]
async fn an_acceptor_must_be_the_expected_node() {
    let folder = cluster();
    let (outgoing, incoming) = call(&node(&folder, 1), &node(&folder, 2), 3).await;
    let error = outgoing.unwrap_err();
    let TlsError::WrongNode {
        node, presented, ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(
        (*node, &presented[..]),
        (NodeId(3), &["node-2.elector.internal".to_owned()][..])
    );
    assert!(
        error.to_string().contains("swapped files or addresses"),
        "{error}"
    );
    let received = incoming.unwrap_err();
    assert!(
        matches!(
            received,
            TlsError::Rejected {
                alert: AlertDescription::BadCertificate
            }
        ),
        "{received}"
    );
    assert!(received.to_string().contains("--peers"), "{received}");
}

// Everyone can make a CA, and certificates with the names of nodes. Both sides of a connection must
// reject certificates of a CA that they do not trust.
#[tokio::test]
async fn a_certificate_of_another_ca_is_rejected_by_both_sides() {
    let (folder, other) = (cluster(), cluster());
    let (outgoing, incoming) = call(&node(&folder, 1), &node(&other, 2), 2).await;
    let error = outgoing.unwrap_err();
    assert_unknown_ca(&error);
    let received = incoming.unwrap_err();
    assert!(
        received
            .to_string()
            .contains("all nodes need the same ca.pem"),
        "{received}"
    );

    // This client trusts both CAs.
    let both = read(other.path(), "ca.pem") + &read(folder.path(), "ca.pem");
    put(other.path(), "ca.pem", &both);
    let (incoming, received) = answer(&node(&folder, 2), other.path(), Some(1)).await;
    let error = incoming.unwrap_err();
    assert_unknown_ca(&error);
    assert!(matches!(received, TlsError::Rejected { .. }), "{received}");
    assert!(
        received
            .to_string()
            .contains("all nodes need the same ca.pem"),
        "{received}"
    );
}

// If a CA was created again under its old name, it has another key. Certificates of the old CA must
// be rejected, with the same advice as for a CA of another name.
#[tokio::test]
async fn a_ca_of_the_same_name_is_another_ca() {
    let (folder, other) = (cluster(), cluster());
    for folder in [&folder, &other] {
        let (certificate, issuer) = ca("the CA", None);
        put(folder.path(), "ca.pem", &certificate);
        for id in [1, 2] {
            issue(folder.path(), id, &good(id), &issuer, "");
        }
    }
    let (outgoing, incoming) = call(&node(&folder, 1), &node(&other, 2), 2).await;
    let (error, received) = (outgoing.unwrap_err(), incoming.unwrap_err());
    assert_unknown_ca(&error);
    assert!(
        received
            .to_string()
            .contains("all nodes need the same ca.pem"),
        "{received}"
    );
}

// A certificate that has expired or is not valid yet must be rejected. The error must say which of
// the two it is: in the first case, a renewal was forgotten, and in the second, a clock is wrong.
#[tokio::test]
async fn a_certificate_outside_its_validity_is_rejected_by_both_sides() {
    let folder = cluster();
    let (one, two) = (node(&folder, 1), node(&folder, 2));
    let invalid = cluster();
    for file in ["ca.pem", "ca.key.pem"] {
        put(invalid.path(), file, &read(folder.path(), file));
    }
    for (from, until, kind) in [(-30, -3, "expired"), (3, 30, "early")] {
        for id in [1, 2] {
            let mut params = good(id);
            params.not_before = in_days(from);
            params.not_after = in_days(until);
            reissue(invalid.path(), id, &params);
        }
        let (incoming, received) = answer(&two, invalid.path(), Some(1)).await;
        assert!(
            received.to_string().contains("look at both clocks"),
            "{received}"
        );
        for error in [
            incoming.unwrap_err(),
            connect_error(&one, invalid.path()).await,
        ] {
            let (found, holder) = match &error {
                TlsError::Expired { holder, .. } => ("expired", holder),
                TlsError::NotYetValid { holder, .. } => ("early", holder),
                _ => panic!("{error}"),
            };
            assert_eq!((found, holder), (kind, &Holder::Peer), "{error}");
        }
    }
}

// A client without a certificate could claim to be any node. So the acceptor must reject it.
#[tokio::test]
async fn a_client_without_a_certificate_is_rejected() {
    let folder = cluster();
    let (incoming, received) = answer(&node(&folder, 2), folder.path(), None).await;
    let error = incoming.unwrap_err();
    assert!(matches!(error, TlsError::NoCertificate), "{error}");
    assert!(
        received.to_string().contains("it requires a certificate"),
        "{received}"
    );
}

// The CA may also have signed certificates for other purposes, such as that of a web server. A
// process with such a certificate must not be accepted as a node.
#[tokio::test]
async fn a_certificate_for_another_purpose_is_rejected() {
    let folder = cluster();
    let (one, two) = (node(&folder, 1), node(&folder, 2));
    let mut params = good(1);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    reissue(folder.path(), 1, &params);
    let (incoming, _) = answer(&two, folder.path(), Some(1)).await;
    let error = incoming.unwrap_err();
    assert_wrong_purpose(&error);

    let mut params = good(2);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    reissue(folder.path(), 2, &params);
    let error = connect_error(&one, folder.path()).await;
    assert_wrong_purpose(&error);
}

// For TLS, a certificate with a wildcard matches the names of all nodes. If nodes accepted it, its
// holder could claim to be any node.
#[tokio::test]
async fn a_wildcard_does_not_name_a_node() {
    let folder = cluster();
    let (one, two) = (node(&folder, 1), node(&folder, 2));
    for id in [1, 2] {
        let mut params = good(id);
        let names = ["*.elector.internal".to_owned()];
        params.subject_alt_names = CertificateParams::new(names).unwrap().subject_alt_names;
        reissue(folder.path(), id, &params);
    }
    let client = custom_client(folder.path(), Some(1), "elector/1");
    let (here, there) = duplex(64 * 1024);
    let name = ServerName::try_from("node-2.elector.internal").unwrap();
    // Node 2 still presents the valid certificate that it loaded before; see the module `renewal`.
    let server = custom_server(folder.path(), 2, "elector/1");
    let calling = one.connect(here, NodeId(2));
    let (called, _) = in_time(async { tokio::join!(calling, server.accept(there)) }).await;
    let error = called.unwrap_err().to_string();
    assert!(
        error.contains("it has *.elector.internal, not node-2"),
        "{error}"
    );

    let (here, there) = duplex(64 * 1024);
    let calling = client.connect(name, here);
    let (_called, incoming) = in_time(async { tokio::join!(calling, two.accept(there)) }).await;
    assert!(!incoming.unwrap().names(NodeId(1)));
    let error = Tls::load(folder.path(), NodeId(1)).unwrap_err();
    assert!(matches!(error, TlsError::WrongNode { .. }), "{error}");
}

// The CA of a company also signs certificates of other services. Without the check of the protocol
// name, a node could connect to such a service at a wrong address, or could accept a connection of
// such a service.
#[tokio::test]
async fn another_service_of_the_same_ca_is_rejected() {
    let folder = cluster();
    for protocol in ["", "h2", "elector/9"] {
        let name = ServerName::try_from("node-2.elector.internal").unwrap();
        let client = custom_client(folder.path(), Some(1), protocol);
        let (here, there) = duplex(64 * 1024);
        let two = node(&folder, 2);
        let calling = client.connect(name, here);
        let (_called, incoming) = in_time(async { tokio::join!(calling, two.accept(there)) }).await;
        let error = incoming.unwrap_err();
        assert!(
            matches!(error, TlsError::OtherProtocol),
            "{protocol}: {error}"
        );

        let server = custom_server(folder.path(), 2, protocol);
        let (here, there) = duplex(64 * 1024);
        let one = node(&folder, 1);
        let calling = one.connect(here, NodeId(2));
        let (called, _) = in_time(async { tokio::join!(calling, server.accept(there)) }).await;
        let error = called.unwrap_err().to_string();
        assert!(error.contains("no elector node"), "{protocol}: {error}");
    }
}

// The most likely mistake is that only some nodes of a cluster have --tls-dir. The error must say
// that the peer does not use TLS, on the side that connects and on the side that accepts.
#[tokio::test]
async fn a_peer_without_tls_is_recognized() {
    let folder = cluster();
    let (one, two) = (node(&folder, 1), node(&folder, 2));
    for words in [
        &b"\x00\x00\x00\x07elector"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xff; 64],
    ] {
        let (mut here, there) = duplex(64 * 1024);
        here.write_all(words).await.unwrap();
        let error = in_time(two.accept(there)).await.unwrap_err();
        assert!(matches!(error, TlsError::NotTls), "{words:?}: {error}");

        let (here, mut there) = duplex(64 * 1024);
        there.write_all(words).await.unwrap();
        let error = in_time(one.connect(here, NodeId(2))).await.unwrap_err();
        assert!(matches!(error, TlsError::NotTls), "{words:?}: {error}");
        assert!(error.to_string().contains("--tls-dir"), "{error}");
    }
}

// If a peer stops during the handshake, or closes the connection because of invalid bytes, it sends
// no reason. The error must say that the peer has closed the connection.
#[tokio::test]
async fn a_peer_that_closes_the_connection_is_recognized() {
    let folder = cluster();
    let (one, two) = (node(&folder, 1), node(&folder, 2));
    let (here, there) = duplex(64 * 1024);
    drop(here);
    let error = in_time(two.accept(there)).await.unwrap_err();
    assert!(matches!(error, TlsError::Closed), "{error}");

    let (here, mut there) = duplex(64 * 1024);
    let close = async move { there.read_u8().await };
    let calling = one.connect(here, NodeId(2));
    let (called, _) = in_time(async { tokio::join!(calling, close) }).await;
    let error = called.unwrap_err();
    assert!(
        matches!(error, TlsError::Closed | TlsError::Connection(_)),
        "{error}"
    );
}
