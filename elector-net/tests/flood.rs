//! Tests in which an unknown process floods a node with requests for TLS handshakes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::{
    collections::VecDeque,
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use common::{Node, agreed, are_connected, builder, eventually, issued, rejections, sockets};
use elector_core::{
    NodeId, Timing,
    actor::{MemoryStorage, Peer},
};
use elector_net::{Tcp, Tls, certs};
use elector_raft::{Raft, RaftConfig};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use tokio::io::AsyncReadExt;
use tracing_subscriber::{Layer, layer::Context, prelude::*};

/// Returns a configuration with long durations, so that the nodes of a busy machine keep their
/// leader.
fn patient() -> RaftConfig {
    RaftConfig {
        timing: Timing {
            heartbeat: Duration::from_millis(50),
            lease: Duration::from_millis(2500),
            election_min: Duration::from_millis(3000),
            election_max: Duration::from_millis(3500),
            round_trip: Duration::from_millis(500),
        },
        ..RaftConfig::default()
    }
}

async fn start(id: u64, listener: TcpListener, peers: &[Peer], folder: &Path) -> Node<Raft> {
    let tls = Tls::load(folder, NodeId(id)).unwrap();
    let tcp = Tcp::new("test", peers.to_vec(), patient());
    let tcp = tcp.listen_on(listener).tls(tls);
    let monitor = tcp.monitor();
    let node = builder::<Raft>(id, peers, &MemoryStorage::new()).config(patient());
    let elector = node.transport(tcp).start().await.unwrap();
    Node { elector, monitor }
}

/// Returns the first message of a TLS handshake. The answer to this message is the most expensive
/// part of the handshake for the other side.
async fn hello(folder: &Path) -> Vec<u8> {
    let tls = Tls::load(folder, NodeId(2)).unwrap();
    let (near, mut far) = tokio::io::duplex(64 * 1024);
    let mut bytes = vec![0; 64 * 1024];
    tokio::select! {
        biased;
        _ = tls.connect(near, NodeId(1)) => panic!("there was no answer"),
        read = far.read(&mut bytes) => bytes.truncate(read.unwrap()),
    }
    bytes
}

/// Connects from an address that is not the address of a peer of the flooded node.
fn from_elsewhere(to: SocketAddr) -> rustix::io::Result<TcpStream> {
    let stream: OwnedFd = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&stream, &SocketAddr::from(([127, 0, 0, 9], 0)))?;
    connect(&stream, &to)?;
    Ok(stream.into())
}

/// A thread that asks for handshakes as fast as it can, until this value is dropped.
struct Flood(Arc<AtomicBool>);

impl Flood {
    fn begin(to: SocketAddr, hello: Vec<u8>) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        thread::spawn(move || {
            let mut held = VecDeque::new();
            while !ends.load(Ordering::Acquire) {
                if let Ok(mut stream) = from_elsewhere(to) {
                    let _ = stream.write_all(&hello);
                    held.push_back(stream);
                }
                if held.len() > 200 {
                    held.pop_front();
                }
            }
        });
        Self(is_over)
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

// If an unknown process floods a node with connections, a peer that connects must still be
// admitted: connections from the addresses of peers have limits of their own.
#[tokio::test]
async fn unknown_processes_do_not_use_up_the_budget_of_peers() {
    let folder = tempfile::tempdir().unwrap();
    issued(folder.path());
    let (mut listeners, peers) = sockets(3);
    let third = listeners.pop().unwrap();
    let mut nodes = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        nodes.push(start(id, listener, &peers, folder.path()).await);
    }
    let leader = agreed(&nodes).await;
    let flooded = nodes[0].monitor.clone();
    let _flood = Flood::begin(flooded.listening().unwrap(), hello(folder.path()).await);
    eventually("unknown processes are rejected", || {
        rejections(&flooded, "crowded") > 500
    })
    .await;
    nodes.push(start(3, third, &peers, folder.path()).await);
    eventually("the third node is admitted", || are_connected(&nodes)).await;
    assert_eq!(rejections(&flooded, "busy"), 0, "a peer was rejected");
    assert_eq!(agreed(&nodes).await, leader, "the leader was lost");
}

// A peer behind a gateway connects from an address that no node knows. The peer must be admitted.
#[tokio::test]
async fn a_peer_may_connect_from_any_address() {
    let folder = tempfile::tempdir().unwrap();
    issued(folder.path());
    let (mut listeners, peers) = sockets(2);
    let second = listeners.pop().unwrap();
    // In the list of the first node, the second node has an address at which no node listens.
    let mut elsewhere = peers.clone();
    elsewhere[1].address = Some("127.0.0.7:9".to_owned());
    let _first = start(1, listeners.remove(0), &elsewhere, folder.path()).await;
    let second = start(2, second, &peers, folder.path()).await;
    eventually("it is admitted", || second.monitor.peers()[0].can_send).await;
}

/// Records the names of the threads of node 77 that log rejections.
#[derive(Clone, Default)]
struct Threads(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Threads {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "elector_net::context" {
            let thread = thread::current().name().unwrap_or_default().to_owned();
            if thread.ends_with("-77") {
                self.0.lock().unwrap().push(thread);
            }
        }
    }
}

// A TLS handshake takes half a millisecond of processor time. Another thread must do this work,
// because the node's thread must send heartbeats in time.
#[tokio::test]
async fn handshakes_do_not_run_on_the_nodes_thread() {
    let threads = Threads::default();
    let subscriber = tracing_subscriber::registry().with(threads.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let folder = tempfile::tempdir().unwrap();
    certs::write_dev(folder.path(), "test", &[NodeId(77)], 30).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().to_string();
    // Two peers have the same host address. So the node cannot attribute a rejected connection from
    // this address to one of them, and logs the rejection at once.
    let peers = [
        (77, own).into(),
        (78, "127.0.0.1:9").into(),
        (79, "127.0.0.1:10").into(),
    ];
    let node = start(77, listener, &peers, folder.path()).await;
    let address = node.monitor.listening().unwrap();
    let mut unknown = from_elsewhere(address).unwrap();
    unknown.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut from_peers_address = TcpStream::connect(address).unwrap();
    from_peers_address
        .write_all(b"GET / HTTP/1.1\r\n\r\n")
        .unwrap();
    eventually("both are rejected", || {
        rejections(&node.monitor, "tls") == 2
    })
    .await;
    eventually("both are logged", || threads.0.lock().unwrap().len() >= 2).await;
    let threads = threads.0.lock().unwrap();
    assert!(
        threads.iter().all(|thread| thread == "elector-tcp-77"),
        "{threads:?}"
    );
}
