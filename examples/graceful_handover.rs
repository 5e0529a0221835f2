//! A leader hands over before it is taken down for maintenance: its work ends in order, and only
//! then does the named successor take over. No timeout is waited for.
//!
//! `cargo run --example graceful_handover`

use std::time::Instant;

use elector::{Cluster, Elector, Leadership, NodeId, Quorum, raft::Raft};
use tokio::sync::mpsc;

type Diary = mpsc::UnboundedSender<(NodeId, &'static str)>;

/// Work that says when it ends, however it ends.
struct Work(Diary, NodeId);

impl Drop for Work {
    fn drop(&mut self) {
        // Nobody may listen any more.
        let _ = self.0.send((self.1, "has ended its work"));
    }
}

async fn run(elector: Elector<Raft>, diary: Diary) {
    let node = elector.node_id();
    let work = |me: Leadership<Quorum>| {
        let diary = diary.clone();
        async move {
            diary.send((node, "works"))?;
            let _work = Work(diary, node);
            me.lost().await;
            Ok(())
        }
    };
    if let Err(error) = elector.lead(work).await {
        println!("node {node}: {error}");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = Cluster::<Raft>::start(3).await?;
    let (diary, mut entries) = mpsc::unbounded_channel();
    for elector in cluster.running().cloned() {
        tokio::spawn(run(elector, diary.clone()));
    }
    let (leader, _) = entries.recv().await.ok_or("somebody works")?;
    println!("node {leader} works");
    let heir = cluster.nodes().iter().copied().find(|&node| node != leader);
    let heir = heir.ok_or("there are three")?;

    let began = Instant::now();
    let elector = cluster.node(leader).ok_or("it runs")?;
    elector.transfer_to(heir).await?;
    while let Some((node, what)) = entries.recv().await {
        println!(
            "node {node} {what}, {:.1?} after the hand-over began",
            began.elapsed()
        );
        if (node, what) == (heir, "works") {
            break;
        }
    }
    elector.shutdown().await?;
    println!(
        "node {leader} is down, and node {} leads",
        cluster.leader().await
    );
    cluster.shutdown().await;
    Ok(())
}
