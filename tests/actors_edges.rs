//! Rare orders of events around the handle: what is cancelled half way, asked for twice, or stuck.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use elector_core::{
    Command, ElectionAlgorithm, Epoch, Input, Membership, Moment, NodeId, Outbox, Quorum, View,
    actor::{
        BoxError, Cluster, CommandError, Dropped, Elector, EventKind, Inbox, Links, MemoryNetwork,
        NodeError, Storage, Transport,
    },
};
use elector_raft::{Raft, RaftConfig, RaftDurable, RaftMessage, RaftTimer};
use tokio::{sync::Notify, time::timeout};

const SOON: Duration = Duration::from_secs(15);

/// How long a test watches for what must not happen.
const WHILE: Duration = Duration::from_millis(100);

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(SOON, what).await.expect("it happens in time")
}

async fn alone() -> Elector<Quorum> {
    let builder = Elector::builder("edge")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1]);
    builder.start().await.expect("it starts")
}

/// Its end takes until somebody lets it: the tail of a write that cannot be interrupted.
struct SlowEnd(mpsc::Receiver<()>, Arc<AtomicBool>);

impl Drop for SlowEnd {
    fn drop(&mut self) {
        // An error says that the test is over.
        let _ = self.0.recv();
        self.1.store(true, Ordering::SeqCst);
    }
}

/// Work that begins once, says so, and ends slowly; with it, what lets it end, and whether it has.
async fn working_slowly(elector: &Elector<Quorum>) -> (mpsc::Sender<()>, Arc<AtomicBool>) {
    let (release, end) = mpsc::channel();
    let ended = Arc::new(AtomicBool::new(false));
    let mut slow = Some(SlowEnd(end, Arc::clone(&ended)));
    let begun = Arc::new(Notify::new());
    let (elector, begins) = (elector.clone(), Arc::clone(&begun));
    tokio::spawn(async move {
        let work = |_| {
            let slow = slow.take();
            begins.notify_one();
            async move {
                let _slow = slow;
                std::future::pending().await
            }
        };
        elector.lead(work).await
    });
    soon(begun.notified()).await;
    (release, ended)
}

// Who asks second must wait for the end of the work as who asked first does: else the leadership
// is given away under work that still writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn asking_twice_does_not_skip_the_wait() {
    let elector = alone().await;
    let (release, ended) = working_slowly(&elector).await;
    let epoch = elector.status().epoch;
    let first = tokio::spawn({
        let elector = elector.clone();
        async move { elector.step_down().await }
    });
    let mut second = tokio::spawn({
        let elector = elector.clone();
        async move { (elector.step_down().await, elector.shutdown().await) }
    });
    assert!(timeout(WHILE, &mut second).await.is_err(), "it waits");
    let status = elector.status();
    assert_eq!((status.leader, status.epoch), (Some(NodeId(1)), epoch));
    release.send(()).unwrap();
    let (_, down) = soon(second).await.unwrap();
    down.unwrap();
    assert!(ended.load(Ordering::SeqCst));
    // The first may have been overtaken by the shutdown.
    let _ = soon(first).await.unwrap();
}

// A kill must wait for work that is late to end, also if the lease ran out before the kill.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_waits_for_work_that_lost_its_lease_before() {
    let mut cluster = Cluster::<Raft>::start(3).await.unwrap();
    let leader = soon(cluster.leader()).await;
    let elector = cluster.node(leader).unwrap().clone();
    let mut events = elector.events();
    let (release, ended) = working_slowly(&elector).await;
    cluster.isolate(leader);
    while !matches!(soon(events.next()).await.unwrap().kind, EventKind::Lost(_)) {}
    let mut killing = tokio::spawn(async move { cluster.kill(leader).await });
    assert!(timeout(WHILE, &mut killing).await.is_err(), "it waits");
    release.send(()).unwrap();
    assert!(soon(killing).await.unwrap());
    assert!(ended.load(Ordering::SeqCst));
}

