//! Runs `elector status`, `watch`, `step-down` and `transfer` as a user does, against nodes that
//! run in this process.

mod commands;
mod status;
mod watch;

use std::{
    net::SocketAddr,
    process::{Command, Output},
    time::Duration,
};

use elector_core::{
    NodeId, Quorum,
    actor::{Cluster, ClusterSetup, Elector, MemoryNetwork},
};
use elector_net::http::{self, AddressScope, Options, Service, Token};
use elector_raft::Raft;
use tokio::{runtime::Runtime, sync::oneshot, task::JoinHandle};

/// The time limit for each wait of a test. A test that waits longer has failed.
const TIMEOUT: Duration = Duration::from_secs(60);

const TOKEN: &str = "correct-horse-battery-staple";

/// Returns the command `elector` with these arguments. It does not inherit the variables
/// `ELECTOR_HTTP` and `ELECTOR_TOKEN` of this process.
fn command(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elector"));
    command.args(arguments.split(' '));
    for variable in ["ELECTOR_HTTP", "ELECTOR_TOKEN"] {
        command.env_remove(variable);
    }
    // The command must not use a configured proxy. No proxy listens at this address, so a command
    // that uses it fails.
    command.env("http_proxy", "http://127.0.0.1:1");
    command
}

/// Runs the command. Returns its exit code, and its standard output followed by its standard error.
fn run(command: &mut Command) -> (i32, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let output = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.code().unwrap(), output)
}

/// A cluster in memory whose nodes can serve HTTP.
struct Nodes {
    runtime: Runtime,
    cluster: Cluster<Raft>,
}

impl Nodes {
    /// Starts a cluster with long timeouts, and waits until it has a leader.
    fn elected(nodes: u64) -> (Self, NodeId) {
        let runtime = Runtime::new().unwrap();
        let mut setup = ClusterSetup::<Raft>::new(nodes);
        let timing = &mut setup.config.timing;
        timing.lease = Duration::from_millis(800);
        timing.election_min = Duration::from_millis(1000);
        timing.election_max = Duration::from_millis(1500);
        timing.round_trip = Duration::from_millis(500);
        let (cluster, leader) = runtime.block_on(async {
            let cluster = Cluster::start_with(setup).await.unwrap();
            let leader = tokio::time::timeout(TIMEOUT, cluster.leader())
                .await
                .unwrap();
            (cluster, leader)
        });
        (Self { runtime, cluster }, leader)
    }

    fn elector(&self, node: NodeId) -> &Elector<Quorum> {
        self.cluster.node(node).unwrap()
    }

    /// Waits until a node leads or follows, and starts to serve HTTP for it.
    fn serve(&self, node: NodeId) -> Served {
        let elector = self.elector(node);
        let mut status = elector.subscribe();
        let settled = status.wait_for(|status| match status.leader {
            Some(leader) if leader == node => status.holds_leadership(),
            leader => leader.is_some(),
        });
        let settled = async { tokio::time::timeout(TIMEOUT, settled).await.map(|_| ()) };
        self.runtime.block_on(settled).unwrap();
        Served::new(&self.runtime, elector, "127.0.0.1:0")
    }

    fn peer_of(&self, node: NodeId) -> NodeId {
        let mut nodes = self.cluster.nodes().iter().copied();
        nodes.find(|&peer| peer != node).unwrap()
    }
}

/// Starts a node of a cluster of three whose peers do not run, so that it never knows a leader.
fn node_without_peers(runtime: &Runtime) -> Elector<Quorum> {
    let network = MemoryNetwork::<Raft>::new([1, 2, 3].map(NodeId)).unwrap();
    let builder = Elector::builder("without-peers")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1, 2, 3]);
    let started = builder.transport(network.transport()).start();
    runtime.block_on(started).unwrap()
}

/// A node that serves HTTP until this value is [ended](Self::end) or dropped.
struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    fn new(runtime: &Runtime, elector: &Elector<Quorum>, address: &str) -> Self {
        let _entered = runtime.enter();
        let listener = runtime
            .block_on(http::bind(address, AddressScope::Loopback))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let token: Token = TOKEN.parse().unwrap();
        let service = Service::new(elector, Options::new("billing").token(token));
        let (stop, stopped) = oneshot::channel::<()>();
        let task = runtime.spawn(async move {
            let stopped = async move {
                let _ = stopped.await;
            };
            service.serve(listener, stopped).await;
        });
        Self {
            address,
            stop,
            task,
        }
    }

    fn end(self, runtime: &Runtime) {
        drop(self.stop);
        runtime.block_on(self.task).unwrap();
    }

    /// Returns the command with these arguments, which sends its requests to this node.
    fn command(&self, arguments: &str) -> Command {
        let mut command = command(arguments);
        command.args(["--http", &self.address.to_string()]);
        command
    }
}
