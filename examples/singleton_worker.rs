//! A periodic job that must never run twice at the same time: numbering invoices.
//! Run it with `cargo run --release --example singleton_worker`.
//!
//! Three nodes can do the job. The leader does it, and books each invoice through a `Fence`. The
//! example kills the leader while it writes an invoice, and another node continues with the first
//! invoice that is not booked.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use elector::{
    BoxError, Cluster, Epoch, Fence, FencingToken, Leadership, NodeId, Quorum, Raft, StaleToken,
};
use tokio::{sync::mpsc, task::JoinSet, time};

const PERIOD: Duration = Duration::from_millis(60);
const JOB_TIME: Duration = Duration::from_millis(20);
const FATAL_INVOICE: usize = 5;
const LAST_INVOICE: usize = 10;

/// The store of the invoices, with the fence. In production, the invoices and the fence are in one
/// database.
#[derive(Default)]
struct Ledger {
    fence: Fence,
    booked: Vec<(NodeId, Epoch)>,
    workers: u32,
    max_workers: u32,
    started: u32,
}

impl Ledger {
    /// Books an invoice, and rejects older leaders in the same transaction.
    fn book(&mut self, token: FencingToken, node: NodeId) -> Result<(), StaleToken> {
        self.fence.admit(token)?;
        self.booked.push((node, token.epoch()));
        Ok(())
    }
}

type Shared = Arc<Mutex<Ledger>>;

fn with<T>(ledger: &Shared, what: impl FnOnce(&mut Ledger) -> T) -> T {
    what(&mut ledger.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A running job. It is counted from its start to its end, even if it is dropped halfway.
struct AtWork(Shared);

impl AtWork {
    fn enter(ledger: &Shared) -> Self {
        with(ledger, |ledger| {
            ledger.started += 1;
            ledger.workers += 1;
            ledger.max_workers = ledger.max_workers.max(ledger.workers);
        });
        Self(Arc::clone(ledger))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        with(&self.0, |ledger| ledger.workers -= 1);
    }
}

async fn invoices(
    node: NodeId,
    me: Leadership<Quorum>,
    ledger: Shared,
    started: mpsc::UnboundedSender<(NodeId, usize)>,
) -> Result<(), BoxError> {
    let mut period = time::interval(PERIOD);
    loop {
        period.tick().await;
        let number = with(&ledger, |ledger| ledger.booked.len() + 1);
        started.send((node, number))?;
        if number > LAST_INVOICE {
            std::future::pending::<()>().await;
        }
        let workers = AtWork::enter(&ledger);
        time::sleep(JOB_TIME).await; // Stands for the writing of the letter.
        with(&ledger, |ledger| {
            ledger.book(me.token()?, node).map_err(BoxError::from)
        })?;
        drop(workers);
        println!(
            "  node {node}, epoch {}: invoice {number} is booked",
            me.epoch()
        );
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    println!("{LAST_INVOICE} invoices, one every {PERIOD:?}, by the leader of three nodes.\n");
    let mut cluster = Cluster::<Raft>::start(3).await?;
    let ledger = Shared::default();
    let (begin, mut started) = mpsc::unbounded_channel();
    let mut workers = JoinSet::new();
    for elector in cluster.running() {
        let (ledger, begin) = (Arc::clone(&ledger), begin.clone());
        let elector = elector.clone();
        workers.spawn(async move {
            let node = elector.node_id();
            elector
                .lead(|me| invoices(node, me, Arc::clone(&ledger), begin.clone()))
                .await
        });
    }

    let mut killed = false;
    while let Some((node, number)) = started.recv().await {
        if number == FATAL_INVOICE && !killed {
            killed = cluster.kill(node).await;
            println!("  node {node} is killed while it writes invoice {number}");
        } else if number > LAST_INVOICE {
            break;
        }
    }
    workers.shutdown().await;
    cluster.shutdown().await;

    let ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
    println!(
        "\nBooked: {} invoices, started: {}.",
        ledger.booked.len(),
        ledger.started
    );
    println!(
        "Maximum number of jobs at the same time: {}.",
        ledger.max_workers
    );
    println!(
        "\nLook at: no number is missing or duplicated, and two jobs never ran at once. Invoice"
    );
    println!(
        "{FATAL_INVOICE} was started twice, because its first writer was killed. The effects of a"
    );
    println!("job outside the ledger must tolerate this. No system can prevent it.");
    let is_as_described = ledger.booked.len() == LAST_INVOICE && ledger.max_workers == 1;
    if is_as_described {
        Ok(())
    } else {
        Err("the job ran twice at the same time".into())
    }
}
