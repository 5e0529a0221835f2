//! The handle must report every failure: no call hangs, and no node still leads.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::{
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use async_trait::async_trait;
use elector_core::{
    Command, ElectionAlgorithm, Input, Membership, Moment, NodeId, Outbox, Quorum, Role, View,
    actor::{
        BoxError, Elector, FailurePolicy, Immediate, LeadError, LeadershipLost, MemoryStorage,
        NodeError, StartError, Storage,
    },
};
use elector_raft::{Raft, RaftConfig, RaftDurable, RaftMessage, RaftTimer};

const TIMEOUT: Duration = Duration::from_secs(30);

async fn in_time<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, event)
        .await
        .expect("it happens in time")
}

/// Raft with a fault: when it leads and gets the command to campaign, it panics, or else breaks its
/// contract.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FailsWhenItLeads<const PANICS: bool>(Raft);

impl<const PANICS: bool> ElectionAlgorithm for FailsWhenItLeads<PANICS> {
    const NAME: &'static str = "fails-when-it-leads";
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
        match input {
            Input::Commanded(Command::Campaign) if self.view().role == Role::Leader => {
                assert!(!PANICS, "boom");
                let term = self.view().epoch;
                out.send(NodeId(1), RaftMessage::TimeoutNow { term });
            }
            input => out.scoped(
                |message| message,
                |timer| timer,
                |out| self.0.step(input, out),
            ),
        }
    }
}

async fn single_node<A: ElectionAlgorithm>(
    storage: impl Storage<A::Durable>,
) -> Elector<A::Guarantee> {
    let builder = Elector::builder("single")
        .algorithm::<A>()
        .node_id(1)
        .peers([1]);
    builder.storage(storage).start().await.unwrap()
}

// An algorithm that panics must end its node and its work, and all callers must get the error.
#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_algorithm_stops_the_node() {
    let elector = single_node::<FailsWhenItLeads<true>>(MemoryStorage::new()).await;
    let (began, begun) = tokio::sync::oneshot::channel();
    let working = tokio::spawn({
        let elector = elector.clone();
        async move {
            let mut began = Some(began);
            elector
                .lead(|me| {
                    let began = began.take();
                    async move {
                        if let Some(began) = began {
                            began.send(me.cancellation()).unwrap();
                        }
                        std::future::pending().await
                    }
                })
                .await
        }
    });
    let cancellation = in_time(begun).await.unwrap();
    let waiting = tokio::spawn({
        let elector = elector.clone();
        async move { elector.stopped().await }
    });
    let error = in_time(elector.campaign()).await.unwrap_err();
    assert!(error.to_string().contains("panicked: boom"), "{error}");
    in_time(cancellation.cancelled()).await;
    let end = in_time(working).await.unwrap().unwrap_err();
    assert!(matches!(end, LeadError::Node(NodeError::Panicked(_))));
    let end = in_time(waiting).await.unwrap().unwrap_err();
    assert!(matches!(end, NodeError::Panicked(_)));
    assert_eq!(elector.status().role, Role::Follower);
    assert!(!elector.status().holds_leadership());
}

// The same holds for an algorithm that breaks its contract.
#[tokio::test]
async fn a_broken_contract_stops_the_node() {
    let elector = single_node::<FailsWhenItLeads<false>>(MemoryStorage::new()).await;
    let me = in_time(elector.campaign()).await.unwrap();
    let error = in_time(elector.campaign()).await.unwrap_err();
    assert_eq!(me.check(), Err(LeadershipLost));
    assert!(error.to_string().contains("broke its contract"), "{error}");
}

/// A storage that saves when the test allows it, with the given result.
struct Disk(Arc<Mutex<mpsc::Receiver<Result<(), BoxError>>>>);

#[async_trait]
impl Storage<RaftDurable> for Disk {
    async fn load(&mut self, _: &Membership) -> Result<Option<RaftDurable>, BoxError> {
        Ok(None)
    }

    async fn save(&mut self, _: &RaftDurable) -> Result<(), BoxError> {
        // Blocks its thread, as a disk does.
        self.0.lock().unwrap().recv()?
    }
}

fn disk() -> (mpsc::Sender<Result<(), BoxError>>, Disk) {
    let (results, receiver) = mpsc::channel();
    (results, Disk(Arc::new(Mutex::new(receiver))))
}

// The node may not publish a view that is not on disk yet. It must still receive meanwhile.
#[tokio::test]
async fn a_slow_disk_delays_only_the_view() {
    let (results, disk) = disk();
    let elector = single_node::<Raft>(disk).await;
    let mut status = elector.subscribe();
    // The node accepts the command while its vote waits for the disk.
    let campaign = tokio::spawn({
        let elector = elector.clone();
        async move { elector.campaign().await.map(|me| me.epoch()) }
    });
    // The node still receives: this campaign is behind the one that waits for the disk.
    let early = tokio::time::timeout(Duration::from_millis(50), elector.campaign()).await;
    assert!(early.is_err(), "it leads although its vote is not on disk");
    assert!(elector.traffic().handled >= 3);
    assert_ne!(elector.status().role, Role::Leader);
    assert!(!elector.status().holds_leadership());
    results.send(Ok(())).unwrap();
    drop(results);
    in_time(status.wait_for(|status| status.role == Role::Leader))
        .await
        .unwrap();
    in_time(campaign).await.unwrap().unwrap();
}

