//! Tests rare orders of events around the handle: cancelled calls, repeated calls, and calls that
//! hang.

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
    Command, Epoch, Input, Membership, Moment, NodeId, Outbox, Quorum,
    actor::{
        BoxError, Cluster, CommandError, Dropped, Elector, EventKind, Inbox, Links, MemoryNetwork,
        NodeError, Storage, Transport,
    },
};
use elector_raft::{Raft, RaftDurable, RaftMessage, RaftTimer};
use tokio::{sync::Notify, time::timeout};

use super::{single_node, single_node_builder};
use crate::{
    mutants::{Bug, Mutant, bug},
    support::{TIMEOUT, in_time},
};

/// The time for which a test checks that something does not happen.
const QUIET_TIME: Duration = Duration::from_millis(100);

/// A value whose drop blocks until the test allows the end of the drop, like a write that cannot be
/// interrupted.
struct SlowDrop(mpsc::Receiver<()>, Arc<AtomicBool>);

impl Drop for SlowDrop {
    fn drop(&mut self) {
        // An error means that the test is over.
        let _ = self.0.recv();
        self.1.store(true, Ordering::SeqCst);
    }
}

/// Starts work that ends slowly, and waits until it has started. Returns the sender that allows the
/// end of the work, and a flag that is `true` after this end.
async fn slow_work(elector: &Elector<Quorum>) -> (mpsc::Sender<()>, Arc<AtomicBool>) {
    let (release, end) = mpsc::channel();
    let ended = Arc::new(AtomicBool::new(false));
    let mut slow = Some(SlowDrop(end, Arc::clone(&ended)));
    let begun = Arc::new(Notify::new());
    let (elector, begins) = (elector.clone(), Arc::clone(&begun));
    tokio::spawn(async move {
        let work = |_| {
            let slow = slow.take();
            begins.notify_one();
            async move {
                let _slow = slow;
                std::future::pending::<()>().await;
            }
        };
        elector.lead(work).await
    });
    in_time(begun.notified()).await;
    (release, ended)
}

// If two callers make a node step down, both must wait for the end of the work. Otherwise the
// second call would end the leadership under work that still writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_second_request_does_not_skip_the_wait() {
    let elector = single_node().await;
    let (release, ended) = slow_work(&elector).await;
    let epoch = elector.status().epoch;
    let first = tokio::spawn({
        let elector = elector.clone();
        async move { elector.step_down().await }
    });
    let mut second = tokio::spawn({
        let elector = elector.clone();
        async move { (elector.step_down().await, elector.shutdown().await) }
    });
    assert!(timeout(QUIET_TIME, &mut second).await.is_err(), "it waits");
    let status = elector.status();
    assert_eq!((status.leader, status.epoch), (Some(NodeId(1)), epoch));
    release.send(()).unwrap();
    let (_, down) = in_time(second).await.unwrap();
    down.unwrap();
    assert!(ended.load(Ordering::SeqCst));
    // The first call may fail, because the shutdown of the second task may stop the node before the
    // first call has ended.
    let _ = in_time(first).await.unwrap();
}

// A kill must wait for slow work, even if the lease ended before the kill.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_waits_for_work_that_lost_its_lease_before() {
    let mut cluster = Cluster::<Raft>::start(3).await.unwrap();
    let leader = in_time(cluster.leader()).await;
    let elector = cluster.node(leader).unwrap().clone();
    let mut events = elector.events();
    let (release, ended) = slow_work(&elector).await;
    cluster.isolate(leader);
    while !matches!(
        in_time(events.next()).await.unwrap().kind,
        EventKind::Lost(_)
    ) {}
    let mut killing = tokio::spawn(async move { cluster.kill(leader).await });
    assert!(timeout(QUIET_TIME, &mut killing).await.is_err(), "it waits");
    release.send(()).unwrap();
    assert!(in_time(killing).await.unwrap());
    assert!(ended.load(Ordering::SeqCst));
}

