use std::{
    boxed::Box,
    panic::{AssertUnwindSafe, catch_unwind},
    string::String,
    sync::Arc,
    time::Duration,
    vec::Vec,
};

use actix::{Addr, Context, Recipient, dev::channel};
use tokio::sync::oneshot;

use super::{
    actor_thread::ActorThread,
    clock::Rng,
    control::Control,
    elector::Elector,
    error::{NodeError, StartError, panic_text},
    handle::{NodeHandle, Running},
    node::{Node, members::MembersWatch},
    places::Places,
    queue::Queue,
    recorder::Recorder,
    requests::StoreReport,
    shared::Shared,
    storage::{Storage, Store},
    timers::Timers,
    transport::{Inbox, Transport},
};
use crate::{
    Configuration, ElectionAlgorithm, Guarantee, GuaranteeKind, Membership, Moment, Process,
};

/// All values that a node needs to start.
pub(super) struct NodeSetup<A: ElectionAlgorithm> {
    pub(super) name: String,
    pub(super) members: Membership,
    pub(super) config: A::Config,
    pub(super) transport: Option<Box<dyn Transport<A>>>,
    pub(super) storage: Box<dyn Storage<A::Durable>>,
    /// How many received messages of one peer may wait in the queue of the node.
    pub(super) share: u32,
    /// How many events the node keeps for a reader that has not read them yet.
    pub(super) events: usize,
    pub(super) drive: Drive,
}

/// The source of a node's inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drive {
    /// The inputs come from the node's timers, which its own clock drives, from its peers and from
    /// its application.
    Clock,
    /// The caller of [`Replayer`](super::Replayer) gives the node each input. The node has no clock
    /// and no timers, and everything that it does is recorded.
    Replay,
}

/// What happens to a thread when its node has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThreadUse {
    /// The thread belongs to the node and ends with it.
    Own,
    /// Other nodes use the thread, too.
    Shared,
}

/// The capacity of a node's mailbox. Handles send requests, and the storage sends reports, without
/// a check of this capacity, so the mailbox may hold more of them.
const EXPECTED_REQUESTS: usize = 16;

/// Returns how many peers a node can get to know between its start and its end, in addition to
/// those of the list with which it was started.
const fn max_met<A: ElectionAlgorithm>() -> usize {
    if A::CHANGES_MEMBERS { 1024 } else { 0 }
}

/// A started node.
#[derive(Debug)]
pub(super) struct Launched<A: ElectionAlgorithm> {
    pub(super) handle: NodeHandle,
    pub(super) node: Addr<Node<A>>,
}

impl<A: ElectionAlgorithm> Launched<A> {
    /// Returns the handle with which an application uses the node. The type of the handle contains
    /// the guarantee of the algorithm.
    pub(super) fn elector(self) -> Elector<A::Guarantee> {
        Elector::new(self.handle)
    }
}

/// Starts a node on a thread. The caller has checked the configuration.
pub(super) async fn launch<A: ElectionAlgorithm>(
    setup: NodeSetup<A>,
    thread: &ActorThread,
    thread_use: ThreadUse,
) -> Result<Launched<A>, StartError> {
    let (started, running) = oneshot::channel();
    let own = (thread_use == ThreadUse::Own).then(|| thread.clone());
    let is_running = thread.run(move || {
        actix::spawn(async move {
            let start = start(setup, own.clone()).await;
            if let (Err(_), Some(thread)) = (&start, own) {
                thread.stop();
            }
            // If the caller was cancelled, the handle of the node is dropped, here or in the
            // channel, and the node stops.
            let _ = started.send(start);
        });
    });
    if is_running && let Ok(started) = running.await {
        return started;
    }
    if thread_use == ThreadUse::Own {
        thread.stop();
    }
    Err(NodeError::ThreadEnded.into())
}

/// Starts a node. This function runs on the node's thread.
async fn start<A: ElectionAlgorithm>(
    setup: NodeSetup<A>,
    thread: Option<ActorThread>,
) -> Result<Launched<A>, StartError> {
    let NodeSetup {
        name,
        members,
        config,
        transport,
        mut storage,
        share,
        events,
        drive,
    } = setup;
    let saved = storage.load(&members).await.map_err(StartError::Load)?;
    let process = restore::<A>(&config, &members, saved.unwrap_or_default())?;

    let (sender, receiver) = channel::channel(EXPECTED_REQUESTS);
    let node = Addr::new(sender);
    let places = Arc::new(Places::new(members.clone(), max_met::<A>()));
    let queue = Arc::new(Queue::new(places.count(), share));
    let inbox = Inbox::new(places, Arc::clone(&queue));
    let links = match transport {
        Some(transport) => {
            let opened = transport.open(&members, inbox).await;
            Some(opened.map_err(StartError::Open)?)
        }
        None => None,
    };
    let store = store(&name, storage, node.clone().recipient())?;
    let lease = config.timing().lease;
    let shared = Shared::new(events);
    shared.publish(process.published());
    let control = Control {
        shared: Arc::clone(&shared),
        requests: node.clone().recipient(),
        can_grant: A::Guarantee::KIND == GuaranteeKind::BestEffort || A::has_lease(&config),
        grace: lease,
        next_leader_timeout: config.timing().election_max.saturating_mul(4),
    };
    Context::with_receiver(receiver).run(Node {
        process,
        timers: Timers::new(),
        links,
        store,
        shared,
        queue: Arc::clone(&queue),
        batch: Vec::new(),
        rng: Rng::random(),
        lease: without_drift(lease),
        leadership: None,
        grants: Default::default(),
        hung_work: None,
        withdrawn: None,
        members: MembersWatch::default(),
        now: Moment::ZERO,
        reading_uses_left: 0,
        has_ended: false,
        recorder: (drive == Drive::Replay).then(|| Box::new(Recorder::new(members.me()))),
        thread,
    });
    let running = Running {
        control,
        refused: queue.dropped(),
        members,
        algorithm: A::NAME,
        changes_members: A::CHANGES_MEMBERS,
        guarantee: A::Guarantee::KIND,
    };
    Ok(Launched {
        handle: NodeHandle::new(running),
        node,
    })
}

fn store<D: Send + 'static>(
    name: &str,
    storage: Box<dyn Storage<D>>,
    reports: Recipient<StoreReport>,
) -> Result<Store<D>, StartError> {
    let thread = std::format!("{name}-store");
    let store = Store::new(&thread, storage, move |saved| {
        reports.do_send(StoreReport(saved));
    });
    store.map_err(StartError::Thread)
}

fn restore<A: ElectionAlgorithm>(
    config: &A::Config,
    members: &Membership,
    durable: A::Durable,
) -> Result<Process<A>, NodeError> {
    let restored = catch_unwind(AssertUnwindSafe(|| {
        Process::restore(config, members.clone(), durable)
    }));
    restored.map_err(|panic| NodeError::Panicked(panic_text(&*panic)))
}

/// Returns the duration of a lease minus a margin for clock drift. The margin is a thousandth: the
/// clocks of a cluster may drift apart by this much, which is twenty times the drift of quartz.
fn without_drift(lease: Duration) -> Duration {
    lease.saturating_sub(lease / 1000)
}
