//! Tests of processes that are not peers. A node must reject the connections of such a process with
//! the reason, and the cluster must not be disturbed.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use elector_core::{
    Configuration, ElectionAlgorithm,
    actor::{Elector, MemoryStorage, Peer},
};
use elector_net::{Detection, Tcp};
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftConfig};

use crate::common::{
    self, LONG, Node, are_connected, builder, cluster, eventually, rejections, sockets, start,
};

/// Starts two nodes of three and waits for a leader. Returns the two nodes, the socket of the third
/// node, and the list of peers.
async fn two_of_three() -> (Vec<Node<Raft>>, TcpListener, Vec<Peer>) {
    let (mut listeners, peers) = sockets(3);
    let third = listeners.pop().unwrap();
    let mut nodes = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        nodes.push(start(id, listener, &peers, &MemoryStorage::new()).await);
    }
    common::agreed(&nodes).await;
    (nodes, third, peers)
}

/// Starts nodes 1 and 2, and a wrong node 3, which `set_up` configures. The wrong node and one of
/// the other two must count a rejection with this reason. The wrong node must not be admitted, and
/// the other nodes must not elect again.
async fn is_rejected<A: ElectionAlgorithm>(
    reason: &str,
    set_up: impl FnOnce(TcpListener, Vec<Peer>) -> (Tcp<A>, A::Config, Vec<Peer>),
) {
    let (nodes, third, peers) = two_of_three().await;
    let epoch = nodes[0].elector.status().epoch;
    let (tcp, config, peers) = set_up(third, peers);
    let monitor = tcp.monitor();
    let wrong = builder::<A>(3, &peers, &MemoryStorage::new());
    let wrong = wrong.config(config).transport(tcp).start().await.unwrap();
    eventually(&format!("{reason} is counted on both sides"), || {
        let counts = nodes.iter().map(|node| rejections(&node.monitor, reason));
        rejections(&monitor, reason) > 0 && counts.sum::<u64>() > 0
    })
    .await;
    assert!(monitor.peers().iter().all(|peer| !peer.can_send));
    let status = nodes[0].elector.status();
    assert_eq!(status.epoch, epoch, "the cluster was disturbed");
    wrong.shutdown().await.unwrap();
}

fn tcp_of<A: ElectionAlgorithm>(name: &str, listener: TcpListener, peers: &[Peer]) -> Tcp<A> {
    Tcp::new(name, peers.to_vec(), A::Config::default()).listen_on(listener)
}

// If an operator makes a mistake, such as a wrong address or a copied file, both sides of a
// connection must name the mistake, so that it does not look like a broken network.
#[tokio::test]
async fn a_node_that_does_not_belong_to_the_cluster_is_rejected_with_the_reason() {
    is_rejected::<Raft>("cluster", |listener, peers| {
        (
            tcp_of("other", listener, &peers),
            RaftConfig::default(),
            peers,
        )
    })
    .await;
    is_rejected::<Paxos>("algorithm", |listener, peers| {
        (tcp_of("test", listener, &peers), Default::default(), peers)
    })
    .await;
    is_rejected::<Raft>("members", |listener, mut peers| {
        peers.push((4, "127.0.0.1:9").into());
        (
            tcp_of("test", listener, &peers),
            RaftConfig::default(),
            peers,
        )
    })
    .await;
    is_rejected::<Raft>("options", |listener, peers| {
        let config = RaftConfig {
            pre_vote: false,
            ..RaftConfig::default()
        };
        let tcp = Tcp::new("test", peers.clone(), config.clone()).listen_on(listener);
        (tcp, config, peers)
    })
    .await;
    is_rejected::<Raft>("wrong_node", |listener, mut peers| {
        let other = peers[1].address.clone();
        peers[1].address = std::mem::replace(&mut peers[0].address, other);
        (
            tcp_of("test", listener, &peers),
            RaftConfig::default(),
            peers,
        )
    })
    .await;
}

// If a node supports another leader before the lease of the present leader has ended, two nodes
// lead at the same time. So nodes whose durations allow this must reject each other.
#[tokio::test]
async fn durations_that_would_break_a_lease_are_rejected() {
    is_rejected::<Raft>("timing", |listener, peers| {
        let mut config = RaftConfig::default();
        let timing = config.timing_mut();
        timing.lease = Duration::from_millis(60);
        timing.election_min = Duration::from_millis(100);
        let tcp = Tcp::new("test", peers.clone(), config.clone()).listen_on(listener);
        (tcp, config, peers)
    })
    .await;
}

