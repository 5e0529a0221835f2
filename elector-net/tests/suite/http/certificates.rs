use elector_core::{
    NodeId,
    actor::{MemoryStorage, Peer},
};
use elector_net::{Tcp, Tls, http::Options};
use elector_raft::Raft;

use super::{Served, slow_timing};
use crate::common::{builder, eventually, issued, sockets};

// Operators need an alert before a certificate expires. The metric must be the time in seconds
// until the first of the node's certificates expires. Without TLS, this metric must be missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_expiry_of_certificates_is_a_metric() {
    const NAME: &str = "\nelector_certificate_expires_seconds ";
    let folder = tempfile::tempdir().unwrap();
    issued(folder.path());
    for tls in [true, false] {
        let (mut listeners, peers): (_, Vec<Peer>) = sockets(1);
        let tcp = Tcp::new("test", peers.clone(), slow_timing()).listen_on(listeners.remove(0));
        let tcp = match tls {
            true => tcp.tls(Tls::load(folder.path(), NodeId(1)).unwrap()),
            false => tcp,
        };
        let monitor = tcp.monitor();
        let node = builder::<Raft>(1, &peers, &MemoryStorage::new()).config(slow_timing());
        let elector = node.transport(tcp).start().await.unwrap();
        eventually("the node listens", || monitor.listening().is_some()).await;
        let served = Served::new(&elector, Options::new("test").monitor(&monitor)).await;
        let body = served.get("/metrics").await.body;
        let seconds = body.split_once(NAME).map(|(_, rest)| {
            let line = rest.lines().next().unwrap();
            line.parse::<f64>().unwrap() / 86_400.0
        });
        match seconds {
            Some(days) => assert!(tls && (28.0..31.0).contains(&days), "{days}"),
            None => assert!(!tls, "{body}"),
        }
        elector.shutdown().await.unwrap();
    }
}
