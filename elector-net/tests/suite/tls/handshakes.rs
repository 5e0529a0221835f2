//! Tests of connections that succeed.

use elector_core::NodeId;
use elector_net::tls::{Tls, TlsFiles};
use tokio::{
    io::duplex,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::rustls::{HandshakeKind, pki_types::ServerName};

use super::{
    call, in_time, node,
    pki::{ca, cluster, custom_client, good, issue, put, read},
    talk,
};

// This is the simple case over a real socket: each side checks the certificate of the other side,
// and then bytes pass in both directions.
#[tokio::test]
async fn two_nodes_identify_each_other() {
    let folder = cluster();
    let (one, two) = (node(&folder, 1), node(&folder, 2));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (outgoing, incoming) = in_time(async {
        tokio::join!(
            async {
                one.connect(TcpStream::connect(address).await.unwrap(), NodeId(2))
                    .await
            },
            async { two.accept(listener.accept().await.unwrap().0).await },
        )
    })
    .await;
    let incoming = incoming.unwrap();
    assert!(incoming.names(NodeId(1)));
    talk(outgoing.unwrap(), incoming.into_stream()).await;
}

// The certificate decides which node a peer is. With its own certificate, a node must not be taken
// for another node, even if the id of that node begins with the same digit.
#[tokio::test]
async fn a_certificate_names_its_node_and_no_other() {
    let folder = cluster();
    let (_one, accepted) = call(&node(&folder, 1), &node(&folder, 2), 2).await;
    let accepted = accepted.unwrap();
    for other in [0, 2, 3, 10, 11, u64::MAX] {
        assert!(!accepted.names(NodeId(other)), "{other}");
    }
    let error = accepted.check(NodeId(3)).unwrap_err().to_string();
    assert!(
        error.contains("does not name node 3: it has node-1.elector.internal"),
        "{error}"
    );
}

// If a connection could resume the TLS session of an earlier one, the two sides would not check
// certificates again, and early data could be replayed.
#[tokio::test]
async fn no_connection_resumes_another() {
    let folder = cluster();
    let two = node(&folder, 2);
    // This client keeps all session tickets of the server, so it would resume a session if the
    // server allowed it.
    let client = custom_client(folder.path(), Some(1), "elector/1");
    for _ in 0..3 {
        let (here, there) = duplex(64 * 1024);
        let name = ServerName::try_from("node-2.elector.internal").unwrap();
        let (outgoing, incoming) =
            in_time(async { tokio::join!(client.connect(name, here), two.accept(there)) }).await;
        let outgoing = outgoing.unwrap();
        let session = outgoing.get_ref().1;
        assert_eq!(session.handshake_kind(), Some(HandshakeKind::Full));
        let incoming = incoming.unwrap().into_stream();
        talk(outgoing.into(), incoming).await;
    }
}

// The CA of a company seldom signs the certificates of nodes itself. So a node must send the
// intermediate certificates, too.
#[tokio::test]
async fn intermediate_certificates_are_sent_along() {
    let folder = cluster();
    let (root, root_issuer) = ca("root", None);
    let (between, issuer) = ca("between", Some(&root_issuer));
    put(folder.path(), "ca.pem", &root);
    for id in [1, 2] {
        issue(folder.path(), id, &good(id), &issuer, &between);
    }
    let (outgoing, incoming) = call(&node(&folder, 1), &node(&folder, 2), 2).await;
    let incoming = incoming.unwrap();
    assert!(incoming.names(NodeId(1)));
    talk(outgoing.unwrap(), incoming.into_stream()).await;
}

// While one CA replaces another, a node with a certificate of the old CA and a node with a
// certificate of the new CA must be able to connect to each other.
#[tokio::test]
async fn two_cas_are_trusted_while_one_replaces_the_other() {
    let (old, new) = (cluster(), cluster());
    let both = read(old.path(), "ca.pem") + &read(new.path(), "ca.pem");
    put(old.path(), "ca.pem", &both);
    put(new.path(), "ca.pem", &both);
    for (from, to) in [(&old, &new), (&new, &old)] {
        let (outgoing, incoming) = call(&node(from, 1), &node(to, 2), 2).await;
        talk(outgoing.unwrap(), incoming.unwrap().into_stream()).await;
    }
}

// Users with their own CA choose their own names. If one CA serves several clusters, the suffix
// must distinguish the clusters.
#[tokio::test]
async fn the_suffix_of_names_can_be_chosen() {
    let folder = cluster();
    let (certificate, issuer) = ca("company", None);
    put(folder.path(), "ca.pem", &certificate);
    for (id, suffix) in [
        (1, "billing.example"),
        (2, "billing.example"),
        (3, "other.example"),
    ] {
        let mut params = good(id);
        let names = [format!("node-{id}.{suffix}")];
        params.subject_alt_names = rcgen::CertificateParams::new(names)
            .unwrap()
            .subject_alt_names;
        issue(folder.path(), id, &params, &issuer, "");
    }
    let of = |id, suffix: &str| {
        let mut files = TlsFiles::in_folder(folder.path(), NodeId(id));
        files.suffix = suffix.to_owned();
        Tls::from_files(files, NodeId(id))
    };
    let (one, two) = (
        of(1, "billing.example").unwrap(),
        of(2, "billing.example").unwrap(),
    );
    let (outgoing, incoming) = call(&one, &two, 2).await;
    let incoming = incoming.unwrap();
    assert!(incoming.names(NodeId(1)));
    talk(outgoing.unwrap(), incoming.into_stream()).await;

    let other = of(3, "other.example").unwrap();
    assert!(call(&other, &two, 2).await.0.is_err());
    let error = of(1, "not a name").unwrap_err().to_string();
    assert!(error.contains("is not a DNS name"), "{error}");
}
