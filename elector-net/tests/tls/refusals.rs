//! Connections that must not come about, and what each side is told.

use std::path::Path;

use elector_core::NodeId;
use elector_net::tls::{Holder, Tls, TlsError};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::rustls::{AlertDescription, pki_types::ServerName};

use crate::{
    Incoming, call, in_time, node,
    pki::{ca, cluster, good, in_days, put, read, reissue, strange_server, stranger},
};

/// What an acceptor makes of a client that shows the certificate of the node in the folder; and
/// what that one learns at its first read.
async fn answer(to: &Tls, folder: &Path, shown: Option<u64>) -> (Incoming, TlsError) {
    let stranger = stranger(folder, shown, "elector/1");
    let (here, there) = duplex(64 * 1024);
    let name = ServerName::try_from("node-2.elector.internal").unwrap();
    let calling = async {
        let mut stream = stranger.connect(name, here).await?;
        stream.read_u8().await
    };
    let (called, incoming) = in_time(async { tokio::join!(calling, to.accept(there)) }).await;
    (incoming, called.unwrap_err().into())
}

/// What a node makes of an acceptor that shows the certificate of node 2 in the folder.
async fn shown(from: &Tls, folder: &Path) -> TlsError {
    let server = strange_server(folder, 2, "elector/1");
    let (here, there) = duplex(64 * 1024);
    let calling = from.connect(here, NodeId(2));
    let (called, _) = in_time(async { tokio::join!(calling, server.accept(there)) }).await;
    called.unwrap_err()
}

// Addresses get swapped: a node must not take another for the one that it meant.
#[tokio::test]
async fn an_acceptor_must_be_the_node_that_was_meant() {
    let folder = cluster();
    let (outgoing, incoming) = call(&node(&folder, 1), &node(&folder, 2), 3).await;
    let refusal = outgoing.unwrap_err();
    let TlsError::WrongNode {
        node, presented, ..
    } = &refusal
    else {
        panic!("{refusal}");
    };
    assert_eq!(
        (*node, &presented[..]),
        (NodeId(3), &["node-2.elector.internal".to_owned()][..])
    );
    assert!(
        refusal.to_string().contains("swapped files or addresses"),
        "{refusal}"
    );
    let told = incoming.unwrap_err();
    assert!(
        matches!(&told, TlsError::Refused { alert } if *alert == AlertDescription::BadCertificate),
        "{told}"
    );
    assert!(told.to_string().contains("--peers"), "{told}");
}

// Anybody can make a CA and certificates with the right names. Neither side may believe them.
#[tokio::test]
async fn a_certificate_of_another_ca_is_refused_by_both_sides() {
    let (folder, other) = (cluster(), cluster());
    let (outgoing, incoming) = call(&node(&folder, 1), &node(&other, 2), 2).await;
    let refusal = outgoing.unwrap_err();
    assert!(
        matches!(
            refusal,
            TlsError::UnknownCa {
                holder: Holder::Peer
            }
        ),
        "{refusal}"
    );
    let told = incoming.unwrap_err();
    assert!(
        told.to_string().contains("all nodes need the same ca.pem"),
        "{told}"
    );

    // The one that calls believes in both.
    let both = read(other.path(), "ca.pem") + &read(folder.path(), "ca.pem");
    put(other.path(), "ca.pem", &both);
    let (incoming, told) = answer(&node(&folder, 2), other.path(), Some(1)).await;
    let refusal = incoming.unwrap_err();
    assert!(
        matches!(
            refusal,
            TlsError::UnknownCa {
                holder: Holder::Peer
            }
        ),
        "{refusal}"
    );
    assert!(matches!(told, TlsError::Refused { .. }), "{told}");
    assert!(
        told.to_string().contains("all nodes need the same ca.pem"),
        "{told}"
    );
}

