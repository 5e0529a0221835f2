//! Tests of new certificate files that replace old ones while a node runs.

use std::{
    fs,
    fs::OpenOptions,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use elector_core::NodeId;
use elector_net::tls::{Tls, TlsStream};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tokio::io::DuplexStream;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::{
    call, node,
    pki::{cluster, cluster_of, good, in_days, issue, public_key, put, read, reissue},
};
use crate::common::log;

/// The log lines of one node.
struct Log(u64);

impl Log {
    fn of(node: u64) -> Self {
        log::begin();
        Self(node)
    }

    fn times(&self, words: &str) -> usize {
        let node = format!("node={}", self.0);
        let is_its_own = |line: &str| line.split_ascii_whitespace().any(|word| word == node);
        log::count(|line| is_its_own(line) && line.contains(words))
    }
}

/// Waits until the condition `is_so` is true.
async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn certificate(stream: &TlsStream<DuplexStream>) -> CertificateDer<'static> {
    let presented = stream.get_ref().1.peer_certificates().unwrap();
    presented[0].clone().into_owned()
}

/// Returns the certificates that two nodes present to each other: first the certificate of `to`,
/// which accepts the connection, and then the certificate of `from`.
async fn presented(from: &Tls, to: &Tls) -> [CertificateDer<'static>; 2] {
    let (outgoing, incoming) = call(from, to, 2).await;
    let incoming = incoming.unwrap().into_stream();
    [certificate(&outgoing.unwrap()), certificate(&incoming)]
}

fn has_key(certificate: &CertificateDer<'_>, folder: &Path, node: u64) -> bool {
    let key = public_key(folder, node);
    certificate.windows(key.len()).any(|part| part == key)
}

// Certificates are renewed every few weeks. New connections must use the new files without a
// restart of the node: a restart would interrupt a leader.
#[tokio::test]
async fn new_files_are_used_for_new_connections() {
    let folder = cluster();
    let (one, two) = (node(&folder, 1), node(&folder, 2));
    let before = presented(&one, &two).await;
    for id in [1, 2] {
        reissue(folder.path(), id, &good(id));
    }
    eventually("both show what they have now", async || {
        let after = presented(&one, &two).await;
        let are_new = before[0] != after[0] && before[1] != after[1];
        are_new && has_key(&after[0], folder.path(), 2) && has_key(&after[1], folder.path(), 1)
    })
    .await;

    // The files of node 2 get a new CA, too. From now on, certificates of the old CA are invalid.
    let other = cluster();
    let (old, new) = (node(&folder, 1), node(&other, 1));
    for name in ["ca.pem", "node-2.pem", "node-2.key.pem"] {
        put(folder.path(), name, &read(other.path(), name));
    }
    eventually("certificates of the old CA are rejected", async || {
        call(&old, &two, 2).await.0.is_err()
    })
    .await;
    let [acceptor, caller] = presented(&new, &two).await;
    assert!(has_key(&acceptor, other.path(), 2) && has_key(&caller, other.path(), 1));
}

// An operator or a tool writes the files one after the other, and sometimes with errors. As long as
// the new files cannot be used, the node must keep the old credentials, and must log one warning
// for each state of the files.
#[tokio::test]
async fn broken_new_files_leave_the_old_ones_in_use() {
    let (folder, log) = (cluster_of(&[1, 12]), Log::of(12));
    let warning = "the previous ones stay in use";
    let (one, two) = (node(&folder, 1), node(&folder, 12));
    let presented = async || {
        let (outgoing, _) = call(&one, &two, 12).await;
        certificate(&outgoing.unwrap())
    };
    let before = presented().await;

    let spare = cluster_of(&[12]);
    for name in ["ca.pem", "ca.key.pem"] {
        put(spare.path(), name, &read(folder.path(), name));
    }
    reissue(spare.path(), 12, &good(12));
    let old_key = read(folder.path(), "node-12.key.pem");
    put(folder.path(), "node-12.key.pem", "");
    eventually("an empty key is logged", async || {
        assert!(presented().await == before);
        log.times(warning) == 1
    })
    .await;
    for (name, text) in [
        ("node-12.pem", &read(spare.path(), "node-12.pem")),
        ("node-12.key.pem", &old_key),
    ] {
        put(folder.path(), name, text);
    }
    eventually("a key of another certificate is logged", async || {
        assert!(presented().await == before);
        log.times("does not belong to the certificate") == 1
    })
    .await;
    let new_key = read(spare.path(), "node-12.key.pem");
    put(folder.path(), "node-12.key.pem", &new_key);
    eventually("the new ones are in use", async || {
        presented().await != before
    })
    .await;
    assert!(has_key(&presented().await, folder.path(), 12));
    eventually("the new certificates are logged", async || {
        log.times("new certificates are in use") == 1
    })
    .await;
    let warnings = log.times(warning);
    assert!(
        warnings <= 3,
        "{warnings} warnings for three states of the files"
    );
}