// After a failed save, the contents of the disk are unknown: the node must stop and report it.
#[tokio::test]
async fn a_failing_disk_stops_the_node() {
    let (results, disk) = disk();
    let elector = single_node::<Raft>(disk).await;
    results.send(Err("no space left".into())).unwrap();
    let error = in_time(elector.campaign()).await.unwrap_err();
    assert!(error.to_string().contains("no space left"), "{error}");
    let end = in_time(elector.shutdown()).await.unwrap_err();
    assert!(matches!(end, NodeError::Storage(_)));
}

/// The same storage on the node's own thread.
struct ImmediateDisk(Disk);

#[async_trait]
impl Storage<RaftDurable> for ImmediateDisk {
    async fn load(&mut self, _: &Membership) -> Result<Option<RaftDurable>, BoxError> {
        Ok(None)
    }

    async fn save(&mut self, _: &RaftDurable) -> Result<(), BoxError> {
        Err("this disk has no thread of its own".into())
    }

    fn immediate(&mut self) -> Option<&mut dyn Immediate<RaftDurable>> {
        Some(self)
    }
}

impl Immediate<RaftDurable> for ImmediateDisk {
    fn save_now(&mut self, _: &RaftDurable) -> Result<(), BoxError> {
        self.0.0.lock().unwrap().recv()?
    }

    fn takes_time(&self) -> bool {
        true
    }
}

// Such a save starts after the step that requested it. The node must get its end, or its failure,
// as well.
#[tokio::test]
async fn the_node_waits_for_a_disk_on_its_own_thread_that_may_fail() {
    let (results, disk) = disk();
    let elector = single_node::<Raft>(ImmediateDisk(disk)).await;
    let campaign = tokio::spawn({
        let elector = elector.clone();
        async move { elector.campaign().await.map(|me| me.epoch()) }
    });
    let mut status = elector.subscribe();
    let early = status.wait_for(|status| status.role == Role::Leader);
    let early = tokio::time::timeout(Duration::from_millis(50), early).await;
    assert!(early.is_err(), "it leads although its vote is not on disk");
    results.send(Ok(())).unwrap();
    let epoch = in_time(campaign).await.unwrap().unwrap();
    // That leadership ended immediately. The next one needs another vote.
    results.send(Err("no space left".into())).unwrap();
    let error = in_time(elector.campaign()).await.unwrap_err();
    assert!(
        error.to_string().contains("no space left"),
        "after {epoch:?}: {error}"
    );
    let end = in_time(elector.shutdown()).await.unwrap_err();
    assert!(matches!(end, NodeError::Storage(_)));
}

// A write of this life that ended in the next life could undo a save of that life. After the end of
// the node, a caller may open its storage, so the shutdown must wait for the write.
#[tokio::test]
async fn a_shutdown_waits_for_the_disk() {
    let (results, disk) = disk();
    let elector = single_node::<Raft>(disk).await;
    let campaign = tokio::spawn({
        let elector = elector.clone();
        async move { elector.campaign().await.map(|me| me.epoch()) }
    });
    let mut status = elector.subscribe();
    in_time(status.wait_for(|status| status.role == Role::Candidate))
        .await
        .unwrap();
    let mut shutdown = tokio::spawn(async move { elector.shutdown().await });
    let early = tokio::time::timeout(Duration::from_millis(50), &mut shutdown).await;
    assert!(early.is_err(), "its vote is not on disk yet");
    results.send(Ok(())).unwrap();
    in_time(shutdown).await.unwrap().unwrap();
    assert!(in_time(campaign).await.unwrap().is_err());
    assert!(
        results.send(Ok(())).is_err(),
        "nothing can be written any more"
    );
}

struct Unreadable;

#[async_trait]
impl Storage<RaftDurable> for Unreadable {
    async fn load(&mut self, _: &Membership) -> Result<Option<RaftDurable>, BoxError> {
        Err("checksum".into())
    }

    async fn save(&mut self, _: &RaftDurable) -> Result<(), BoxError> {
        Ok(())
    }
}

// A node that does not know its votes must not start.
#[tokio::test]
async fn a_node_with_an_unreadable_disk_does_not_start() {
    let builder = Elector::builder("single")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1]);
    let error = in_time(builder.storage(Unreadable).start())
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::Load(_)), "{error}");
}

// The caller of `lead` must get a panic of the work, after the leadership has ended. Each later
// call makes the node lead again.
#[tokio::test]
async fn panicking_work_ends_the_leadership() {
    let elector = single_node::<Raft>(MemoryStorage::new()).await;
    let once = FailurePolicy::withdraw_at_once();
    let work = |_| -> std::future::Ready<_> { panic!("at once") };
    let outside = in_time(elector.lead_with(once, work)).await;
    assert!(matches!(outside, Err(LeadError::Panicked(text)) if text == "at once"));
    let inside = in_time(elector.lead_with(once, |_| async {
        tokio::task::yield_now().await;
        panic!("inside")
    }));
    assert!(matches!(inside.await, Err(LeadError::Panicked(text)) if text == "inside"));
    let failed = in_time(elector.lead_with(once, |_| async { Err("failed".into()) })).await;
    assert!(matches!(failed, Err(LeadError::Work(error)) if error.to_string() == "failed"));
    in_time(elector.shutdown()).await.unwrap();
}
