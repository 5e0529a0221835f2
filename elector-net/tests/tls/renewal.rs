//! Certificates are replaced while a node runs.

use std::{
    cell::RefCell,
    io::{self, Write},
    path::Path,
    sync::Once,
};

use elector_core::NodeId;
use elector_net::tls::{Tls, TlsStream};
use tokio::io::DuplexStream;
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::{
    call, node,
    pki::{cluster, good, in_days, public_key, put, read, reissue},
};

thread_local! {
    /// What this thread has logged.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Counts what this thread logs. One subscriber serves all threads: if each test had its own, a
/// thread without one could be the first to log, and tracing would take nobody to be interested.
struct Log;

impl Log {
    fn begin() -> Self {
        static BEGUN: Once = Once::new();
        BEGUN.call_once(|| {
            let subscriber = tracing_subscriber::fmt()
                .with_ansi(false)
                .with_writer(|| Log);
            tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
            tracing::callsite::rebuild_interest_cache();
        });
        Self
    }

    fn times(&self, words: &str) -> usize {
        LOGGED.with_borrow(|text| String::from_utf8_lossy(text).matches(words).count())
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|text| text.extend(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn certificate(stream: &TlsStream<DuplexStream>) -> CertificateDer<'static> {
    let shown = stream.get_ref().1.peer_certificates().unwrap();
    shown[0].clone().into_owned()
}

/// The certificates that two nodes show each other: of the acceptor, and of the one that calls.
async fn shown(from: &Tls, to: &Tls) -> [CertificateDer<'static>; 2] {
    let (outgoing, incoming) = call(from, to, 2).await;
    let incoming = incoming.unwrap().into_stream();
    [certificate(&outgoing.unwrap()), certificate(&incoming)]
}

fn has_key(certificate: &CertificateDer<'_>, folder: &Path, node: u64) -> bool {
    let key = public_key(folder, node);
    certificate.windows(key.len()).any(|part| part == key)
}

// Certificates are renewed every few weeks; a restart for each would cost a leader.
#[tokio::test]
async fn new_files_are_used_for_new_connections() {
    let folder = cluster();
    let (one, two) = (node(&folder, 1), node(&folder, 2));
    let before = shown(&one, &two).await;
    for id in [1, 2] {
        reissue(folder.path(), id, &good(id));
    }
    let after = shown(&one, &two).await;
    assert!(before[0] != after[0] && before[1] != after[1]);
    assert!(has_key(&after[0], folder.path(), 2) && has_key(&after[1], folder.path(), 1));

    // A new CA as well: from now on the old certificates count for nothing.
    let other = cluster();
    let old = node(&folder, 1);
    for name in ["ca.pem", "node-2.pem", "node-2.key.pem"] {
        put(folder.path(), name, &read(other.path(), name));
    }
    assert!(call(&old, &two, 2).await.0.is_err());
    let [acceptor, caller] = shown(&node(&other, 1), &two).await;
    assert!(has_key(&acceptor, other.path(), 2) && has_key(&caller, other.path(), 1));
}

// Files are written one after the other, and sometimes badly: what worked must go on working, with
// one warning for each state of the files.
#[tokio::test]
async fn broken_new_files_leave_the_old_ones_in_use() {
    let folder = cluster();
    let (one, two) = (node(&folder, 1), node(&folder, 2));
    let before = shown(&one, &two).await;
    let (log, warning) = (Log::begin(), "those from before stay in use");

    let old_key = read(folder.path(), "node-2.key.pem");
    reissue(folder.path(), 2, &good(2));
    let new_key = read(folder.path(), "node-2.key.pem");
    for broken in ["", &old_key] {
        put(folder.path(), "node-2.key.pem", broken);
        let seen = log.times(warning);
        for _ in 0..3 {
            assert!(shown(&one, &two).await == before);
        }
        assert_eq!(log.times(warning), seen + 1);
    }
    put(folder.path(), "node-2.key.pem", &new_key);
    assert!(has_key(&shown(&one, &two).await[0], folder.path(), 2));
    assert_eq!(log.times("new certificates are in use"), 1);
}

// A certificate that ends unnoticed ends the cluster. Two weeks are time to act, and one line will
// do.
#[tokio::test]
async fn a_certificate_that_soon_expires_is_warned_about_once() {
    let folder = cluster();
    let (log, warning) = (Log::begin(), "the node's certificate is valid until");
    let mut params = good(1);
    for (days, warnings) in [(20, 0), (10, 1)] {
        params.not_after = in_days(days);
        reissue(folder.path(), 1, &params);
        let tls = Tls::load(folder.path(), NodeId(1)).unwrap();
        for _ in 0..3 {
            let _ = tls.valid_until();
        }
        assert_eq!(log.times(warning), warnings);
    }
    // A renewal that is as short of time as the last one is worth a line of its own.
    let tls = Tls::load(folder.path(), NodeId(1)).unwrap();
    params.not_after = in_days(5);
    reissue(folder.path(), 1, &params);
    let _ = tls.valid_until();
    assert_eq!(log.times(warning), 3);
}
