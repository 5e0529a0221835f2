//! Transfers the leadership during work, and measures for how long no node works.
//! Run it with `cargo run --release --example graceful_handover`.
//!
//! Three nodes have the same work, in batches that must not be interrupted. The first leader
//! transfers its leadership to a peer (`transfer_to`). The second leader steps down (`step_down`).
//! The third leader crashes without a report to its peers, for comparison. A leader that is asked
//! to end finishes its batch while it still leads; only the crash interrupts a batch. Each time,
//! the old work has ended before the new work begins. The gap between them is time without work.

use std::time::{Duration, Instant};

use elector::{BoxError, Cluster, ClusterSetup, Grace, Leadership, NodeId, Quorum, Raft};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::JoinSet,
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Began,
    Ended,
}

/// The duration of a batch.
const BATCH: Duration = Duration::from_millis(30);

type Report = (Phase, NodeId, Instant);

/// Reports the end of the work of this node when this value is dropped, so also if the work is
/// interrupted.
struct Working(NodeId, UnboundedSender<Report>);

impl Drop for Working {
    fn drop(&mut self) {
        // An error means that the receiver is closed. This happens at the end of the example.
        let _ = self.1.send((Phase::Ended, self.0, Instant::now()));
    }
}

async fn work(
    node: NodeId,
    me: Leadership<Quorum>,
    reports: UnboundedSender<Report>,
) -> Result<(), BoxError> {
    reports.send((Phase::Began, node, Instant::now()))?;
    let _working = Working(node, reports);
    println!("    node {node} works, in epoch {}", me.epoch());
    let mut batches = 0;
    while !me.is_ending() {
        tokio::time::sleep(BATCH).await;
        me.token()?; // A store would get this token with the batch: the node still leads.
        batches += 1;
    }
    println!("    node {node} was asked to end, and has ended: {batches} complete batches");
    Ok(())
}

/// Waits until the work of node `old` has ended and new work has begun. Any other order is an
/// error. Prints the time between the two events, and returns the node of the new work.
async fn gap(old: NodeId, reports: &mut UnboundedReceiver<Report>) -> Result<NodeId, BoxError> {
    let ended = reports.recv().await.ok_or("no report")?;
    let began = reports.recv().await.ok_or("no report")?;
    let ((Phase::Ended, ended_node, end), (Phase::Began, new, begin)) = (ended, began) else {
        return Err(format!("work overlapped: {ended:?}, {began:?}").into());
    };
    if ended_node != old {
        return Err(format!("node {ended_node} worked, and node {old} led").into());
    }
    println!("    no node worked for {:.1?}", begin.duration_since(end));
    Ok(new)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    println!("Three nodes with the same work. The leadership moves between them.\n");
    let mut setup = ClusterSetup::<Raft>::new(3);
    setup.reports_deaths = false; // The peers notice a crash only by its silence.
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
    let (_, leader, _) = reports.recv().await.ok_or("no node led")?;

    let successor = cluster.nodes().iter().copied().find(|&node| node != leader);
    let successor = successor.ok_or("there is no peer")?;
    println!("\nNode {leader} transfers its leadership to node {successor}:");
    cluster
        .node(leader)
        .ok_or("it runs")?
        .transfer_to(successor)
        .await?;
    let leader = gap(leader, &mut reports).await?;

    println!("\nNode {leader} steps down:");
    cluster.node(leader).ok_or("it runs")?.step_down().await?;
    let leader = gap(leader, &mut reports).await?;

    println!("\nNode {leader} crashes, for comparison:");
    cluster.kill(leader).await;
    gap(leader, &mut reports).await?;

    println!("\nLook at: the gaps. After a transfer, the others need not wait for silence. Two");
    println!("nodes never worked at the same time.");
    workers.shutdown().await;
    cluster.shutdown().await;
    Ok(())
}
