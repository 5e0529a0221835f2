//! Whoever is no peer is refused, is told why, and disturbs nobody.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use common::{LONG, Node, builder, cluster, eventually, refusals, sockets, start};
use elector_core::{
    Configuration, ElectionAlgorithm,
    actor::{Elector, MemoryStorage, Peer},
};
use elector_net::{Detection, Tcp};
use elector_paxos::Paxos;
use elector_raft::{Raft, RaftConfig};

/// Two nodes of three that have elected, and the third's socket.
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

/// An odd node 3 must be refused by both others with this reason, and hear it; they go on under the
/// leader that they have.
async fn is_refused<A: ElectionAlgorithm>(
    reason: &str,
    set_up: impl FnOnce(TcpListener, Vec<Peer>) -> (Tcp<A>, A::Config, Vec<Peer>),
) {
    let (nodes, third, peers) = two_of_three().await;
    let epoch = nodes[0].elector.status().epoch;
    let (tcp, config, peers) = set_up(third, peers);
    let monitor = tcp.monitor();
    let odd = builder::<A>(3, &peers, &MemoryStorage::new());
    let odd = odd.config(config).transport(tcp).start().await.unwrap();
    eventually(&format!("{reason} is told on both sides"), || {
        let told = nodes.iter().map(|node| refusals(&node.monitor, reason));
        refusals(&monitor, reason) > 0 && told.sum::<u64>() > 0
    })
    .await;
    assert!(monitor.peers().iter().all(|peer| !peer.speaking));
    let status = nodes[0].elector.status();
    assert_eq!(status.epoch, epoch, "the cluster was disturbed");
    odd.shutdown().await.unwrap();
}

fn stock<A: ElectionAlgorithm>(name: &str, listener: TcpListener, peers: &[Peer]) -> Tcp<A> {
    Tcp::new(name, peers.to_vec(), A::Config::default()).listen_on(listener)
}

// A wrong address or a copied file must be told from a broken network, on both sides.
#[tokio::test]
async fn a_node_that_does_not_belong_is_refused_and_told() {
    is_refused::<Raft>("cluster", |listener, peers| {
        (
            stock("other", listener, &peers),
            RaftConfig::default(),
            peers,
        )
    })
    .await;
    is_refused::<Paxos>("algorithm", |listener, peers| {
        (stock("test", listener, &peers), Default::default(), peers)
    })
    .await;
    is_refused::<Raft>("members", |listener, mut peers| {
        peers.push((4, "127.0.0.1:9").into());
        (
            stock("test", listener, &peers),
            RaftConfig::default(),
            peers,
        )
    })
    .await;
    is_refused::<Raft>("options", |listener, peers| {
        let config = RaftConfig {
            pre_vote: false,
            ..RaftConfig::default()
        };
        let tcp = Tcp::new("test", peers.clone(), config.clone()).listen_on(listener);
        (tcp, config, peers)
    })
    .await;
    is_refused::<Raft>("wrong_node", |listener, mut peers| {
        let other = peers[1].address.clone();
        peers[1].address = std::mem::replace(&mut peers[0].address, other);
        (
            stock("test", listener, &peers),
            RaftConfig::default(),
            peers,
        )
    })
    .await;
}

// A node that turns against leaders sooner than the others let go of leases would make two of
// them lead at once.
#[tokio::test]
async fn durations_that_would_break_a_lease_are_refused() {
    is_refused::<Raft>("timing", |listener, peers| {
        let mut config = RaftConfig::default();
        let timing = config.timing_mut();
        timing.lease = Duration::from_millis(60);
        timing.election_min = Duration::from_millis(100);
        let tcp = Tcp::new("test", peers.clone(), config.clone()).listen_on(listener);
        (tcp, config, peers)
    })
    .await;
}

// Two processes under one id would vote twice: the newcomer is the one that is refused.
#[tokio::test]
async fn a_second_process_of_one_id_is_refused_while_the_first_runs() {
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
    eventually("both others refuse the second process", || {
        refusals(&second.monitor, "claimed") >= 2
    })
    .await;
    assert!(second.monitor.peers().iter().all(|peer| !peer.speaking));
    let agree = nodes
        .iter()
        .all(|node| node.elector.status().epoch == epoch);
    assert!(agree, "the cluster was disturbed");

    // When the first has stopped, the id is free again.
    let mut nodes = nodes;
    nodes.pop().unwrap().elector.shutdown().await.unwrap();
    eventually("the second process is let in", || {
        second.monitor.peers().iter().all(|peer| peer.speaking)
    })
    .await;
}

