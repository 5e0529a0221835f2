use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Semaphore, watch};

use super::{
    error::NodeError,
    status::{EventKind, News, Status, WorkStatus},
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
    pub(super) news: News,
    /// Whoever works as the leader has the one permit: one at a time, over all tenures.
    pub(super) worker: Arc<Semaphore>,
    /// Under what the last work was done, or is: it may be a tenure that was lost before.
    at_work: Mutex<Option<Arc<Tenure>>>,
    /// Set before a node is killed: it does nothing more, whatever waits for it.
    pub(super) killed: AtomicBool,
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) undelivered: AtomicU64,
    /// Messages that were not delivered for their epoch.
    pub(super) absurd: AtomicU64,
    /// Whether the node's thread has been asked to answer, and has not yet.
    asked: AtomicBool,
    /// How often it has answered.
    answers: watch::Sender<u64>,
}

impl Shared {
    pub(super) fn new(events: usize) -> Arc<Self> {
        Arc::new(Self {
            status: watch::Sender::new(Status::of(View::default(), None)),
            tenure: watch::Sender::new(None),
            ended: watch::Sender::new(None),
            news: News::new(events),
            worker: Arc::new(Semaphore::new(1)),
            at_work: Mutex::new(None),
            killed: AtomicBool::new(false),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            undelivered: AtomicU64::new(0),
            absurd: AtomicU64::new(0),
            asked: AtomicBool::new(false),
            answers: watch::Sender::new(0),
        })
    }

    /// Publishes a view. The tenure that it shows is the one that is current.
    pub(super) fn publish(&self, view: View) {
        self.news.tell(EventKind::Viewed(view));
        let tenure = self.tenure.borrow().clone();
        self.status.send_modify(|status| status.show(view, tenure));
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

    /// Makes the caller the one that works under this tenure, in a closure that has so long to
    /// finish, or in hand; whether it is the first, and not too late.
    pub(super) fn begin_work(&self, tenure: &Arc<Tenure>, to_finish: Option<Duration>) -> bool {
        // All under the lock: who looks for work after the end either finds it, or it never begins.
        let mut at_work = self.at_work();
        let take = || match to_finish {
            Some(to_finish) => tenure.take(to_finish),
            None => tenure.take_in_hand(),
        };
        let begins = tenure.holds() && take();
        if begins {
            *at_work = Some(Arc::clone(tenure));
        }
        begins
    }

    /// Changes what is known of the work of this node.
    pub(super) fn tell_work(&self, change: impl FnOnce(&mut WorkStatus)) {
        self.status.send_if_modified(|status| {
            let before = status.work.clone();
            change(&mut status.work);
            status.work != before
        });
    }

    fn at_work(&self) -> MutexGuard<'_, Option<Arc<Tenure>>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no work is done under this tenure, the current one, nor under one that was lost
    /// before it and whose work is late to end.
    pub(super) async fn work_ended(&self, current: Option<&Arc<Tenure>>, grace: Duration) {
        if let Some(tenure) = current {
            tenure.finished(grace).await;
        }
        let at_work = self.at_work().clone();
        if let Some(tenure) = at_work
            && current.is_none_or(|current| !Arc::ptr_eq(current, &tenure))
        {
            tenure.finished(grace).await;
        }
    }

    /// Drops the work, whatever it was promised, also that which is late to end.
    pub(super) fn cut_short(&self) {
        let at_work = self.at_work().clone();
        for tenure in self.current().into_iter().chain(at_work) {
            tenure.cut_short();
        }
    }

    /// The node has ended; only the first word counts. Only the node itself calls it.
    pub(super) fn end(&self, end: End) {
        if self.has_ended() {
            return;
        }
        if let Some(tenure) = self.current() {
            tenure.lose();
        }
        self.grant(None);
        self.status.send_modify(|status| {
            (status.role, status.leader) = (Role::Follower, None);
        });
        self.news.end();
        // Last: whoever hears of it finds all the rest so.
        self.ended.send_replace(Some(end));
    }

    /// Whether the node's thread is to be asked to answer: no question is on its way. However many
    /// ask, one message waits for a thread that hangs.
    pub(super) fn ask(&self) -> bool {
        !self.asked.swap(true, Ordering::AcqRel)
    }

    /// The answers that the node's thread gives from now on.
    pub(super) fn answers(&self) -> watch::Receiver<u64> {
        self.answers.subscribe()
    }

    /// The node's thread answers. In this order: a handle that found a question on its way hears of
    /// this.
    pub(super) fn answer(&self) {
        self.asked.store(false, Ordering::Release);
        self.answers
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
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
