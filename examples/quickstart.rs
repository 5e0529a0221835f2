//! Starts three nodes, with work that only the leader does.
//! Run it with `cargo run --release --example quickstart`.
//!
//! Every node calls `lead` with the same closure. The closure runs on the leader, and starts again
//! on another node if the leader fails. Here all three nodes are in one process, so that the
//! example can kill the leader. In production, each node is a process, with a transport and a disk:
//! `Elector::builder("billing").algorithm::<Raft>().node_id(1).peers([1, 2, 3])`.

use std::time::Instant;

use elector::{BoxError, Cluster, Leadership, NodeId, Quorum, Raft};
use tokio::{
    sync::mpsc::{self, UnboundedSender},
    task::JoinSet,
};

/// The work of the leader. When the node stops leading, this future is dropped.
async fn work(
    node: NodeId,
    me: Leadership<Quorum>,
    done: UnboundedSender<NodeId>,
) -> Result<(), BoxError> {
    println!("  node {node} leads epoch {}", me.epoch());
    for batch in ["one", "two", "three"] {
        // Each write carries the token, so that the store can reject older leaders.
        println!(
            "  node {node} writes batch {batch} under token {}",
            me.token()?
        );
    }
    done.send(node)?;
    std::future::pending().await // A return would end the leadership.
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    println!("Three nodes start. Each can do the work; the leader does it.");
    let mut cluster = Cluster::<Raft>::start(3).await?;
    let (send, mut done) = mpsc::unbounded_channel();
    let mut workers = JoinSet::new();
    for elector in cluster.running() {
        let (elector, send) = (elector.clone(), send.clone());
        workers.spawn(async move {
            let node = elector.node_id();
            elector.lead(|me| work(node, me, send.clone())).await
        });
    }

    let leader = done.recv().await.ok_or("no node led")?;
    println!("\nNode {leader} is killed. Another node takes over:");
    let killed = Instant::now();
    cluster.kill(leader).await;
    done.recv().await.ok_or("no node led after it")?;
    println!("\nThat took {:.1?}.", killed.elapsed());
    println!("Look at: the epoch of the second leader, and so its token, is higher.");
    workers.shutdown().await;
    cluster.shutdown().await;
    Ok(())
}
