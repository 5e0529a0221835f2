//! Shows why the writes of a leader need a fence.
//! Run it with `cargo run --release --example fencing_accident`.
//!
//! A leader checks that it leads, and is then paused before it writes: by a garbage collection, a
//! stalled virtual machine, a closed laptop. Meanwhile another node is elected and writes. Then the
//! first leader continues with its write. Each write goes to two stores: one accepts every write,
//! the other has a `Fence`.

use std::sync::{
    Arc, Barrier, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use elector::{
    BoxError, Cluster, Fence, FencingToken, Leadership, NodeId, Quorum, Raft, StaleToken,
};
use tokio::{
    sync::mpsc,
    task::{JoinSet, block_in_place},
};

/// A store, with or without a fence, of the number of the last invoice. This number must never
/// decrease.
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
    /// `true` until a leader has been paused. Only one leader is paused, and only once.
    is_pause_due: AtomicBool,
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
                Err(stale) => format!("{name}: REJECTED\n    {stale}"),
            }
        });
        println!("  node {node}: invoice {number}   {unfenced}   {fenced}");
    }
}

#[derive(Debug, PartialEq)]
enum Event {
    Paused(NodeId),
    Done,
}

/// The work of the leader: it issues three invoices. The first leader is paused during this work.
async fn invoices(
    node: NodeId,
    me: Leadership<Quorum>,
    office: Arc<Office>,
    events: mpsc::UnboundedSender<Event>,
) -> Result<(), BoxError> {
    println!("  node {node} leads epoch {}", me.epoch());
    for _ in 0..3 {
        let number = office.read().0 + 1;
        let token = me.token()?; // Checks that this node leads.
        if number == 2 && office.is_pause_due.swap(false, Ordering::SeqCst) {
            println!("  node {node}: is paused just before it writes invoice {number}");
            events.send(Event::Paused(node))?;
            block_in_place(|| office.pause.wait());
            office.write(node, token, number); // After one more check, a pause can come, too.
            events.send(Event::Done)?;
            return Ok(());
        }
        office.write(node, token, number);
    }
    events.send(Event::Done)?;
    std::future::pending().await
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    println!(
        "The leader issues invoices: it reads the last number, adds one, and writes the sum.\n"
    );
    let cluster = Cluster::<Raft>::start(3).await?;
    let fenced = Store {
        fence: Some(Fence::new()),
        last: 0,
    };
    let office = Arc::new(Office {
        unfenced: Mutex::default(),
        fenced: Mutex::new(fenced),
        is_pause_due: AtomicBool::new(true),
        pause: Barrier::new(2),
    });
    let (send, mut events) = mpsc::unbounded_channel();
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

    let Some(Event::Paused(old)) = events.recv().await else {
        return Err("no node led".into());
    };
    // A paused process sends and receives no messages, so cut its node off.
    cluster.isolate(old);
    events.recv().await.ok_or("no node led after it")?;
    let before = office.read();
    println!("  node {old} continues, and does not notice that it was paused");
    office.pause.wait();
    events
        .recv()
        .await
        .ok_or("the paused node did not continue")?;

    let after = office.read();
    println!("\nThe last number, before and after node {old} continued:");
    println!(
        "  unfenced {} -> {}  wrong: invoices 3 and 4 will be issued again",
        before.0, after.0
    );
    println!("  fenced   {} -> {}  correct", before.1, after.1);
    println!("\nLook at: no election can prevent that write; only the store can.");
    workers.shutdown().await;
    cluster.shutdown().await;
    let is_as_described = (before, after) == ((4, 4), (2, 4));
    if is_as_described {
        Ok(())
    } else {
        Err("the run was not as described".into())
    }
}
