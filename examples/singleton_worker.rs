//! A periodic job that only the leader runs, and that writes through a fence: three nodes, one
//! worker, also while leaders come and go.
//!
//! `cargo run --example singleton_worker`

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use elector::{
    Cluster, Elector, Fence, FencingToken, Leadership, NodeId, Quorum, StaleToken, raft::Raft,
};
use tokio::sync::watch;

/// The resource: it has the fence, for it must be asked where the data is.
#[derive(Default)]
struct Ledger(Mutex<(Fence, Vec<NodeId>)>);

impl Ledger {
    fn append(&self, token: FencingToken, by: NodeId) -> Result<usize, StaleToken> {
        let mut ledger = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.0.admit(token)?;
        ledger.1.push(by);
        Ok(ledger.1.len())
    }
}

async fn run(elector: Elector<Raft>, ledger: Arc<Ledger>, progress: watch::Sender<usize>) {
    let node = elector.node_id();
    let job = |me: Leadership<Quorum>| {
        let (ledger, progress) = (&ledger, &progress);
        async move {
            println!("node {node} works in epoch {}", me.epoch());
            let mut every = tokio::time::interval(Duration::from_millis(20));
            loop {
                every.tick().await;
                let rows = ledger.append(me.token()?, node)?;
                progress.send_modify(|known| *known = (*known).max(rows));
            }
        }
    };
    match elector.lead(job).await {
        Ok(()) => {}
        Err(error) => println!("node {node}: {error}"),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut cluster = Cluster::<Raft>::start(3).await?;
    let ledger = Arc::new(Ledger::default());
    let (progress, mut rows) = watch::channel(0);
    for elector in cluster.running().cloned() {
        tokio::spawn(run(elector, Arc::clone(&ledger), progress.clone()));
    }
    for target in [10, 20] {
        rows.wait_for(|rows| *rows >= target).await?;
        let leader = cluster.leader().await;
        println!("{target} rows are written; killing node {leader}");
        cluster.kill(leader).await;
        cluster.restart(leader).await?;
    }
    rows.wait_for(|rows| *rows >= 30).await?;
    let by = ledger
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .1
        .clone();
    println!("written by {by:?}");
    cluster.shutdown().await;
    Ok(())
}
