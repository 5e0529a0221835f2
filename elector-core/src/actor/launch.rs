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
    clock::Chance,
    control::Control,
    error::{NodeError, StartError, panic_text},
    lane::Lane,
    messages::{Order, Replay, StoreReport},
    node::Node,
    post::Post,
    shared::Shared,
    storage::{Storage, Store},
    tape::Tape,
    timers::Timers,
    transport::{Inbox, Transport},
};
use crate::{
    ElectionAlgorithm, Guarantee, GuaranteeKind, Input, Membership, Moment, Process, Settings,
    nanos, trace::Record,
};

/// All that a node needs to start.
pub(super) struct Plan<A: ElectionAlgorithm> {
    pub(super) name: String,
    pub(super) members: Membership,
    pub(super) config: A::Config,
    pub(super) transport: Option<Box<dyn Transport<A>>>,
    pub(super) storage: Box<dyn Storage<A::Durable>>,
    /// How many messages of one peer may wait.
    pub(super) share: u32,
    /// How many events a reader may be behind.
    pub(super) events: usize,
    /// Whether the node is driven by hand: no clock, no timers, all recorded.
    pub(super) replayed: bool,
}

/// How many orders and reports the mailbox expects; more of them fit.
const ORDERS: usize = 16;

/// A node that runs, until this is dropped.
#[derive(Debug)]
pub(super) struct Running<A: ElectionAlgorithm> {
    pub(super) control: Control,
    pub(super) post: Arc<Post<A::Message>>,
    pub(super) members: Membership,
    node: Addr<Node<A>>,
}

impl<A: ElectionAlgorithm> Drop for Running<A> {
    fn drop(&mut self) {
        self.control.order(Order::Stop);
    }
}

impl<A: ElectionAlgorithm> Running<A> {
    pub(super) async fn replay(
        &self,
        input: Input<A::Message, A::Timer>,
        now: Moment,
    ) -> Result<Vec<Record>, NodeError> {
        let (answer, answered) = oneshot::channel();
        self.node.do_send(Replay { input, now, answer });
        match answered.await {
            Ok(records) => Ok(records),
            Err(_) => match self.control.shared.end_of_node().await {
                Ok(()) => Err(NodeError::ThreadEnded),
                Err(error) => Err(error),
            },
        }
    }
}

/// Starts a node on a lane; `owned` if the lane is to end with it.
pub(super) async fn launch<A: ElectionAlgorithm>(
    plan: Plan<A>,
    lane: &Lane,
    owned: bool,
) -> Result<Running<A>, StartError> {
    plan.config.validate(&plan.members)?;
    if plan.share == 0 {
        return Err(StartError::NoMailbox);
    }
    let (started, running) = oneshot::channel();
    let own = owned.then(|| lane.clone());
    let there = lane.run(move || {
        actix::spawn(async move {
            let start = start(plan, own.clone()).await;
            if let (Err(_), Some(lane)) = (&start, own) {
                lane.stop();
            }
            // Whoever started it may have gone: then it is dropped, here or on the way, and stops.
            let _ = started.send(start);
        });
    });
    if !there {
        return Err(NodeError::ThreadEnded.into());
    }
    match running.await {
        Ok(started) => started,
        Err(_) => {
            if owned {
                lane.stop();
            }
            Err(NodeError::ThreadEnded.into())
        }
    }
}

/// On the lane's own thread.
async fn start<A: ElectionAlgorithm>(
    plan: Plan<A>,
    lane: Option<Lane>,
) -> Result<Running<A>, StartError> {
    let Plan {
        name,
        members,
        config,
        transport,
        mut storage,
        share,
        events,
        replayed,
    } = plan;
    let saved = storage.load(&members).await.map_err(StartError::Load)?;
    let process = restore::<A>(&config, &members, saved.unwrap_or_default())?;

    let (sender, receiver) = channel::channel(ORDERS);
    let node = Addr::new(sender);
    let post = Arc::new(Post::new(members.len(), share));
    let inbox = Inbox::new(members.clone(), Arc::clone(&post));
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
        orders: node.clone().recipient(),
        grants: A::Guarantee::KIND == GuaranteeKind::BestEffort || A::has_lease(&config),
        grace: lease,
        elections: config.timing().election_max.saturating_mul(4),
    };
    Context::with_receiver(receiver).run(Node {
        process,
        timers: Timers::new(),
        links,
        store,
        shared,
        post: Arc::clone(&post),
        batch: Vec::new(),
        chance: Chance::random(),
        lease: nanos(without_drift(lease)),
        tenure: None,
        grants: Default::default(),
        deserted: None,
        withdrawn: None,
        now: 0,
        reading_serves: 0,
        ended: false,
        tape: replayed.then(|| Box::new(Tape::new(members.me()))),
        lane,
    });
    Ok(Running {
        control,
        post,
        members,
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

/// Two clocks of a cluster may run apart by a thousandth: twenty times what quartz does.
fn without_drift(lease: Duration) -> Duration {
    lease.saturating_sub(lease / 1000)
}