// Work can be the first to notice the loss of the leadership. If the work returns this loss as its
// error, the work has not failed: the node must work again in its next tenure.
#[tokio::test(flavor = "multi_thread")]
async fn work_that_returns_its_loss_has_not_failed() {
    let elector = single_node().await;
    let (began, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let working = tokio::spawn({
        let elector = elector.clone();
        async move {
            let work = |me: elector_core::actor::Leadership<Quorum>| {
                began.send(me.epoch()).unwrap();
                async move {
                    // This loop runs within one poll, so that no other code can notice the loss
                    // first.
                    while me.check().is_ok() {
                        std::hint::spin_loop();
                    }
                    me.token()?;
                    Ok::<_, BoxError>(())
                }
            };
            elector.lead(work).await
        }
    });
    for _ in 0..3 {
        in_time(begun.recv()).await.expect("it works again");
        in_time(elector.step_down()).await.unwrap();
    }
    in_time(begun.recv()).await.expect("it works again");
    in_time(elector.shutdown()).await.unwrap();
    in_time(working).await.unwrap().unwrap();
}

// Work that shuts down its own node is dropped during its call of `shutdown`. The shutdown must
// continue nevertheless.
#[tokio::test(flavor = "multi_thread")]
async fn work_can_shut_its_node_down() {
    let elector = single_node().await;
    let working = elector.lead(async |_| elector.shutdown().await);
    in_time(working).await.unwrap();
    in_time(elector.stopped()).await.unwrap();
}

// A caller of `campaign` that waits until another caller drops the leadership must be notified of
// the end of the node, even if that other caller never drops it.
#[tokio::test]
async fn a_waiting_campaign_ends_with_the_node() {
    let elector = single_node().await;
    let me = in_time(elector.campaign()).await.unwrap();
    let waiting = tokio::spawn({
        let elector = elector.clone();
        async move { elector.campaign().await.map(|me| me.epoch()) }
    });
    // This call gives the spawned call time. After it, the spawned call waits for the end of the
    // leadership `me`, and not for an answer of the node.
    assert!(timeout(QUIET_TIME, elector.campaign()).await.is_err());
    in_time(elector.shutdown()).await.unwrap();
    let error = in_time(waiting).await.unwrap();
    assert!(matches!(error, Err(CommandError::ShutDown)), "{error:?}");
    in_time(elector.lead(async |_| {})).await.unwrap();
    assert!(me.check().is_err());
}

bug! {
    /// Raft that ignores the command to resign and still leads.
    IgnoresResign {
        fn step(
            mutant: &mut Mutant<Self>,
            input: Input<RaftMessage, RaftTimer>,
            out: &mut Outbox<Mutant<Self>>,
        ) {
            if !matches!(input, Input::Commanded(Command::Resign)) {
                mutant.raft_step(input, out);
            }
        }
    }
}

// If an algorithm still leads after a step-down, the node must grant a new leadership.
#[tokio::test]
async fn a_leader_that_does_not_step_down_gets_a_new_tenure() {
    let builder = single_node_builder::<Mutant<IgnoresResign>>();
    let elector = builder.start().await.unwrap();
    drop(in_time(elector.campaign()).await.unwrap());
    let me = in_time(elector.campaign()).await.unwrap();
    in_time(elector.step_down()).await.unwrap();
    assert!(me.check().is_err());
    drop(me);
    in_time(elector.campaign()).await.unwrap();
}

struct PanickingStorage;

#[async_trait]
impl Storage<RaftDurable> for PanickingStorage {
    async fn load(&mut self, _: &Membership) -> Result<Option<RaftDurable>, BoxError> {
        Ok(None)
    }

    async fn save(&mut self, _: &RaftDurable) -> Result<(), BoxError> {
        panic!("no such sector")
    }
}

// A storage that panics has failed to save. The node must not wait for an answer of this storage.
#[tokio::test]
async fn a_panicking_disk_stops_the_node() {
    let builder = single_node_builder::<Raft>();
    let elector = builder.storage(PanickingStorage).start().await.unwrap();
    let error = in_time(elector.campaign()).await.unwrap_err();
    assert!(error.to_string().contains("no such sector"), "{error}");
    let end = in_time(elector.stopped()).await.unwrap_err();
    assert!(matches!(end, NodeError::Storage(_)));
}

/// A storage that ends its load when the test allows it, and reports the drop of the storage to the
/// test.
struct SlowLoad {
    loading: Arc<Notify>,
    load: Arc<Notify>,
    dropped: Arc<Notify>,
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
        self.dropped.notify_one();
    }
}

// A cancelled start must not leave a node behind that votes and leads.
#[tokio::test]
async fn a_cancelled_start_leaves_nothing_behind() {
    let [loading, load, dropped] = [(); 3].map(|()| Arc::new(Notify::new()));
    let storage = SlowLoad {
        loading: Arc::clone(&loading),
        load: Arc::clone(&load),
        dropped: Arc::clone(&dropped),
    };
    let builder = single_node_builder::<Raft>();
    let starting = tokio::spawn(builder.storage(storage).start());
    in_time(loading.notified()).await;
    starting.abort();
    assert!(in_time(starting).await.unwrap_err().is_cancelled());
    load.notify_one();
    in_time(dropped.notified()).await;
}

