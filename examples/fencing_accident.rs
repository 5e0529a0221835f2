//! Why a leader's writes need a fence. `cargo run --release --example fencing_accident`
//!
//! A leader makes sure that it leads, and then is paused before it writes: a garbage collection, a
//! stalled virtual machine, a closed laptop. Meanwhile another one rises and writes. Then the first
//! wakes up and does what it was about to do. Each write goes to two stores: one takes whatever
//! comes, one has a `Fence`.

use std::sync::{
    Arc, Barrier, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use elector::{
    Cluster, Fence, FencingToken, Leadership, NodeId, Quorum, StaleToken, actor::BoxError,
    raft::Raft,
};
use tokio::{
    sync::mpsc,
    task::{JoinSet, block_in_place},
};

/// The number of the last invoice: it must only ever go up.
#[derive(Default)]
struct Store {
    fence: Option<Fence>,
    last: u64,
}

impl Store {
    fn write(&mut self, token: FencingToken, last: u64) -> Result<(), StaleToken> {
        if let Some(fence) = &mut self.fence {
            fence.admit(token)?;
        }
        self.last = last;
        Ok(())
    }
}

struct Office {
    unfenced: Mutex<Store>,
    fenced: Mutex<Store>,
    /// Whether nobody has been paused yet: it happens once.
    accident: AtomicBool,
    pause: Barrier,
}

impl Office {
    fn read(&self) -> (u64, u64) {
        let read = |store: &Mutex<Store>| store.lock().map_or(0, |store| store.last);
        (read(&self.unfenced), read(&self.fenced))
    }

    fn write(&self, node: NodeId, token: FencingToken, number: u64) {
        let stores = [("unfenced", &self.unfenced), ("fenced", &self.fenced)];
        let [unfenced, fenced] = stores.map(|(name, store)| {
            let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
            match store.write(token, number) {
                Ok(()) => format!("{name}: written"),
                Err(stale) => format!("{name}: REFUSED\n    {stale}"),
            }
        });
        println!("  node {node}: invoice {number}   {unfenced}   {fenced}");
    }
}

#[derive(Debug, PartialEq)]
enum News {
    Paused(NodeId),
    Done,
}

/// What the leader does, whichever node it is.
async fn invoices(
    node: NodeId,
    me: Leadership<Quorum>,
    office: Arc<Office>,
    news: mpsc::UnboundedSender<News>,
) -> Result<(), BoxError> {
    println!("  node {node} leads epoch {}", me.epoch());
    for _ in 0..3 {
        let number = office.read().0 + 1;
        let token = me.token()?; // It leads: that was checked just now.
        if number == 2 && office.accident.swap(false, Ordering::SeqCst) {
            println!("  node {node}: about to write invoice {number}, and is paused");
            news.send(News::Paused(node))?;
            block_in_place(|| office.pause.wait());
            office.write(node, token, number); // One more check first could be paused after, too.
            news.send(News::Done)?;
            return Ok(());
        }
        office.write(node, token, number);
    }
    news.send(News::Done)?;
    std::future::pending().await
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    println!("The leader issues invoices: it reads the last number, adds one, writes it back.\n");
    let cluster = Cluster::<Raft>::start(3).await?;
    let fenced = Store {
        fence: Some(Fence::new()),
        last: 0,
    };
    let office = Arc::new(Office {
        unfenced: Mutex::default(),
        fenced: Mutex::new(fenced),
        accident: AtomicBool::new(true),
        pause: Barrier::new(2),
    });
    let (send, mut news) = mpsc::unbounded_channel();
    let mut workers = JoinSet::new();
    for elector in cluster.running() {
        let (office, send) = (Arc::clone(&office), send.clone());
        let elector = elector.clone();
        workers.spawn(async move {
            let node = elector.node_id();
            elector
                .lead(|me| invoices(node, me, Arc::clone(&office), send.clone()))
                .await
        });
    }

    let Some(News::Paused(old)) = news.recv().await else {
        return Err("nobody led".into());
    };
    // A process that stands still says nothing and hears nothing.
    cluster.isolate(old);
    news.recv().await.ok_or("nobody led after it")?;
    let before = office.read();
    println!("  node {old} wakes up, and does not know that it was away");
    office.pause.wait();
    news.recv().await.ok_or("the paused one never woke up")?;

    let after = office.read();
    println!("\nThe last number, before and after node {old} woke up:");
    println!(
        "  unfenced {} -> {}  corrupted: invoices 3 and 4 will be issued again",
        before.0, after.0
    );
    println!("  fenced   {} -> {}  whole", before.1, after.1);
    println!(
        "\nLook at: no election could have prevented that write; only who keeps the data can."
    );
    workers.shutdown().await;
    cluster.shutdown().await;
    let as_told = (before, after) == ((4, 4), (2, 4));
    if as_told {
        Ok(())
    } else {
        Err("that is not what happened".into())
    }
}