// Work that is the first to see that it is not the leader any more, and returns that, has not
// failed: the node must go on working in its next tenure.
#[tokio::test(flavor = "multi_thread")]
async fn work_that_returns_its_loss_has_not_failed() {
    let elector = alone().await;
    let (began, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let working = tokio::spawn({
        let elector = elector.clone();
        async move {
            let work = |me: elector_core::actor::Leadership<Quorum>| {
                began.send(me.epoch()).unwrap();
                async move {
                    // Within one poll, so that nobody else sees the loss before.
                    while me.check().is_ok() {
                        std::hint::spin_loop();
                    }
                    me.token()?;
                    Ok(())
                }
            };
            elector.lead(work).await
        }
    });
    for _ in 0..3 {
        soon(begun.recv()).await.expect("it works again");
        soon(elector.step_down()).await.unwrap();
    }
    soon(begun.recv()).await.expect("it works again");
    soon(elector.shutdown()).await.unwrap();
    soon(working).await.unwrap().unwrap();
}

// Work that finds it must end the whole node is dropped half way through saying so.
#[tokio::test(flavor = "multi_thread")]
async fn work_can_shut_its_node_down() {
    let elector = alone().await;
    let working = elector.lead(|_| async {
        elector.shutdown().await?;
        Ok(())
    });
    soon(working).await.unwrap();
    soon(elector.stopped()).await.unwrap();
}

// Whoever waits for his turn must hear of the node's end, even if the one before him never ends.
#[tokio::test]
async fn a_waiting_campaign_hears_of_the_end() {
    let elector = alone().await;
    let me = soon(elector.campaign()).await.unwrap();
    let waiting = tokio::spawn({
        let elector = elector.clone();
        async move { elector.campaign().await.map(|me| me.epoch()) }
    });
    // So that it waits for its turn, and not for an answer.
    assert!(timeout(WHILE, elector.campaign()).await.is_err());
    soon(elector.shutdown()).await.unwrap();
    let told = soon(waiting).await.unwrap();
    assert!(matches!(told, Err(CommandError::ShutDown)), "{told:?}");
    soon(elector.lead(|_| async { Ok(()) })).await.unwrap();
    assert!(me.check().is_err());
}

/// Raft that takes note of a resignation and goes on leading.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Stubborn(Raft);

impl ElectionAlgorithm for Stubborn {
    const NAME: &'static str = "stubborn";
    type Guarantee = Quorum;
    type Config = RaftConfig;
    type Message = RaftMessage;
    type Timer = RaftTimer;
    type Durable = RaftDurable;

    fn restore(config: &RaftConfig, members: Membership, durable: RaftDurable) -> Self {
        Self(Raft::restore(config, members, durable))
    }

    fn durable(&self) -> &RaftDurable {
        self.0.durable()
    }

    fn view(&self) -> View {
        self.0.view()
    }

    fn lease(&self) -> Option<Moment> {
        self.0.lease()
    }

    fn has_lease(config: &RaftConfig) -> bool {
        Raft::has_lease(config)
    }

    fn step(&mut self, input: Input<RaftMessage, RaftTimer>, out: &mut Outbox<Self>) {
        if !matches!(input, Input::Commanded(Command::Resign)) {
            out.scoped(
                |message| message,
                |timer| timer,
                |out| self.0.step(input, out),
            );
        }
    }
}

// An algorithm of one's own that goes on leading must be worked for again.
#[tokio::test]
async fn a_leader_that_does_not_step_down_is_worked_for() {
    let builder = Elector::builder("edge")
        .algorithm::<Stubborn>()
        .node_id(1)
        .peers([1]);
    let elector = builder.start().await.unwrap();
    drop(soon(elector.campaign()).await.unwrap());
    let me = soon(elector.campaign()).await.unwrap();
    soon(elector.step_down()).await.unwrap();
    assert!(me.check().is_err());
    drop(me);
    soon(elector.campaign()).await.unwrap();
}

struct Panicking;

#[async_trait]
impl Storage<RaftDurable> for Panicking {
    async fn load(&mut self, _: &Membership) -> Result<Option<RaftDurable>, BoxError> {
        Ok(None)
    }

    async fn save(&mut self, _: &RaftDurable) -> Result<(), BoxError> {
        panic!("no such sector")
    }
}

// A storage that panics has failed to save, and must not leave the node waiting for its word.
#[tokio::test]
async fn a_panicking_disk_stops_the_node() {
    let builder = Elector::builder("edge")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1]);
    let elector = builder.storage(Panicking).start().await.unwrap();
    let told = soon(elector.campaign()).await.unwrap_err();
    assert!(told.to_string().contains("no such sector"), "{told}");
    let end = soon(elector.stopped()).await.unwrap_err();
    assert!(matches!(end, NodeError::Storage(_)));
}

/// Loads when it is told to, and tells when it is dropped.
struct SlowLoad {
    loading: Arc<Notify>,
    load: Arc<Notify>,
    gone: Arc<Notify>,
}

#[async_trait]
impl Storage<RaftDurable> for SlowLoad {
    async fn load(&mut self, _: &Membership) -> Result<Option<RaftDurable>, BoxError> {
        self.loading.notify_one();
        self.load.notified().await;
        Ok(None)
    }

    async fn save(&mut self, _: &RaftDurable) -> Result<(), BoxError> {
        Ok(())
    }
}

impl Drop for SlowLoad {
    fn drop(&mut self) {
        self.gone.notify_one();
    }
}

// A start that nobody waits for any more must not leave a node behind that votes and leads.
#[tokio::test]
async fn a_cancelled_start_leaves_nothing_behind() {
    let [loading, load, gone] = [(); 3].map(|()| Arc::new(Notify::new()));
    let storage = SlowLoad {
        loading: Arc::clone(&loading),
        load: Arc::clone(&load),
        gone: Arc::clone(&gone),
    };
    let builder = Elector::builder("edge")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1]);
    let starting = tokio::spawn(builder.storage(storage).start());
    soon(loading.notified()).await;
    starting.abort();
    assert!(soon(starting).await.unwrap_err().is_cancelled());
    load.notify_one();
    soon(gone.notified()).await;
}