/// A transport whose first send panics, and whose links close slowly.
struct PanickingTransport(Arc<AtomicBool>);

struct PanickingLinks {
    closed: Arc<AtomicBool>,
    nothing: mpsc::Receiver<()>,
    _silent: mpsc::Sender<()>,
}

#[async_trait]
impl Transport<Raft> for PanickingTransport {
    async fn open(
        self: Box<Self>,
        _: &Membership,
        _: Inbox<Raft>,
    ) -> Result<Box<dyn Links<Raft>>, BoxError> {
        let (_silent, nothing) = mpsc::channel();
        Ok(Box::new(PanickingLinks {
            closed: self.0,
            nothing,
            _silent,
        }))
    }
}

impl Links<Raft> for PanickingLinks {
    fn send(&mut self, _: NodeId, _: RaftMessage) -> Result<(), Dropped> {
        panic!("no route")
    }
}

impl Drop for PanickingLinks {
    fn drop(&mut self) {
        // The channel never gets a message, so this call only waits for `QUIET_TIME`.
        let _ = self.nothing.recv_timeout(QUIET_TIME);
        self.closed.store(true, Ordering::SeqCst);
    }
}

// A transport that panics ends the node. When the node reports its end, the links of the transport
// must be closed. Otherwise they could close after the node has been started again.
#[tokio::test]
async fn a_panicking_transport_stops_the_node_and_is_closed() {
    let closed = Arc::new(AtomicBool::new(false));
    let builder = Elector::builder("edge")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1, 2]);
    let builder = builder.transport(PanickingTransport(Arc::clone(&closed)));
    let elector = builder.start().await.unwrap();
    let end = in_time(elector.stopped()).await.unwrap_err();
    assert!(matches!(end, NodeError::ThreadEnded));
    assert!(closed.load(Ordering::SeqCst));
}

// A task that waits for the leader of a cluster without running nodes must not block its thread.
#[test]
fn a_cluster_without_running_nodes_can_be_waited_for() {
    let (done, finished) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let mut cluster = Cluster::<Raft>::start(1).await.unwrap();
            cluster.kill(1).await;
            assert!(timeout(QUIET_TIME, cluster.leader()).await.is_err());
        });
        done.send(()).unwrap();
    });
    finished.recv_timeout(TIMEOUT).unwrap();
}

/// A disk whose writes never end.
struct StuckDisk(Arc<Mutex<mpsc::Receiver<()>>>);

#[async_trait]
impl Storage<RaftDurable> for StuckDisk {
    async fn load(&mut self, _: &Membership) -> Result<Option<RaftDurable>, BoxError> {
        Ok(None)
    }

    async fn save(&mut self, _: &RaftDurable) -> Result<(), BoxError> {
        Ok(self.0.lock().map_err(|_| "poisoned")?.recv()?)
    }
}

// While the disk is stuck, the queue of writes must not grow with every message. Otherwise the
// messages of peers would fill the memory.
#[tokio::test]
async fn a_stuck_disk_does_not_fill_the_memory() {
    const MESSAGES: u64 = 20_000;
    let (unstick, stuck) = mpsc::channel();
    let network = MemoryNetwork::<Raft>::new([1, 2, 3].map(NodeId)).unwrap();
    let builder = Elector::builder("edge")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1, 2, 3]);
    let builder = builder.storage(StuckDisk(Arc::new(Mutex::new(stuck))));
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
        // The test sends one message at a time, so that the queue of the node is never full.
        let before = elector.traffic();
        network.inject(NodeId(2), NodeId(1), heartbeat).unwrap();
        in_time(async {
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
    assert!(in_time(elector.stopped()).await.is_err());
}

// A node that was shut down through its own handle counts as a node that does not run, even if the
// cluster still has its handle. So `restart` must start it.
#[tokio::test]
async fn a_node_that_was_shut_down_can_be_restarted() {
    let mut cluster = Cluster::<Raft>::start(1).await.unwrap();
    in_time(cluster.leader()).await;
    in_time(cluster.node(1).unwrap().shutdown()).await.unwrap();
    assert_eq!(cluster.agreed(), None);
    in_time(cluster.restart(1)).await.unwrap();
    assert_eq!(in_time(cluster.leader()).await, NodeId(1));
}
