use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
};

use elector_core::{NodeId, Role};
use serde_json::Value;

use super::{Nodes, Served, TIMEOUT};

/// A running `elector watch`.
struct Watch {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (out, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if out.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

impl Watch {
    fn new(served: &Served, arguments: &str) -> Self {
        let mut watch = served.command(arguments);
        watch.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = watch.spawn().unwrap();
        Self {
            lines: lines(child.stdout.take().unwrap()),
            errors: lines(child.stderr.take().unwrap()),
            child,
        }
    }

    fn next(&self) -> String {
        self.lines
            .recv_timeout(TIMEOUT)
            .expect("another line in time")
    }

    /// Reads lines until a line contains this text, and returns this line.
    fn until(&self, text: &str) -> String {
        loop {
            let line = self.next();
            if line.contains(text) {
                return line;
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes the only node of a cluster step down, and waits until it does not lead.
fn step_down(nodes: &Nodes, node: NodeId) {
    let elector = nodes.elector(node);
    let mut status = elector.subscribe();
    let done = async {
        elector.step_down().await.unwrap();
        let follows = status.wait_for(|status| status.role != Role::Leader);
        tokio::time::timeout(TIMEOUT, follows).await.map(|_| ())
    };
    nodes.runtime.block_on(done).unwrap();
}

// Operators watch the events during a deployment, so each change must be a line as soon as it
// occurs.
#[test]
fn each_event_is_one_line() {
    let (nodes, leader) = Nodes::elected(1);
    let served = nodes.serve(leader);
    let watch = Watch::new(&served, "watch");
    let first = watch.next();
    assert!(
        first.ends_with("node 1 leads epoch 1, and holds the leadership"),
        "{first}"
    );
    step_down(&nodes, leader);
    watch.until("has lost the leadership of epoch 1");
    watch.until("leads epoch 2");
    watch.until("holds the leadership of epoch 2");

    let json = Watch::new(&served, "watch --json");
    let first: Value = serde_json::from_str(&json.next()).unwrap();
    assert_eq!(first["event"], "status");
}

// A node may be restarted while an operator watches its events. Each event must be printed exactly
// once, and the restart must be visible.
#[test]
fn a_broken_connection_is_restored() {
    let (mut nodes, leader) = Nodes::elected(1);
    let served = nodes.serve(leader);
    let address = served.address.to_string();
    let watch = Watch::new(&served, "watch");
    watch.next();
    step_down(&nodes, leader);
    watch.until("holds the leadership of epoch 2");
    served.end(&nodes.runtime);
    let error = watch.errors.recv_timeout(TIMEOUT).unwrap();
    assert!(error.contains("trying again"), "{error}");

    let served = restarted(&mut nodes, leader, &address);
    let next = watch.next();
    assert!(next.ends_with("the node was restarted"), "{next}");
    watch.until("holds the leadership of epoch 3");

    // If the client connects again to a node that has stopped, it receives the end of the node
    // again. It must print this end only once.
    let stopped = nodes.elector(leader).shutdown();
    nodes.runtime.block_on(stopped).unwrap();
    watch.until("the node has stopped: the node was shut down");
    served.end(&nodes.runtime);
    let _served = restarted(&mut nodes, leader, &address);
    let next = watch.next();
    assert!(next.ends_with("the node was restarted"), "{next}");
    assert!(
        watch.errors.try_recv().is_err(),
        "there was a further warning"
    );
}

/// Restarts the only node of a cluster after a crash, and serves it at the same address.
fn restarted(nodes: &mut Nodes, node: NodeId, address: &str) -> Served {
    let Nodes { runtime, cluster } = nodes;
    runtime.block_on(async {
        cluster.kill(node).await;
        cluster.restart(node).await.unwrap();
    });
    Served::new(runtime, cluster.node(node).unwrap(), address)
}

// In `elector watch | head -1`, the command must end after `head` has closed the pipe.
#[test]
fn a_closed_pipe_ends_the_command() {
    let (nodes, leader) = Nodes::elected(1);
    let served = nodes.serve(leader);
    let mut watch = served.command("watch");
    let mut child = watch.stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    drop(out);
    step_down(&nodes, leader);
    // If the command does not end, this test hangs, and so fails.
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
