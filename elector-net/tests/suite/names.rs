//! Tests of peers that are dialled by name, while name servers do not answer, or some addresses of
//! a name do not.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use elector_core::actor::{MemoryStorage, Peer};
use elector_net::Tcp;
use elector_raft::{Raft, RaftConfig};
use rustix::net::{AddressFamily, SocketType, bind, listen, socket};

use crate::common::{Node, agreed, builder, eventually, rebind, sockets};

/// Starts a node whose peers have names. The node resolves these names with the function `find`.
async fn start(
    id: u64,
    listener: TcpListener,
    peers: &[Peer],
    find: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
) -> Node<Raft> {
    let tcp = Tcp::new("test", peers.to_vec(), RaftConfig::default()).listen_on(listener);
    let tcp = tcp.resolver(find);
    let monitor = tcp.monitor();
    let node = builder::<Raft>(id, peers, &MemoryStorage::new()).transport(tcp);
    let elector = node.start().await.unwrap();
    Node { elector, monitor }
}

/// Returns the same peers with names as addresses: `node-1:port`.
fn named(peers: &[Peer]) -> Vec<Peer> {
    let named = peers.iter().map(|peer| {
        let port = port_of(peer.address.as_deref().unwrap());
        Peer::from((peer.id.0, format!("node-{}:{port}", peer.id)))
    });
    named.collect()
}

fn port_of(address: &str) -> u16 {
    address.rsplit_once(':').unwrap().1.parse().unwrap()
}

fn on_loopback(name: &str) -> SocketAddr {
    ([127, 0, 0, 1], port_of(name)).into()
}

/// Returns the address with the same port on another address of the loopback interface.
fn beside(address: SocketAddr) -> SocketAddr {
    ([127, 0, 0, 2], address.port()).into()
}

/// Makes the address `beside(address)` ignore connections. This function fills the queue of a
/// listener from which no process accepts. The queue stays full until the returned sockets are
/// dropped.
fn ignoring_beside(address: SocketAddr) -> Vec<OwnedFd> {
    let address = beside(address);
    let listening = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&listening, &address).unwrap();
    listen(&listening, 0).unwrap();
    let mut sockets = vec![listening];
    let short = Duration::from_millis(200);
    while let Ok(stream) = TcpStream::connect_timeout(&address, short) {
        sockets.push(stream.into());
    }
    sockets
}

// If the first of two name servers is down, each lookup takes 2 to 5 s. Slow lookups may delay the
// election of the first leader, but must not prevent it.
#[tokio::test]
async fn slow_lookups_delay_the_first_leader_only() {
    let (listeners, peers) = sockets(3);
    let peers = named(&peers);
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let mut nodes = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        let find = move |name: &str| {
            most.fetch_max(now.fetch_add(1, Ordering::AcqRel) + 1, Ordering::AcqRel);
            thread::sleep(Duration::from_secs(2));
            now.fetch_sub(1, Ordering::AcqRel);
            Ok(vec![on_loopback(name)])
        };
        nodes.push(start(id, listener, &peers, find).await);
    }
    agreed(&nodes).await;
    let most = most.load(Ordering::Acquire);
    assert!(
        most <= 6,
        "{most} lookups at once: three nodes, two peers each"
    );
}

// One address of a name may be an IPv6 address that leads nowhere, or the address of a host that is
// down. The peer must be reached at another address.
#[tokio::test]
async fn an_address_that_ignores_connections_does_not_hide_another_one() {
    let (listeners, peers) = sockets(2);
    let peers = named(&peers);
    let addresses = listeners.iter().map(|l| l.local_addr().unwrap());
    let _ignoring: Vec<_> = addresses.map(ignoring_beside).collect();
    let mut nodes = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        let find = |name: &str| {
            let address = on_loopback(name);
            Ok(vec![beside(address), address])
        };
        nodes.push(start(id, listener, &peers, find).await);
    }
    agreed(&nodes).await;
}

// If the name servers and a node fail together, the node must be found again at its old address. If
// the node is then started at another address, it must be found there.
#[tokio::test]
async fn a_node_is_found_at_its_old_address_while_lookups_fail_and_then_at_its_new_one() {
    let (mut listeners, peers) = sockets(2);
    let peers = named(&peers);
    let second = listeners.pop().unwrap();
    let place = second.local_addr().unwrap();
    let known = Arc::new(Mutex::new(Some(place)));
    let asked = Arc::new(AtomicUsize::new(0));
    let (answer, count) = (Arc::clone(&known), Arc::clone(&asked));
    let find = move |_: &str| {
        count.fetch_add(1, Ordering::AcqRel);
        let known = *answer.lock().unwrap();
        Ok(vec![known.ok_or_else(|| io::Error::other("no server"))?])
    };
    let first = start(1, listeners.pop().unwrap(), &peers, find).await;
    let is_reached = || first.monitor.peers()[0].can_send;
    let direct = |name: &str| Ok(vec![on_loopback(name)]);
    let node = start(2, second, &peers, direct).await;
    eventually("it is reached", is_reached).await;

    *known.lock().unwrap() = None;
    drop(node);
    eventually("its connection is closed", || !is_reached()).await;
    let before = asked.load(Ordering::Acquire);
    let is_asked = || asked.load(Ordering::Acquire) > before + 1;
    eventually("lookups have failed", is_asked).await;
    let node = start(2, rebind(place).await, &peers, direct).await;
    eventually("it is reached at its old address", is_reached).await;

    drop(node);
    eventually("its connection is closed", || !is_reached()).await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    *known.lock().unwrap() = Some(elsewhere.local_addr().unwrap());
    let _node = start(2, elsewhere, &peers, direct).await;
    eventually("it is reached at its new address", is_reached).await;
}
