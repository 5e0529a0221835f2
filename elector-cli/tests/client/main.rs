//! `elector status`, `watch`, `step-down` and `transfer`, run as a user runs them, against nodes of
//! this process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod asked;
mod told;
mod watched;

use std::{
    net::SocketAddr,
    process::{Command, Output},
    time::Duration,
};

use elector_core::{
    NodeId, Quorum,
    actor::{Cluster, ClusterSetup, Elector, MemoryNetwork},
};
use elector_net::http::{self, Options, Service, Token};
use elector_raft::Raft;
use tokio::{runtime::Runtime, sync::oneshot, task::JoinHandle};

/// For anything that is to happen; a test that waits longer has failed.
const SOON: Duration = Duration::from_secs(60);

const TOKEN: &str = "correct-horse-battery-staple";

/// The command, with an environment of its own.
fn command(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elector"));
    command.args(arguments.split(' '));
    for variable in ["ELECTOR_HTTP", "ELECTOR_TOKEN"] {
        command.env_remove(variable);
    }
    // Not for a node that stands near.
    command.env("http_proxy", "http://127.0.0.1:1");
    command
}

/// Its exit code, and all that it says.
fn run(command: &mut Command) -> (i32, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let said = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.code().unwrap(), said)
}

/// A cluster whose nodes can be served.
struct Nodes {
    runtime: Runtime,
    cluster: Cluster<Raft>,
}

impl Nodes {
    /// A patient one, that has elected.
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
            let leader = tokio::time::timeout(SOON, cluster.leader()).await.unwrap();
            (cluster, leader)
        });
        (Self { runtime, cluster }, leader)
    }

    fn elector(&self, node: NodeId) -> &Elector<Quorum> {
        self.cluster.node(node).unwrap()
    }

    /// Serves a node that leads or follows, as soon as it does.
    fn serve(&self, node: NodeId) -> Served {
        let elector = self.elector(node);
        let mut status = elector.subscribe();
        let settled = status.wait_for(|status| match status.leader {
            Some(leader) if leader == node => status.holds_leadership(),
            leader => leader.is_some(),
        });
        let settled = async { tokio::time::timeout(SOON, settled).await.map(|_| ()) };
        self.runtime.block_on(settled).unwrap();
        Served::new(&self.runtime, elector, "127.0.0.1:0")
    }

    fn other(&self, than: NodeId) -> NodeId {
        let mut nodes = self.cluster.nodes().iter().copied();
        nodes.find(|&node| node != than).unwrap()
    }
}

/// A node of three whose peers are not there: it never knows a leader.
fn lonely(runtime: &Runtime) -> Elector<Quorum> {
    let network = MemoryNetwork::<Raft>::new([1, 2, 3].map(NodeId)).unwrap();
    let builder = Elector::builder("lonely")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1, 2, 3]);
    let started = builder.transport(network.transport()).start();
    runtime.block_on(started).unwrap()
}

/// A node that is served, until it is ended or dropped.
struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    fn new(runtime: &Runtime, elector: &Elector<Quorum>, address: &str) -> Self {
        let _entered = runtime.enter();
        let listener = runtime.block_on(http::bind(address, false)).unwrap();
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

    /// A command about this node.
    fn command(&self, arguments: &str) -> Command {
        let mut command = command(arguments);
        command.args(["--http", &self.address.to_string()]);
        command
    }
}
