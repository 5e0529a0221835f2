//! Tests that the handle reports every failure of a node: no call hangs, and no failed node still
//! leads.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use async_trait::async_trait;
use elector_core::{
    Command, ElectionAlgorithm, Input, Membership, NodeId, Outbox, Role,
    actor::{
        BoxError, Elector, FailurePolicy, Immediate, LeadError, LeadershipLost, MemoryStorage,
        NodeError, StartError, Storage,
    },
};
use elector_raft::{Raft, RaftDurable, RaftMessage, RaftTimer};

use super::single_node_builder;
use crate::{
    mutants::{Bug, Mutant, bug},
    support::in_time,
};

bug! {
    /// Raft that panics when it leads and gets the command to campaign.
    Panics {
        fn step(
            mutant: &mut Mutant<Self>,
            input: Input<RaftMessage, RaftTimer>,
            out: &mut Outbox<Mutant<Self>>,
        ) {
            assert!(!is_campaign_of_leader(mutant, &input), "boom");
            mutant.raft_step(input, out);
        }
    }
}

bug! {
    /// Raft that breaks its contract when it leads and gets the command to campaign.
    BreaksContract {
        fn step(
            mutant: &mut Mutant<Self>,
            input: Input<RaftMessage, RaftTimer>,
            out: &mut Outbox<Mutant<Self>>,
        ) {
            if is_campaign_of_leader(mutant, &input) {
                let term = mutant.view().epoch;
                out.send(NodeId(1), RaftMessage::TimeoutNow { term });
            } else {
                mutant.raft_step(input, out);
            }
        }
    }
}

fn is_campaign_of_leader<B: Bug>(
    mutant: &Mutant<B>,
    input: &Input<RaftMessage, RaftTimer>,
) -> bool {
    matches!(input, Input::Commanded(Command::Campaign)) && mutant.view().role == Role::Leader
}

async fn start_with<A: ElectionAlgorithm>(
    storage: impl Storage<A::Durable>,
) -> Elector<A::Guarantee> {
    let builder = single_node_builder::<A>();
    builder.storage(storage).start().await.unwrap()
}

// An algorithm that panics must end its node and its work, and all callers must get the error.
#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_algorithm_stops_the_node() {
    let elector = start_with::<Mutant<Panics>>(MemoryStorage::new()).await;
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
                        std::future::pending::<()>().await;
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

// An algorithm that breaks its contract must end its node and its leadership, and the caller must
// get the error.
#[tokio::test]
async fn a_broken_contract_stops_the_node() {
    let elector = start_with::<Mutant<BreaksContract>>(MemoryStorage::new()).await;
    let me = in_time(elector.campaign()).await.unwrap();
    let error = in_time(elector.campaign()).await.unwrap_err();
    assert_eq!(me.check(), Err(LeadershipLost));
    assert!(error.to_string().contains("broke its contract"), "{error}");
}

/// A storage that saves when the test sends a result, and then returns this result.
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

// The node may not publish a view that is not on disk yet. But it must receive messages while it
// waits for the disk.
#[tokio::test]
async fn a_slow_disk_delays_only_the_view() {
    let (results, disk) = disk();
    let elector = start_with::<Raft>(disk).await;
    let mut status = elector.subscribe();
    // The node accepts the command although the vote that the command causes waits for the disk.
    let campaign = tokio::spawn({
        let elector = elector.clone();
        async move { elector.campaign().await.map(|me| me.epoch()) }
    });
    // The node still handles inputs. This second call of `campaign` waits behind the first call,
    // which waits for the disk.
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

// After a failed save, the contents of the disk are unknown: the node must stop and report the
// failure.
#[tokio::test]
async fn a_failing_disk_stops_the_node() {
    let (results, disk) = disk();
    let elector = start_with::<Raft>(disk).await;
    results.send(Err("no space left".into())).unwrap();
    let error = in_time(elector.campaign()).await.unwrap_err();
    assert!(error.to_string().contains("no space left"), "{error}");
    let end = in_time(elector.shutdown()).await.unwrap_err();
    assert!(matches!(end, NodeError::Storage(_)));
}

/// A [`Disk`] that saves on the own thread of the node.
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

// A save on the node's own thread starts after the step that requested it. The node must still
// notice the end or the failure of the save.
#[tokio::test]
async fn the_node_waits_for_a_disk_on_its_own_thread_that_may_fail() {
    let (results, disk) = disk();
    let elector = start_with::<Raft>(ImmediateDisk(disk)).await;
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
    // The task of the first campaign has dropped its leadership. The next leadership needs another
    // vote, and the save of this vote fails.
    results.send(Err("no space left".into())).unwrap();
    let error = in_time(elector.campaign()).await.unwrap_err();
    assert!(
        error.to_string().contains("no space left"),
        "after {epoch:?}: {error}"
    );
    let end = in_time(elector.shutdown()).await.unwrap_err();
    assert!(matches!(end, NodeError::Storage(_)));
}

// After the end of a node, a caller may start the node again with the same storage. If a write of
// the ended node came after that, it could undo a save of the node that was started again. So the
// shutdown must wait for the write.
#[tokio::test]
async fn a_shutdown_waits_for_the_disk() {
    let (results, disk) = disk();
    let elector = start_with::<Raft>(disk).await;
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

// A node that does not know its votes must not start: it could vote twice in one epoch.
#[tokio::test]
async fn a_node_with_an_unreadable_disk_does_not_start() {
    let builder = single_node_builder::<Raft>();
    let error = in_time(builder.storage(Unreadable).start())
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::Load(_)), "{error}");
}

// The caller of `lead` must get a panic of the work as an error, after the leadership has ended.
// Each later call of `lead` makes the node lead again.
#[tokio::test]
async fn panicking_work_ends_the_leadership() {
    let elector = start_with::<Raft>(MemoryStorage::new()).await;
    let once = FailurePolicy::withdraw_at_once();
    let work = |_| -> std::future::Ready<()> { panic!("at once") };
    let outside = in_time(elector.lead_with(once, work)).await;
    assert!(matches!(outside, Err(LeadError::Panicked(text)) if text == "at once"));
    let inside = in_time(elector.lead_with(once, async |_| -> Infallible {
        tokio::task::yield_now().await;
        panic!("inside")
    }));
    assert!(matches!(inside.await, Err(LeadError::Panicked(text)) if text == "inside"));
    let failed = in_time(elector.lead_with(once, async |_| Err::<(), _>("failed"))).await;
    assert!(matches!(failed, Err(LeadError::Work(error)) if error.to_string() == "failed"));
    in_time(elector.shutdown()).await.unwrap();
}
