use std::{
    env,
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use elector_core::actor::{MemoryStorage, Peer};
use elector_net::{
    PeerReport, Tcp,
    http::{self, AddressScope, Limits, Options, Service},
};
use elector_raft::{Raft, RaftConfig};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::common::{builder, eventually, sockets, start};

/// The name of an environment variable. The test starts this test binary a second time, with the
/// variable set. The second process then runs node 1, and the variable has the addresses of the
/// peers of this node.
const PEERS: &str = "ELECTOR_TEST_PEERS";
const READY: &str = "ready at ";

/// A second process of this test binary, which may open only a few files. It runs node 1, and
/// serves the node over HTTP.
struct Served {
    process: Child,
    node: SocketAddr,
    http: SocketAddr,
}

impl Served {
    fn start(peers: &[Peer]) -> Self {
        let addresses: Vec<&str> = peers.iter().filter_map(|p| p.address.as_deref()).collect();
        let test = "http::descriptors::connections_over_http_leave_descriptors_to_peers";
        let mut process = Command::new(env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env(PEERS, addresses.join(" "))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let addresses = ready(process.stdout.take().unwrap());
        let (node, http) = addresses.split_once(' ').unwrap();
        Self {
            process,
            node: node.parse().unwrap(),
            http: http.parse().unwrap(),
        }
    }
}

/// Waits for the line that the second process prints when it is ready. Returns the addresses of its
/// node and of its HTTP service in this line.
fn ready(out: ChildStdout) -> String {
    let mut lines = BufReader::new(out).lines();
    let addresses = lines.find_map(|line| {
        let line = line.unwrap();
        line.split_once(READY)
            .map(|(_, addresses)| addresses.to_owned())
    });
    addresses.expect("the process becomes ready")
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs node 1 until the parent process ends.
async fn serve(peers: &str) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(256);
    setrlimit(Resource::Nofile, limit).unwrap();
    let mut listed: Vec<Peer> = vec![(1, "127.0.0.1:0").into()];
    listed.extend((2..).zip(peers.split(' ')).map(Peer::from));
    let tcp = Tcp::new("test", listed.clone(), RaftConfig::default());
    let monitor = tcp.monitor();
    let node = builder::<Raft>(1, &listed, &MemoryStorage::new()).transport(tcp);
    let elector = node.start().await.unwrap();
    let listener = http::bind("127.0.0.1:0", AddressScope::Loopback)
        .await
        .unwrap();
    let (node, at) = (monitor.listening().unwrap(), listener.local_addr().unwrap());
    println!("{READY}{node} {at}");
    let limits = Limits {
        // This time limit is long, so that it does not end the connections of the test.
        request: Duration::from_secs(3600),
        ..Limits::default()
    };
    let service = Service::new(&elector, Options::new("test").limits(limits));
    let ended = async {
        let wait = || std::io::stdin().read_to_end(&mut Vec::new());
        let _ = tokio::task::spawn_blocking(wait).await;
    };
    service.serve(listener, ended).await;
}

// A dashboard may open an HTTP connection for each request and never close it. These connections
// must not use up the file descriptors that the node needs for connections to its peers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_over_http_leave_descriptors_to_peers() {
    if let Ok(peers) = env::var(PEERS) {
        return serve(&peers).await;
    }
    let (listeners, mut peers) = sockets(2);
    for peer in &mut peers {
        peer.id.0 += 1;
    }
    let served = Served::start(&peers);
    peers.push((1, served.node.to_string()).into());
    let mut open: Vec<TcpStream> = Vec::new();
    for _ in 0..300 {
        let stream = TcpStream::connect(served.http).unwrap();
        stream.set_nonblocking(true).unwrap();
        open.push(stream);
    }
    eventually("most of them have made room", || {
        open.retain_mut(|stream| stream.read(&mut [0]).is_err());
        open.len() < 100
    })
    .await;
    let mut nodes = Vec::new();
    for (id, listener) in (2..).zip(listeners) {
        nodes.push(start::<Raft>(id, listener, &peers, &MemoryStorage::new()).await);
    }
    eventually("both reach the node", || {
        nodes.iter().all(|node| {
            let peers = node.monitor.peers();
            peers.iter().all(PeerReport::is_connected)
        })
    })
    .await;
}