// A CA that was made anew under its old name has another key: the same advice is the right one.
#[tokio::test]
async fn a_ca_of_the_same_name_is_another_ca() {
    let (folder, other) = (cluster(), cluster());
    for folder in [&folder, &other] {
        let (certificate, issuer) = ca("the CA", None);
        put(folder.path(), "ca.pem", &certificate);
        for id in [1, 2] {
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = good(id).signed_by(&key, &issuer).unwrap();
            put(folder.path(), &format!("node-{id}.pem"), &certificate.pem());
            put(
                folder.path(),
                &format!("node-{id}.key.pem"),
                &key.serialize_pem(),
            );
        }
    }
    let (outgoing, incoming) = call(&node(&folder, 1), &node(&other, 2), 2).await;
    let (refusal, told) = (outgoing.unwrap_err(), incoming.unwrap_err());
    assert!(
        matches!(
            refusal,
            TlsError::UnknownCa {
                holder: Holder::Peer
            }
        ),
        "{refusal}"
    );
    assert!(
        told.to_string().contains("all nodes need the same ca.pem"),
        "{told}"
    );
}

// What was valid once, or will be, is what a forgotten renewal or a wrong clock looks like.
#[tokio::test]
async fn a_certificate_out_of_its_time_is_refused_by_both_sides() {
    let folder = cluster();
    let (one, two) = (node(&folder, 1), node(&folder, 2));
    let strange = cluster();
    for file in ["ca.pem", "ca.key.pem"] {
        put(strange.path(), file, &read(folder.path(), file));
    }
    for (from, until, kind) in [(-30, -3, "expired"), (3, 30, "early")] {
        for id in [1, 2] {
            let mut params = good(id);
            params.not_before = in_days(from);
            params.not_after = in_days(until);
            reissue(strange.path(), id, &params);
        }
        let (incoming, told) = answer(&two, strange.path(), Some(1)).await;
        assert!(told.to_string().contains("look at both clocks"), "{told}");
        for refusal in [incoming.unwrap_err(), shown(&one, strange.path()).await] {
            let (found, holder) = match &refusal {
                TlsError::Expired { holder, .. } => ("expired", holder),
                TlsError::NotYetValid { holder, .. } => ("early", holder),
                _ => panic!("{refusal}"),
            };
            assert_eq!((found, holder), (kind, &Holder::Peer), "{refusal}");
        }
    }
}

// Without client certificates anybody could claim to be any node.
#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let folder = cluster();
    let (incoming, told) = answer(&node(&folder, 2), folder.path(), None).await;
    let refusal = incoming.unwrap_err();
    assert!(matches!(refusal, TlsError::NoCertificate), "{refusal}");
    assert!(
        told.to_string().contains("it requires a certificate"),
        "{told}"
    );
}

// A certificate that a web server was given is signed by the same CA, and must not open this door.
#[tokio::test]
async fn a_certificate_for_another_purpose_is_refused() {
    let folder = cluster();
    let (one, two) = (node(&folder, 1), node(&folder, 2));
    let mut params = good(1);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    reissue(folder.path(), 1, &params);
    let (incoming, _) = answer(&two, folder.path(), Some(1)).await;
    let refusal = incoming.unwrap_err();
    assert!(
        matches!(
            refusal,
            TlsError::Purpose {
                holder: Holder::Peer
            }
        ),
        "{refusal}"
    );

    let mut params = good(2);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    reissue(folder.path(), 2, &params);
    let refusal = shown(&one, folder.path()).await;
    assert!(
        matches!(
            refusal,
            TlsError::Purpose {
                holder: Holder::Peer
            }
        ),
        "{refusal}"
    );
}

