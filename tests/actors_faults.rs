//! What goes wrong must surface in the handle: nothing hangs, and nothing goes on leading.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

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

const SOON: Duration = Duration::from_secs(30);

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what)
        .await
        .expect("it happens in time")
}

/// Raft that, when it leads and is told to campaign, panics or else breaks its contract.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Bomb<const PANICS: bool>(Raft);

impl<const PANICS: bool> ElectionAlgorithm for Bomb<PANICS> {
    const NAME: &'static str = "bomb";
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

async fn alone<A: ElectionAlgorithm>(storage: impl Storage<A::Durable>) -> Elector<A::Guarantee> {
    let builder = Elector::builder("alone")
        .algorithm::<A>()
        .node_id(1)
        .peers([1]);
    builder.storage(storage).start().await.unwrap()
}

// An algorithm that panics must take its node with it, work and all, and every waiter must hear.
#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_algorithm_stops_the_node() {
    let elector = alone::<Bomb<true>>(MemoryStorage::new()).await;
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
    let cancellation = soon(begun).await.unwrap();
    let waiting = tokio::spawn({
        let elector = elector.clone();
        async move { elector.stopped().await }
    });
    let told = soon(elector.campaign()).await.unwrap_err();
    assert!(told.to_string().contains("panicked: boom"), "{told}");
    soon(cancellation.cancelled()).await;
    let end = soon(working).await.unwrap().unwrap_err();
    assert!(matches!(end, LeadError::Node(NodeError::Panicked(_))));
    let end = soon(waiting).await.unwrap().unwrap_err();
    assert!(matches!(end, NodeError::Panicked(_)));
    assert_eq!(elector.status().role, Role::Follower);
    assert!(!elector.status().holds_leadership());
}

// So must one that breaks its contract.
#[tokio::test]
async fn a_broken_contract_stops_the_node() {
    let elector = alone::<Bomb<false>>(MemoryStorage::new()).await;
    let me = soon(elector.campaign()).await.unwrap();
    let told = soon(elector.campaign()).await.unwrap_err();
    assert_eq!(me.check(), Err(LeadershipLost));
    assert!(told.to_string().contains("broke its contract"), "{told}");
}

/// Saves when it is told to, and as it is told to.
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
    let (tell, told) = mpsc::channel();
    (tell, Disk(Arc::new(Mutex::new(told))))
}

// Nothing may be shown that is not on the disk yet; meanwhile the node must go on hearing.
#[tokio::test]
async fn a_slow_disk_delays_the_view_and_nothing_else() {
    let (tell, disk) = disk();
    let elector = alone::<Raft>(disk).await;
    let mut status = elector.subscribe();
    // The command is taken while the vote that it asks for waits for the disk.
    let campaign = tokio::spawn({
        let elector = elector.clone();
        async move { elector.campaign().await.map(|me| me.epoch()) }
    });
    // The node goes on hearing: this campaign is behind the one that waits for the disk.
    let early = tokio::time::timeout(Duration::from_millis(50), elector.campaign()).await;
    assert!(early.is_err(), "a leader by what is not on the disk");
    assert!(elector.traffic().handled >= 3);
    assert_ne!(elector.status().role, Role::Leader);
    assert!(!elector.status().holds_leadership());
    tell.send(Ok(())).unwrap();
    drop(tell);
    soon(status.wait_for(|status| status.role == Role::Leader))
        .await
        .unwrap();
    soon(campaign).await.unwrap().unwrap();
}

// A save that fails leaves nobody knowing what the disk holds: the node must stop, and say so.
#[tokio::test]
async fn a_failing_disk_stops_the_node() {
    let (tell, disk) = disk();
    let elector = alone::<Raft>(disk).await;
    tell.send(Err("no space left".into())).unwrap();
    let told = soon(elector.campaign()).await.unwrap_err();
    assert!(told.to_string().contains("no space left"), "{told}");
    let end = soon(elector.shutdown()).await.unwrap_err();
    assert!(matches!(end, NodeError::Storage(_)));
}

/// The same on the node's own thread.
struct Here(Disk);

#[async_trait]
impl Storage<RaftDurable> for Here {
    async fn load(&mut self, _: &Membership) -> Result<Option<RaftDurable>, BoxError> {
        Ok(None)
    }

