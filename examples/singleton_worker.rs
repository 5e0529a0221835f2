//! A periodic job that must never run twice at once: numbering invoices.
//! `cargo run --release --example singleton_worker`
//!
//! Three nodes are ready to do it, the leader does it, and books each invoice through a `Fence`.
//! The leader is killed in the middle of one; another node carries on from what is booked.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use elector::{
    Cluster, Epoch, Fence, FencingToken, Leadership, NodeId, Quorum, StaleToken, actor::BoxError,
    raft::Raft,
};
use tokio::{sync::mpsc, task::JoinSet, time};

const PERIOD: Duration = Duration::from_millis(60);
const ONE_JOB: Duration = Duration::from_millis(20);
const FATAL: usize = 5;
const LAST: usize = 10;

/// Where the invoices are booked, the fence beside them: in production one database.
#[derive(Default)]
struct Ledger {
    fence: Fence,
    booked: Vec<(NodeId, Epoch)>,
    at_work: u32,
    most_at_work: u32,
    begun: u32,
}

impl Ledger {
    /// Refuses the leaders of the past, in the same transaction that books.
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

/// Counts who is at work; left also when the job is dropped half done.
struct AtWork(Shared);

impl AtWork {
    fn enter(ledger: &Shared) -> Self {
        with(ledger, |ledger| {
            ledger.begun += 1;
            ledger.at_work += 1;
            ledger.most_at_work = ledger.most_at_work.max(ledger.at_work);
        });
        Self(Arc::clone(ledger))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        with(&self.0, |ledger| ledger.at_work -= 1);
    }
}

async fn invoices(
    node: NodeId,
    me: Leadership<Quorum>,
    ledger: Shared,
    begun: mpsc::UnboundedSender<(NodeId, usize)>,
) -> Result<(), BoxError> {
    let mut period = time::interval(PERIOD);
    loop {
        period.tick().await;
        let number = with(&ledger, |ledger| ledger.booked.len() + 1);
        begun.send((node, number))?;
        if number > LAST {
            std::future::pending::<()>().await;
        }
        let at_work = AtWork::enter(&ledger);
        time::sleep(ONE_JOB).await; // It writes the letter.
        with(&ledger, |ledger| {
            ledger.book(me.token()?, node).map_err(BoxError::from)
        })?;
        drop(at_work);
        println!(
            "  node {node}, epoch {}: invoice {number} is booked",
            me.epoch()
        );
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    println!("{LAST} invoices, one every {PERIOD:?}, by whichever of three nodes leads.\n");
    let mut cluster = Cluster::<Raft>::start(3).await?;
    let ledger = Shared::default();
    let (begin, mut begun) = mpsc::unbounded_channel();
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
    while let Some((node, number)) = begun.recv().await {
        if number == FATAL && !killed {
            killed = cluster.kill(node).await;
            println!("  node {node} is killed while it writes invoice {number}");
        } else if number > LAST {
            break;
        }
    }
    workers.shutdown().await;
    cluster.shutdown().await;

    let ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
    println!(
        "\nBooked: {} invoices, begun: {}.",
        ledger.booked.len(),
        ledger.begun
    );
    println!("Most at work at the same time: {}.", ledger.most_at_work);
    println!("\nLook at: no number is missing, none is there twice, and never were two at work.");
    println!("Invoice {FATAL} was begun twice, for its first writer died: what a job does outside");
    println!("the ledger must bear that. Nothing can promise more.");
    let as_promised = ledger.booked.len() == LAST && ledger.most_at_work == 1;
    if as_promised {
        Ok(())
    } else {
        Err("the job ran twice at once".into())
    }
}