// TLS takes a wildcard for every name that fits: its holder could be any node.
#[tokio::test]
async fn a_wildcard_names_nobody() {
    let folder = cluster();
    let (one, two) = (node(&folder, 1), node(&folder, 2));
    for id in [1, 2] {
        let mut params = good(id);
        let names = ["*.elector.internal".to_owned()];
        params.subject_alt_names = CertificateParams::new(names).unwrap().subject_alt_names;
        reissue(folder.path(), id, &params);
    }
    let client = stranger(folder.path(), Some(1), "elector/1");
    let (here, there) = duplex(64 * 1024);
    let name = ServerName::try_from("node-2.elector.internal").unwrap();
    // Node 2 shows what it has loaded before: its good one; see `renewal`.
    let server = strange_server(folder.path(), 2, "elector/1");
    let calling = one.connect(here, NodeId(2));
    let (called, _) = in_time(async { tokio::join!(calling, server.accept(there)) }).await;
    let refusal = called.unwrap_err().to_string();
    assert!(
        refusal.contains("it has *.elector.internal, not node-2"),
        "{refusal}"
    );

    let (here, there) = duplex(64 * 1024);
    let calling = client.connect(name, here);
    let (_called, incoming) = in_time(async { tokio::join!(calling, two.accept(there)) }).await;
    assert!(!incoming.unwrap().names(NodeId(1)));
    let refusal = Tls::load(folder.path(), NodeId(1)).unwrap_err();
    assert!(matches!(refusal, TlsError::WrongNode { .. }), "{refusal}");
}

// A company's CA signs other services too, and TLS would connect to one that answers at a wrong
// address, or let one in.
#[tokio::test]
async fn another_service_of_the_same_ca_is_refused() {
    let folder = cluster();
    for protocol in ["", "h2", "elector/9"] {
        let name = ServerName::try_from("node-2.elector.internal").unwrap();
        let client = stranger(folder.path(), Some(1), protocol);
        let (here, there) = duplex(64 * 1024);
        let two = node(&folder, 2);
        let calling = client.connect(name, here);
        let (_called, incoming) = in_time(async { tokio::join!(calling, two.accept(there)) }).await;
        let refusal = incoming.unwrap_err();
        assert!(
            matches!(refusal, TlsError::OtherProtocol),
            "{protocol}: {refusal}"
        );

        let server = strange_server(folder.path(), 2, protocol);
        let (here, there) = duplex(64 * 1024);
        let one = node(&folder, 1);
        let calling = one.connect(here, NodeId(2));
        let (called, _) = in_time(async { tokio::join!(calling, server.accept(there)) }).await;
        let refusal = called.unwrap_err().to_string();
        assert!(refusal.contains("no elector node"), "{protocol}: {refusal}");
    }
}

// Half a cluster with --tls-dir and half without is the likeliest mistake of all: both sides must
// be told, whoever calls.
#[tokio::test]
async fn a_peer_that_does_not_speak_tls_is_told_apart() {
    let folder = cluster();
    let (one, two) = (node(&folder, 1), node(&folder, 2));
    for words in [
        &b"\x00\x00\x00\x07elector"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xff; 64],
    ] {
        let (mut here, there) = duplex(64 * 1024);
        here.write_all(words).await.unwrap();
        let refusal = in_time(two.accept(there)).await.unwrap_err();
        assert!(matches!(refusal, TlsError::NotTls), "{words:?}: {refusal}");

        let (here, mut there) = duplex(64 * 1024);
        there.write_all(words).await.unwrap();
        let refusal = in_time(one.connect(here, NodeId(2))).await.unwrap_err();
        assert!(matches!(refusal, TlsError::NotTls), "{words:?}: {refusal}");
        assert!(refusal.to_string().contains("--tls-dir"), "{refusal}");
    }
}

// A peer that dies in the handshake, or hangs up on what it takes for garbage, gives no reason.
#[tokio::test]
async fn a_peer_that_hangs_up_is_told_apart() {
    let folder = cluster();
    let (one, two) = (node(&folder, 1), node(&folder, 2));
    let (here, there) = duplex(64 * 1024);
    drop(here);
    let refusal = in_time(two.accept(there)).await.unwrap_err();
    assert!(matches!(refusal, TlsError::Closed), "{refusal}");

    let (here, mut there) = duplex(64 * 1024);
    let hang_up = async move { there.read_u8().await };
    let calling = one.connect(here, NodeId(2));
    let (called, _) = in_time(async { tokio::join!(calling, hang_up) }).await;
    let refusal = called.unwrap_err();
    assert!(
        matches!(refusal, TlsError::Closed | TlsError::Connection(_)),
        "{refusal}"
    );
}
