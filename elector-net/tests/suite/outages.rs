//! Tests of what the log and the status of a node say about an unreachable peer, and about rejected
//! connections.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use elector_core::{
    Timing,
    actor::{MemoryStorage, Peer},
};
use elector_net::Tcp;
use elector_raft::{Raft, RaftConfig};
use tokio::net::TcpSocket;

use crate::common::{Node, builder, eventually, log, rebind};

/// Returns how many lines of the log contain all these texts.
fn lines(words: &[&str]) -> usize {
    log::count(|line| words.iter().all(|words| line.contains(words)))
}

/// Returns a peer with this id and address.
fn at(id: u64, address: &dyn ToString) -> Peer {
    (id, address.to_string()).into()
}

/// Starts a node of this cluster on this listener.
async fn start(cluster: &str, id: u64, listener: TcpListener, peers: &[Peer]) -> Node<Raft> {
    log::begin();
    // The durations are long, so that a busy machine does not look like an outage.
    let config = RaftConfig {
        timing: Timing::patient(),
        ..RaftConfig::default()
    };
    let tcp = Tcp::new(cluster, peers.to_vec(), config.clone()).listen_on(listener);
    let monitor = tcp.monitor();
    let node = builder::<Raft>(id, peers, &MemoryStorage::new()).config(config);
    let elector = node.transport(tcp).start().await.unwrap();
    Node { elector, monitor }
}

fn problem(node: &Node<Raft>) -> String {
    node.monitor.peers()[0].problem.clone().unwrap_or_default()
}

fn bound() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

// If the process of a peer is killed and started again, an operator must see this in the log and in
// the status of the node.
#[tokio::test]
async fn an_outage_is_logged_once_and_its_end_once() {
    let (first, address) = bound();
    let (second, other) = bound();
    let peers = [at(21, &address), at(22, &other)];
    let node = start("test", 21, first, &peers).await;
    let peer = start("test", 22, second, &peers).await;
    eventually("they are connected", || problem(&node).is_empty()).await;
    drop(peer);
    let refused = "the connection was refused: no process listens there";
    let warning = ["WARN", "peer unreachable", "node=21", refused];
    eventually("the outage is logged", || lines(&warning) == 1).await;
    assert_eq!(problem(&node), refused);

    let peer = start("test", 22, rebind(other).await, &peers).await;
    let back = ["INFO", "peer reachable again", "node=21", "away="];
    eventually("its end is logged", || lines(&back) > 0).await;
    eventually("there is no problem", || problem(&node).is_empty()).await;
    assert_eq!(lines(&warning), 1, "there were several attempts");

    // When a node stops, its connections are closed, too. This is not an outage.
    let unreachable = ["peer unreachable", "node=21"];
    let before = lines(&unreachable);
    node.elector.shutdown().await.unwrap();
    drop(peer);
    assert_eq!(lines(&unreachable), before);
}

// If the name of a peer cannot be resolved, for example because it is misspelt, the log and the
// status must say so within seconds.
#[tokio::test]
async fn an_unknown_name_is_reported() {
    log::begin();
    let (listener, address) = bound();
    let peers = [at(31, &address), at(32, &"db2:7100")];
    let tcp = Tcp::new("test", peers.to_vec(), RaftConfig::default()).listen_on(listener);
    let tcp = tcp.resolver(|_| Err(io::Error::other("no such host")));
    let monitor = tcp.monitor();
    let node = builder::<Raft>(31, &peers, &MemoryStorage::new()).transport(tcp);
    let _node = node.start().await.unwrap();
    let problem = "the name \"db2\" is unknown: no such host";
    eventually("it is in the status", || {
        monitor.peers()[0].problem.as_deref() == Some(problem)
    })
    .await;
    let warning = ["WARN", "node=31", "peer=32", "address=db2:7100", problem];
    eventually("it is logged", || lines(&warning) == 1).await;
}

// The two sides belong to different clusters. A rejection contains only the name of the cluster of
// the side that rejects. Both sides must attribute this name to the right side.
#[tokio::test]
async fn both_sides_attribute_a_rejection_to_the_right_side() {
    let (first, address) = bound();
    let (second, other) = bound();
    let peers = [at(41, &address), at(42, &other)];
    let one = start("one", 41, first, &peers).await;
    let two = start("two", 42, second, &peers).await;
    for (node, me, peer, own, theirs) in
        [(&one, 41, 42, "one", "two"), (&two, 42, 41, "two", "one")]
    {
        let rejected = format!(
            "node {peer} rejects this node: this node does not belong to the cluster \"{theirs}\" \
             of the peer"
        );
        // The text of the rejecting side has these two parts. If the peer connected before this
        // node knew the peer's address, the address of the peer stands between the two parts.
        let rejecting = [
            format!("this node rejects node {peer}"),
            format!(
                ": the other side belongs to the cluster \"{theirs}\", and this node to \"{own}\""
            ),
        ];
        for parts in [&[rejected][..], &rejecting] {
            let in_status = || parts.iter().all(|part| problem(node).contains(part));
            eventually(&parts[0], in_status).await;
            let me = format!("node={me}");
            let line = ["WARN", &me]
                .into_iter()
                .chain(parts.iter().map(String::as_str));
            let line: Vec<&str> = line.collect();
            eventually(&parts[0], || lines(&line) == 1).await;
        }
    }
}

// If a peer accepts the connection and sends nothing, the node must report that the peer hangs. If
// the other side sends a TLS record, the node must report that only the other side uses TLS.
#[tokio::test]
async fn a_slow_peer_is_distinguished_from_one_with_tls() {
    let (first, address) = bound();
    let (_silent, other) = bound();
    let peers = [at(51, &address), at(52, &other)];
    let node = start("test", 51, first, &peers).await;
    eventually("it hangs", || {
        problem(&node).contains("it hangs, or it is slow")
    })
    .await;
    let line = ["WARN", "node=51", "peer=52", "it hangs, or it is slow"];
    eventually("this is logged", || lines(&line) == 1).await;
    let tls = ["node=51", "set up TLS on all nodes"];
    assert_eq!(lines(&tls), 0);

    let sent = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        // The beginning of a TLS record with the first message of a client.
        stream.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252]).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    sent.await.unwrap();
    eventually("TLS is reported", || lines(&tls) == 1).await;
    assert!(problem(&node).contains("the other side uses TLS, and this node does not"));
}

/// Makes `count` connections from the address `from` of the loopback interface. Sends nothing on
/// these connections.
async fn silent(from: &str, to: SocketAddr, count: usize) -> Vec<tokio::net::TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        streams.extend(socket.connect(to).await.ok());
    }
    streams
}

// If too many handshakes are pending, the node closes the connection that has waited longest, and
// not the newest one. The log must name the address of the closed connection.
#[tokio::test]
async fn the_log_names_the_connection_that_was_closed_to_make_room() {
    let (first, address) = bound();
    let peers = [at(61, &address), at(62, &"127.0.0.1:9")];
    let _node = start("test", 61, first, &peers).await;
    let line = |from| ["node=61", "from other addresses", from];
    let closed = line("from=127.0.0.5");
    for _ in 0..60 {
        let _waiting = silent("127.0.0.5", address, 32).await;
        // The node limits how many handshakes begin in a second. After this pause, it can begin
        // another handshake.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let _newest = silent("127.0.0.6", address, 1).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        if lines(&closed) > 0 {
            break;
        }
    }
    assert_eq!(lines(&closed), 1);
    assert_eq!(lines(&["to make room", "node=61"]), 1);
    assert_eq!(lines(&line("from=127.0.0.6")), 0);
}
