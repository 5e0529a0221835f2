use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::{Semaphore, watch};

use super::{
    error::NodeError,
    status::{EventKind, News, Status},
    tenure::Tenure,
};
use crate::{Role, View};

/// How a node ended.
pub(super) type End = Result<(), NodeError>;

/// What a node and its handles see of each other.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) status: watch::Sender<Status>,
    pub(super) tenure: watch::Sender<Option<Arc<Tenure>>>,
    pub(super) ended: watch::Sender<Option<End>>,
    /// The same, for the node itself, which asks at every message and needs no lock for that.
    over: AtomicBool,
    pub(super) news: News,
    /// Whoever works as the leader has the one permit: one at a time, over all tenures.
    pub(super) worker: Arc<Semaphore>,
    /// Set before a node is killed: it does nothing more, whatever its mailbox holds.
    pub(super) killed: AtomicBool,
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) undelivered: AtomicU64,
}

impl Shared {
    pub(super) fn new(events: usize) -> Arc<Self> {
        Arc::new(Self {
            status: watch::Sender::new(Status::of(View::default(), None)),
            tenure: watch::Sender::new(None),
            ended: watch::Sender::new(None),
            over: AtomicBool::new(false),
            news: News::new(events),
            worker: Arc::new(Semaphore::new(1)),
            killed: AtomicBool::new(false),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            undelivered: AtomicU64::new(0),
        })
    }

    /// Publishes a view. The tenure that it shows is the one that is current.
    pub(super) fn publish(&self, view: View) {
        self.news.tell(EventKind::Viewed(view));
        let tenure = self.tenure.borrow().clone();
        self.status.send_replace(Status::of(view, tenure));
    }

    /// Makes a tenure the current one, or none.
    pub(super) fn grant(&self, tenure: Option<Arc<Tenure>>) {
        // In this order: whoever begins to work under it finds it in the status.
        self.status
            .send_modify(|status| status.tenure.clone_from(&tenure));
        self.tenure.send_replace(tenure);
    }

    /// The current tenure.
    pub(super) fn current(&self) -> Option<Arc<Tenure>> {
        self.tenure.borrow().clone()
    }

    /// The node has ended; only the first word counts.
    pub(super) fn end(&self, end: End) {
        self.over.store(true, Ordering::Release);
        let first = self.ended.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                *known = Some(end);
            }
            first
        });
        if first {
            if let Some(tenure) = self.current() {
                tenure.lose();
            }
            self.grant(None);
            self.status.send_modify(|status| {
                (status.role, status.leader) = (Role::Follower, None);
            });
            self.news.end();
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    pub(super) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    /// Waits until the node has ended.
    pub(super) async fn end_of_node(&self) -> End {
        let mut ended = self.ended.subscribe();
        match ended.wait_for(Option::is_some).await {
            Ok(end) => end.clone().unwrap_or(Err(NodeError::ThreadEnded)),
            Err(_) => Err(NodeError::ThreadEnded),
        }
    }
}