// If two processes with one id could vote, the node would vote twice. So the second process must be
// rejected.
#[tokio::test]
async fn a_second_process_with_one_id_is_rejected_while_the_first_runs() {
    let nodes = cluster::<Raft>(3).await;
    common::agreed(&nodes).await;
    let epoch = nodes[0].elector.status().epoch;
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut peers: Vec<Peer> = (1..)
        .zip(&nodes)
        .map(|(id, node)| (id, node.monitor.listening().unwrap().to_string()).into())
        .collect();
    peers[2].address = Some(elsewhere.local_addr().unwrap().to_string());
    let second = start::<Raft>(3, elsewhere, &peers, &MemoryStorage::new()).await;
    eventually("both others reject the second process", || {
        rejections(&second.monitor, "claimed") >= 2
    })
    .await;
    assert!(second.monitor.peers().iter().all(|peer| !peer.can_send));
    let agree = nodes
        .iter()
        .all(|node| node.elector.status().epoch == epoch);
    assert!(agree, "the cluster was disturbed");

    // When the first process has stopped, the id is free again.
    let mut nodes = nodes;
    nodes.pop().unwrap().elector.shutdown().await.unwrap();
    eventually("the second process is admitted", || {
        second.monitor.peers().iter().all(|peer| peer.can_send)
    })
    .await;
}

/// Connects to this address. Returns the connection and the greeting, which is the first frame of
/// the other side.
fn greeted(address: SocketAddr) -> (TcpStream, [u8; 20]) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let mut greeting = [0; 20];
    stream.read_exact(&mut greeting).unwrap();
    (stream, greeting)
}

/// Sends these bytes, and returns all bytes that the other side sends until it closes the
/// connection.
fn answer(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    // The other side may close the connection before all bytes are written.
    let _ = stream.write_all(bytes).and_then(|()| stream.flush());
    let _ = stream.read_to_end(&mut answer);
    answer
}

// Any process can connect to the port of a node and send any bytes. They must not disturb the
// cluster, and must be counted.
#[tokio::test]
async fn garbage_is_rejected_and_counted() {
    let nodes = cluster::<Raft>(3).await;
    common::agreed(&nodes).await;
    let epoch = nodes[0].elector.status().epoch;
    let address = nodes[0].monitor.listening().unwrap();
    let answers = tokio::task::spawn_blocking(move || {
        let send = |bytes: &[u8]| answer(&mut greeted(address).0, bytes);
        let random = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8);
        let random: Vec<u8> = random.collect();
        let huge = [0xff; 64];
        let half = b"\x00\x00\x00\x30ELCT\x00\x01\x00\x01";
        let newer = b"\x00\x00\x00\x10ELCT\x00\x07\x00\x09\x00\x00\x00\x00\x00\x00\x00\x00";
        let http = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        [&random[..], &huge, half, newer, http].map(send)
    });
    let answers = answers.await.unwrap();
    // Only the hello (description of a node) with another version gets an answer. After the length
    // of the frame, the byte 1 means `Rejected`, and the byte 0 means `Version`.
    let version = answers
        .iter()
        .filter(|answer| answer.starts_with(b"\x00\x00\x00\x04\x01\x00\x07\x09"));
    assert_eq!(version.count(), 1, "{answers:?}");
    let monitor = &nodes[0].monitor;
    eventually("all of it is counted", || {
        let garbage = rejections(monitor, "garbage") >= 3;
        garbage && rejections(monitor, "silent") >= 1 && rejections(monitor, "version") == 1
    })
    .await;
    assert_eq!(
        nodes[0].elector.status().epoch,
        epoch,
        "the cluster was disturbed"
    );
}