// If operators do not notice that a certificate expires, the cluster stops. So the warning is
// logged a month before, and again at each start and after each read of the files.
#[tokio::test]
async fn a_certificate_that_expires_soon_is_logged() {
    let (folder, log) = (cluster_of(&[13]), Log::of(13));
    let warning = "node certificate expires soon";
    let load = || Tls::load(folder.path(), NodeId(13)).unwrap();
    let mut params = good(13);
    for (days, warnings) in [(40, 0), (20, 1)] {
        params.not_after = in_days(days);
        reissue(folder.path(), 13, &params);
        let tls = load();
        assert!(tls.expires() < std::time::SystemTime::from(in_days(days + 1)));
        assert_eq!(log.times(warning), warnings);
    }
    let tls = load();
    assert_eq!(log.times(warning), 2);
    for again in 1..3 {
        tls.reload();
        eventually("the files are read again", async || {
            log.times("were read again") == again
        })
        .await;
        eventually("the warning is logged again", async || {
            log.times(warning) == 2 + again
        })
        .await;
    }
}

// The certificate of the CA expires, too. `Tls::expires`, which the metric uses, must return the
// time at which the first certificate expires.
#[tokio::test]
async fn the_expiry_of_the_ca_counts() {
    let (folder, log) = (cluster_of(&[14]), Log::of(14));
    let end = in_days(20);
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.not_after = end;
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let issuer = rcgen::Issuer::new(params, key);
    put(folder.path(), "ca.pem", &certificate);
    issue(folder.path(), 14, &good(14), &issuer, "");
    let tls = Tls::load(folder.path(), NodeId(14)).unwrap();
    let end = std::time::SystemTime::from(end);
    assert!(tls.valid_until() > end);
    let apart = end.duration_since(tls.expires()).unwrap();
    assert!(apart < Duration::from_secs(2), "{apart:?}");
    assert_eq!(log.times("CA certificate expires soon"), 1);

    // While a new CA replaces the old one, the node's certificate may be from either CA.
    let both = certificate + &read(cluster_of(&[14]).path(), "ca.pem");
    put(folder.path(), "ca.pem", &both);
    assert!(Tls::load(folder.path(), NodeId(14)).unwrap().expires() <= end);
}

/// Returns the number of threads of this process that have this name.
fn threads(name: &str) -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|found| found.trim_end() == name).count()
}

// A read from a network file system can hang for ever. Connections and the end of the process must
// not wait for such a read. Another check of the files must not start another thread.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_cannot_be_read_blocks_no_connection() {
    let (folder, log) = (cluster_of(&[1, 15]), Log::of(15));
    let (one, two) = (node(&folder, 1), node(&folder, 15));
    // This pipe has no writer, so opening it for reading blocks.
    let (path, text) = (
        folder.path().join("node-15.pem"),
        read(folder.path(), "node-15.pem"),
    );
    let pipe = folder.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    fs::rename(&pipe, &path).unwrap();
    two.reload();
    for _ in 0..50 {
        two.reload();
        let (outgoing, incoming) = call(&one, &two, 15).await;
        assert!(outgoing.is_ok() && incoming.is_ok());
    }
    assert!(threads("elector-tls-15") <= 1);
    assert_eq!(log.times("certificates"), 1, "the first ones are in use");

    // The write to the pipe ends the blocked read. Opening the pipe for writing waits for a reader,
    // and the blocked read is one.
    let written = tokio::task::spawn_blocking(move || {
        let mut pipe = OpenOptions::new().write(true).open(&path).unwrap();
        fs::write(path.with_extension("new"), &text).unwrap();
        fs::rename(path.with_extension("new"), &path).unwrap();
        pipe.write_all(text.as_bytes()).unwrap();
    });
    written.await.unwrap();
    eventually("what was asked meanwhile is done", async || {
        log.times("were read again") + log.times("new certificates are in use") >= 1
    })
    .await;
}