/// A transport whose first send panics, and whose links take their time to close.
struct Loose(Arc<AtomicBool>);

struct LooseLinks {
    closed: Arc<AtomicBool>,
    nothing: mpsc::Receiver<()>,
    _silent: mpsc::Sender<()>,
}

#[async_trait]
impl Transport<Raft> for Loose {
    async fn open(
        self: Box<Self>,
        _: &Membership,
        _: Inbox<Raft>,
    ) -> Result<Box<dyn Links<Raft>>, BoxError> {
        let (_silent, nothing) = mpsc::channel();
        Ok(Box::new(LooseLinks {
            closed: self.0,
            nothing,
            _silent,
        }))
    }
}

impl Links<Raft> for LooseLinks {
    fn send(&mut self, _: NodeId, _: RaftMessage) -> Result<(), Dropped> {
        panic!("loose")
    }
}

impl Drop for LooseLinks {
    fn drop(&mut self) {
        // Nothing ever comes: this only takes long.
        let _ = self.nothing.recv_timeout(WHILE);
        self.closed.store(true, Ordering::SeqCst);
    }
}

// A transport that panics ends the node; and a node that says it has stopped has closed its links,
// or its next life would find them closing under it.
#[tokio::test]
async fn a_panicking_transport_stops_the_node_and_is_closed() {
    let closed = Arc::new(AtomicBool::new(false));
    let builder = Elector::builder("edge")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1, 2]);
    let builder = builder.transport(Loose(Arc::clone(&closed)));
    let elector = builder.start().await.unwrap();
    let end = soon(elector.stopped()).await.unwrap_err();
    assert!(matches!(end, NodeError::ThreadEnded));
    assert!(closed.load(Ordering::SeqCst));
}

// Waiting for the leader of a cluster of which nothing runs must leave the thread to others.
#[test]
fn a_cluster_without_running_nodes_can_be_waited_for() {
    let (done, finished) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let mut cluster = Cluster::<Raft>::start(1).await.unwrap();
            cluster.kill(1).await;
            assert!(timeout(WHILE, cluster.leader()).await.is_err());
        });
        done.send(()).unwrap();
    });
    finished.recv_timeout(SOON).unwrap();
}

/// A disk that never finishes.
struct Stuck(Arc<Mutex<mpsc::Receiver<()>>>);

#[async_trait]
impl Storage<RaftDurable> for Stuck {
    async fn load(&mut self, _: &Membership) -> Result<Option<RaftDurable>, BoxError> {
        Ok(None)
    }

    async fn save(&mut self, _: &RaftDurable) -> Result<(), BoxError> {
        Ok(self.0.lock().map_err(|_| "poisoned")?.recv()?)
    }
}

// While the disk is stuck, what waits for it must not grow with every message: peers that go on
// talking would fill the memory.
#[tokio::test]
async fn a_stuck_disk_does_not_fill_the_memory() {
    const MESSAGES: u64 = 20_000;
    let (unstick, stuck) = mpsc::channel();
    let network = MemoryNetwork::<Raft>::new([1, 2, 3].map(NodeId)).unwrap();
    let builder = Elector::builder("edge")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1, 2, 3]);
    let builder = builder.storage(Stuck(Arc::new(Mutex::new(stuck))));
    let elector = builder
        .transport(network.transport())
        .start()
        .await
        .unwrap();
    for message in 1..=MESSAGES {
        let heartbeat = RaftMessage::Heartbeat {
            term: Epoch(message),
            announce: false,
            sent: Moment::ZERO,
        };
        // One at a time: the mailbox never fills.
        let before = elector.traffic();
        network.inject(NodeId(2), NodeId(1), heartbeat).unwrap();
        soon(async {
            let handled = |traffic: elector_core::actor::Traffic| traffic.handled + traffic.refused;
            while handled(elector.traffic()) == handled(before) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    assert!(
        elector.traffic().refused > MESSAGES / 2,
        "{:?}",
        elector.traffic()
    );
    drop(unstick);
    assert!(soon(elector.stopped()).await.is_err());
}

// A node that was shut down through its own handle does not run, whatever the cluster remembers.
#[tokio::test]
async fn a_node_that_was_shut_down_can_be_restarted() {
    let mut cluster = Cluster::<Raft>::start(1).await.unwrap();
    soon(cluster.leader()).await;
    soon(cluster.node(1).unwrap().shutdown()).await.unwrap();
    assert_eq!(cluster.agreed(), None);
    soon(cluster.restart(1)).await.unwrap();
    assert_eq!(soon(cluster.leader()).await, NodeId(1));
}