// A process may record the hello of a node, in which the node describes itself, on one connection,
// and send it on another connection. It must not be admitted as that node.
#[tokio::test]
async fn a_recorded_hello_cannot_be_replayed() {
    let (nodes, third, _) = two_of_three().await;
    let address = nodes[0].monitor.listening().unwrap();
    let replayed = tokio::task::spawn_blocking(move || {
        // Nodes 1 and 2 dial this process, which listens at the address of node 3. It sends the
        // greeting of node 1, with a random number (nonce), to one of them, and gets a hello that
        // repeats the nonce.
        third.set_nonblocking(false).unwrap();
        loop {
            let (mut dialled, _) = third.accept().unwrap();
            let (mut stream, greeting) = greeted(address);
            dialled.write_all(&greeting).unwrap();
            dialled
                .set_read_timeout(Some(Duration::from_millis(500)))
                .unwrap();
            let mut hello = vec![0; 1024];
            let Ok(read @ 1..) = dialled.read(&mut hello) else {
                continue;
            };
            // On the first connection, the hello has the right nonce, because it answers the
            // greeting that node 1 has sent on this connection. But the hello names node 3 as the
            // receiver, and not node 1. On the second connection, the nonce is an old one.
            let relayed = answer(&mut stream, &hello[..read]);
            let replayed = answer(&mut greeted(address).0, &hello[..read]);
            return (relayed, replayed);
        }
    });
    let (relayed, replayed) = replayed.await.unwrap();
    assert_eq!(
        relayed[4..6],
        [1, 6],
        "rejected: the wrong node: {relayed:?}"
    );
    assert_eq!(replayed[4..6], [1, 11], "rejected: replayed: {replayed:?}");
}

// If a process opens thousands of connections and sends nothing, the node may drop only connections
// with pending handshakes. The peers must stay connected, and the leader must not lose its
// leadership.
#[tokio::test]
async fn ten_thousand_connections_do_not_disturb_the_cluster() {
    let nodes = cluster::<Raft>(3).await;
    common::agreed(&nodes).await;
    let epoch = nodes[0].elector.status().epoch;
    let address = nodes[0].monitor.listening().unwrap();
    let flooded = tokio::task::spawn_blocking(move || {
        let mut held = std::collections::VecDeque::new();
        for _ in 0..10_000 {
            if let Ok(stream) = TcpStream::connect_timeout(&address, LONG) {
                held.push_back(stream);
            }
            // This process has a limit for its own sockets, so it closes the oldest ones.
            if held.len() > 400 {
                held.pop_front();
            }
        }
    });
    flooded.await.unwrap();
    eventually("the oldest connections are dropped", || {
        rejections(&nodes[0].monitor, "busy") > 0
    })
    .await;
    for node in &nodes {
        let status = node.elector.status();
        assert_eq!(status.epoch, epoch, "the leader was lost in the flood");
    }
    assert!(are_connected(&nodes));
}

async fn fails_to_open(set_up: impl FnOnce(Tcp<Raft>) -> Tcp<Raft>, text: &str) {
    let peers: Vec<Peer> = vec![(1, "127.0.0.1:0").into(), (2, "127.0.0.1:9").into()];
    let tcp = set_up(Tcp::new("test", peers.clone(), RaftConfig::default()));
    let node = Elector::builder("test")
        .algorithm::<Raft>()
        .node_id(1)
        .peers(peers)
        .transport(tcp);
    let error = node.start().await.unwrap_err().to_string();
    assert!(error.contains(text), "{error}");
}

// A node must not start if a mistake in its settings would allow any process to pose as its peer.
// The error must say what to do, also for other mistakes.
#[tokio::test]
async fn the_error_of_a_network_that_cannot_be_opened_says_what_to_do() {
    fails_to_open(|tcp| tcp.listen("0.0.0.0:0"), "set up TLS").await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    fails_to_open(|tcp| tcp.listen(address), "is another node running there").await;
    fails_to_open(|tcp| tcp.listen("no such host:1"), "cannot resolve").await;
    let lan = Detection::lan();
    fails_to_open(|tcp| tcp.detection(lan), "longer than the lease").await;
    let nameless = vec![Peer::from(1), (2, "127.0.0.1:9").into()];
    let tcp = Tcp::<Raft>::new("test", nameless.clone(), RaftConfig::default());
    let node = Elector::builder("test")
        .algorithm::<Raft>()
        .node_id(1)
        .peers(nameless)
        .transport(tcp);
    let error = node.start().await.unwrap_err().to_string();
    assert!(error.contains("node 1 has no address"), "{error}");
    let long = Tcp::<Raft>::new("n".repeat(300), Vec::new(), RaftConfig::default());
    let node = Elector::builder("test")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1, 2])
        .transport(long);
    let error = node.start().await.unwrap_err().to_string();
    assert!(error.contains("300 bytes long"), "{error}");
}
