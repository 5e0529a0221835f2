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
    elector::Elector,
    error::{NodeError, StartError, panic_text},
    handle::{NodeHandle, Running},
    lane::Lane,
    messages::StoreReport,
    node::Node,
    post::Post,
    shared::Shared,
    storage::{Storage, Store},
    tape::Tape,
    timers::Timers,
    transport::{Inbox, Transport},
};
use crate::{
    Configuration, ElectionAlgorithm, Guarantee, GuaranteeKind, Membership, Process, nanos,
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
    pub(super) drive: Drive,
}

/// What drives a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drive {
    /// The clock, its timers and its peers.
    Clock,
    /// A caller, input by input: it has no clock and no timers, and all that it does is recorded.
    Replay,
}

/// What becomes of a lane when the node has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LaneUse {
    /// It is the node's own, and ends with it.
    Own,
    /// Other nodes use it too.
    Shared,
}

/// How many orders and reports the mailbox expects; more of them fit.
const ORDERS: usize = 16;

/// A node that was started.
#[derive(Debug)]
pub(super) struct Launched<A: ElectionAlgorithm> {
    pub(super) handle: NodeHandle,
    pub(super) node: Addr<Node<A>>,
}

impl<A: ElectionAlgorithm> Launched<A> {
    /// Returns the handle that an application holds, typed by what its algorithm promises.
    pub(super) fn elector(self) -> Elector<A::Guarantee> {
        Elector::new(self.handle)
    }
}

/// Starts a node on a lane.
pub(super) async fn launch<A: ElectionAlgorithm>(
    plan: Plan<A>,
    lane: &Lane,
    lane_use: LaneUse,
) -> Result<Launched<A>, StartError> {
    plan.config.validate(&plan.members)?;
    if plan.share == 0 {
        return Err(StartError::NoMailbox);
    }
    let (started, running) = oneshot::channel();
    let own = (lane_use == LaneUse::Own).then(|| lane.clone());
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
            if lane_use == LaneUse::Own {
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
) -> Result<Launched<A>, StartError> {
    let Plan {
        name,
        members,
        config,
        transport,
        mut storage,
        share,
        events,
        drive,
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
        tape: (drive == Drive::Replay).then(|| Box::new(Tape::new(members.me()))),
        lane,
    });
    let running = Running {
        control,
        refused: post.dropped(),
        members,
        algorithm: A::NAME,
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

/// Two clocks of a cluster may run apart by a thousandth: twenty times what quartz does.
fn without_drift(lease: Duration) -> Duration {
    lease.saturating_sub(lease / 1000)
}