    async fn save(&mut self, _: &RaftDurable) -> Result<(), BoxError> {
        Err("it has no thread of its own".into())
    }

    fn immediate(&mut self) -> Option<&mut dyn Immediate<RaftDurable>> {
        Some(self)
    }
}

impl Immediate<RaftDurable> for Here {
    fn save_now(&mut self, _: &RaftDurable) -> Result<(), BoxError> {
        self.0.0.lock().unwrap().recv()?
    }

    fn takes_time(&self) -> bool {
        true
    }
}

// Such a save begins after the step that asked for it: its end, or failure, must be heard of no
// less.
#[tokio::test]
async fn a_disk_on_the_nodes_thread_is_waited_for_and_may_fail() {
    let (tell, disk) = disk();
    let elector = alone::<Raft>(Here(disk)).await;
    let campaign = tokio::spawn({
        let elector = elector.clone();
        async move { elector.campaign().await.map(|me| me.epoch()) }
    });
    let mut status = elector.subscribe();
    let early = status.wait_for(|status| status.role == Role::Leader);
    let early = tokio::time::timeout(Duration::from_millis(50), early).await;
    assert!(early.is_err(), "a leader by what is not on the disk");
    tell.send(Ok(())).unwrap();
    let epoch = soon(campaign).await.unwrap().unwrap();
    // That leadership was given back at once; the next one needs another vote.
    tell.send(Err("no space left".into())).unwrap();
    let told = soon(elector.campaign()).await.unwrap_err();
    assert!(
        told.to_string().contains("no space left"),
        "after {epoch:?}: {told}"
    );
    let end = soon(elector.shutdown()).await.unwrap_err();
    assert!(matches!(end, NodeError::Storage(_)));
}

// A write of this life that ends in the next one could undo what that one saved: whoever is told
// that the node has stopped may open its storage.
#[tokio::test]
async fn a_shutdown_waits_for_the_disk() {
    let (tell, disk) = disk();
    let elector = alone::<Raft>(disk).await;
    let campaign = tokio::spawn({
        let elector = elector.clone();
        async move { elector.campaign().await.map(|me| me.epoch()) }
    });
    let mut status = elector.subscribe();
    soon(status.wait_for(|status| status.role == Role::Candidate))
        .await
        .unwrap();
    let mut shutdown = tokio::spawn(async move { elector.shutdown().await });
    let early = tokio::time::timeout(Duration::from_millis(50), &mut shutdown).await;
    assert!(early.is_err(), "its vote is not on the disk yet");
    tell.send(Ok(())).unwrap();
    soon(shutdown).await.unwrap().unwrap();
    assert!(soon(campaign).await.unwrap().is_err());
    assert!(
        tell.send(Ok(())).is_err(),
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

// A node that does not know what it promised must not start.
#[tokio::test]
async fn an_unreadable_disk_does_not_start() {
    let builder = Elector::builder("alone")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1]);
    let error = soon(builder.storage(Unreadable).start()).await.unwrap_err();
    assert!(matches!(error, StartError::Load(_)), "{error}");
}

// A panic in the application's work must reach the caller of `lead`, after the leadership is given
// back. Each later call makes the node take leadership again.
#[tokio::test]
async fn panicking_work_gives_the_leadership_back() {
    let elector = alone::<Raft>(MemoryStorage::new()).await;
    let once = FailurePolicy::withdraw_at_once();
    let work = |_| -> std::future::Ready<_> { panic!("at once") };
    let outside = soon(elector.lead_with(once, work)).await;
    assert!(matches!(outside, Err(LeadError::Panicked(text)) if text == "at once"));
    let inside = soon(elector.lead_with(once, |_| async {
        tokio::task::yield_now().await;
        panic!("inside")
    }));
    assert!(matches!(inside.await, Err(LeadError::Panicked(text)) if text == "inside"));
    let failed = soon(elector.lead_with(once, |_| async { Err("failed".into()) })).await;
    assert!(matches!(failed, Err(LeadError::Work(error)) if error.to_string() == "failed"));
    soon(elector.shutdown()).await.unwrap();
}
