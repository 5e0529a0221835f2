//! Handing the leadership over while work is going on, and what it costs.
//! `cargo run --release --example graceful_handover`
//!
//! The same work on three nodes, in batches that must not be torn. The leader first hands over to a
//! peer of its choice (`transfer_to`), the next one steps down (`step_down`), the third one crashes
//! without anybody being told, for comparison. Who is asked finishes its batch while it still
//! leads; only the crash tears one. Each time the old work has ended before the new work begins;
//! the gap between them is time without work.

use std::time::{Duration, Instant};

use elector::{
    Cluster, ClusterSetup, Grace, Leadership, NodeId, Quorum, actor::BoxError, raft::Raft,
};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::JoinSet,
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Began,
    Ended,
}

/// How long a batch takes.
const BATCH: Duration = Duration::from_millis(30);

type Report = (What, NodeId, Instant);

/// Reports the end of the work, by whatever it ends.
struct Working(NodeId, UnboundedSender<Report>);

impl Drop for Working {
    fn drop(&mut self) {
        // Nobody listens any more at the end of the example.
        let _ = self.1.send((What::Ended, self.0, Instant::now()));
    }
}

async fn work(
    node: NodeId,
    me: Leadership<Quorum>,
    reports: UnboundedSender<Report>,
) -> Result<(), BoxError> {
    reports.send((What::Began, node, Instant::now()))?;
    let _working = Working(node, reports);
    println!("    node {node} works, in epoch {}", me.epoch());
    let mut batches = 0;
    while !me.is_ending() {
        tokio::time::sleep(BATCH).await;
        me.token()?; // What the batch is written under: good to the end of it.
        batches += 1;
    }
    println!("    node {node} was asked to end, and has: {batches} whole batches");
    Ok(())
}

/// Waits for the end of one's work and the begin of another's; their order is the point.
async fn gap(old: NodeId, reports: &mut UnboundedReceiver<Report>) -> Result<NodeId, BoxError> {
    let ended = reports.recv().await.ok_or("no report")?;
    let began = reports.recv().await.ok_or("no report")?;
    let ((What::Ended, who, end), (What::Began, new, begin)) = (ended, began) else {
        return Err(format!("work overlapped: {ended:?}, {began:?}").into());
    };
    if who != old {
        return Err(format!("node {who} worked, and node {old} led").into());
    }
    println!("    nobody worked for {:.1?}", begin.duration_since(end));
    Ok(new)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    println!("Three nodes, the same work on each; the leadership goes round.\n");
    let mut setup = ClusterSetup::<Raft>::new(3);
    setup.hints = false; // A crash is found out by silence, as on a network without resets.
    let mut cluster = Cluster::start_with(setup).await?;
    let (send, mut reports) = mpsc::unbounded_channel();
    let mut workers = JoinSet::new();
    for elector in cluster.running() {
        let (elector, send) = (elector.clone(), send.clone());
        workers.spawn(async move {
            let node = elector.node_id();
            let grace = Grace {
                to_finish: Duration::from_secs(1),
                ..Grace::default()
            };
            let work = |me| work(node, me, send.clone());
            elector.lead_with(grace, work).await
        });
    }
    let (_, leader, _) = reports.recv().await.ok_or("nobody led")?;

    let heir = cluster.nodes().iter().copied().find(|&node| node != leader);
    let heir = heir.ok_or("it is alone")?;
    println!("\nNode {leader} hands over to node {heir}:");
    cluster
        .node(leader)
        .ok_or("it runs")?
        .transfer_to(heir)
        .await?;
    let leader = gap(leader, &mut reports).await?;

    println!("\nNode {leader} steps down:");
    cluster.node(leader).ok_or("it runs")?.step_down().await?;
    let leader = gap(leader, &mut reports).await?;

    println!("\nNode {leader} crashes, for comparison:");
    cluster.kill(leader).await;
    gap(leader, &mut reports).await?;

    println!("\nLook at: the gaps. Who hands over spares the others the wait for its silence, and");
    println!("in no case did two work at once.");
    workers.shutdown().await;
    cluster.shutdown().await;
    Ok(())
}