/// The greeting of whoever listens there, and the connection.
fn greeted(address: SocketAddr) -> (TcpStream, [u8; 20]) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let mut greeting = [0; 20];
    stream.read_exact(&mut greeting).unwrap();
    (stream, greeting)
}

/// What is said after this was sent, until the end.
fn answer(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    // It may be closed before all is written.
    let _ = stream.write_all(bytes).and_then(|()| stream.flush());
    let _ = stream.read_to_end(&mut answer);
    answer
}

// Anybody can connect to a port and say anything.
#[tokio::test]
async fn garbage_is_refused_counted_and_forgotten() {
    let nodes = cluster::<Raft>(3).await;
    common::agreed(&nodes).await;
    let epoch = nodes[0].elector.status().epoch;
    let address = nodes[0].monitor.listening().unwrap();
    let told = tokio::task::spawn_blocking(move || {
        let say = |bytes: &[u8]| answer(&mut greeted(address).0, bytes);
        let random = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8);
        let random: Vec<u8> = random.collect();
        let huge = [0xff; 64];
        let half = b"\x00\x00\x00\x30ELCT\x00\x01\x00\x01";
        let newer = b"\x00\x00\x00\x10ELCT\x00\x07\x00\x09\x00\x00\x00\x00\x00\x00\x00\x00";
        let http = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        [say(&random), say(&huge), say(half), say(newer), say(http)]
    });
    let told = told.await.unwrap();
    // Only who speaks of a version is answered in words: 1 is `Refused`, 0 is `Version`.
    let version = told
        .iter()
        .filter(|told| told.starts_with(b"\x00\x00\x00\x04\x01\x00\x07\x09"));
    assert_eq!(version.count(), 1, "{told:?}");
    let monitor = &nodes[0].monitor;
    eventually("all of it is counted", || {
        let garbage = refusals(monitor, "garbage") >= 3;
        garbage && refusals(monitor, "silent") >= 1 && refusals(monitor, "version") == 1
    })
    .await;
    assert_eq!(
        nodes[0].elector.status().epoch,
        epoch,
        "the cluster was disturbed"
    );
}

// What was said on one connection must be worth nothing on another.
#[tokio::test]
async fn a_recorded_hello_cannot_be_played_back() {
    let (nodes, third, _) = two_of_three().await;
    let address = nodes[0].monitor.listening().unwrap();
    let replayed = tokio::task::spawn_blocking(move || {
        // Node 2 dials whoever listens at node 3's address, and tells it who it is.
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
            // Relayed while it is fresh it is addressed to the wrong node; later it is old.
            let relayed = answer(&mut stream, &hello[..read]);
            let replayed = answer(&mut greeted(address).0, &hello[..read]);
            return (relayed, replayed);
        }
    });
    let (relayed, replayed) = replayed.await.unwrap();
    assert_eq!(
        relayed[4..6],
        [1, 6],
        "refused: the wrong node: {relayed:?}"
    );
    assert_eq!(replayed[4..6], [1, 11], "refused: replayed: {replayed:?}");
}

// A flood must cost the flooder its own connections, and nobody the leader.
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
            // The limit of this process is on its own sockets.
            if held.len() > 400 {
                held.pop_front();
            }
        }
    });
    flooded.await.unwrap();
    eventually("those that wait too long are dropped", || {
        refusals(&nodes[0].monitor, "busy") > 0
    })
    .await;
    for node in &nodes {
        let status = node.elector.status();
        assert_eq!(status.epoch, epoch, "the leader was lost in the flood");
        assert!(
            node.monitor
                .peers()
                .iter()
                .all(|peer| peer.speaking && peer.hearing)
        );
    }
}

async fn fails_to_open(set_up: impl FnOnce(Tcp<Raft>) -> Tcp<Raft>, told: &str) {
    let peers: Vec<Peer> = vec![(1, "127.0.0.1:0").into(), (2, "127.0.0.1:9").into()];
    let tcp = set_up(Tcp::new("test", peers.clone(), RaftConfig::default()));
    let node = Elector::builder("test")
        .algorithm::<Raft>()
        .node_id(1)
        .peers(peers)
        .transport(tcp);
    let error = node.start().await.unwrap_err().to_string();
    assert!(error.contains(told), "{error}");
}

// A node that would be open to everybody must not start by mistake.
#[tokio::test]
async fn what_cannot_be_opened_says_what_to_do() {
    fails_to_open(|tcp| tcp.listen("0.0.0.0:0"), "set up TLS").await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    fails_to_open(|tcp| tcp.listen(address), "is another node running there").await;
    fails_to_open(|tcp| tcp.listen("no such host:1"), "cannot find out").await;
    let stock = Detection::lan();
    fails_to_open(|tcp| tcp.detection(stock), "longer than the lease").await;
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
