//! Three nodes, and work that only the leader does. `cargo run --release --example quickstart`
//!
//! Every node calls `lead` with the same closure; it runs on the one that leads, and begins anew on
//! another when that one is gone. Here all three live in this process, so that the example can
//! kill the leader. In production each is a process of its own, made by
//! `Elector::builder("billing").algorithm::<Raft>().node_id(1).peers([1, 2, 3])` with a transport
//! and a disk.

use std::time::Instant;

use elector::{Cluster, Leadership, NodeId, Quorum, actor::BoxError, raft::Raft};
use tokio::{
    sync::mpsc::{self, UnboundedSender},
    task::JoinSet,
};

/// The work of the leader. As soon as its node leads no more, this future is dropped.
async fn work(
    node: NodeId,
    me: Leadership<Quorum>,
    done: UnboundedSender<NodeId>,
) -> Result<(), BoxError> {
    println!("  node {node} leads epoch {}", me.epoch());
    for batch in ["one", "two", "three"] {
        // The token goes along with each write, so that the store can refuse leaders of the past.
        println!(
            "  node {node} writes batch {batch} under token {}",
            me.token()?.epoch()
        );
    }
    done.send(node)?;
    std::future::pending().await // To return would give the leadership back.
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    println!("Three nodes start. All are ready to do the work; the leader does it.");
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

    let leader = done.recv().await.ok_or("nobody led")?;
    println!("\nNode {leader} is killed. Another one takes over:");
    let killed = Instant::now();
    cluster.kill(leader).await;
    done.recv().await.ok_or("nobody led after it")?;
    println!("\nThat took {:.1?}.", killed.elapsed());
    println!("Look at: the second leader's epoch, and with it its token, is the higher one.");
    workers.shutdown().await;
    cluster.shutdown().await;
    Ok(())
}
