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
    leadership_state::LeadershipState,
    status::{EventKind, EventSource, Status, WorkStatus},
};
use crate::{Role, View};

/// How a node ended: `Ok` if it was asked to stop, or the reason why it stopped by itself.
pub(super) type End = Result<(), NodeError>;

/// The state that a node shares with its handles.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) status: watch::Sender<Status>,
    pub(super) leadership: watch::Sender<Option<Arc<LeadershipState>>>,
    pub(super) ended: watch::Sender<Option<End>>,
    pub(super) events: EventSource,
    /// A semaphore with one permit. The work of the leader holds the permit, so at most one work
    /// runs on this node at a time, also if the node has several leaderships one after the other.
    pub(super) worker: Arc<Semaphore>,
    /// The leadership under which the current or the last work runs. This leadership may already be
    /// lost.
    at_work: Mutex<Option<Arc<LeadershipState>>>,
    /// Set to `true` before the node is killed. From then on the node handles no input.
    pub(super) killed: AtomicBool,
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) undelivered: AtomicU64,
    /// The number of messages that the node dropped because their epoch was too high.
    pub(super) absurd: AtomicU64,
    /// Whether the node votes.
    pub(super) votes: AtomicBool,
    /// `true` if the node's thread has been asked to answer (by a ping), and has not answered yet.
    asked: AtomicBool,
    /// How often the node's thread has answered.
    answers: watch::Sender<u64>,
}

impl Shared {
    pub(super) fn new(events: usize) -> Arc<Self> {
        Arc::new(Self {
            status: watch::Sender::new(Status::of(View::default(), None)),
            leadership: watch::Sender::new(None),
            ended: watch::Sender::new(None),
            events: EventSource::new(events),
            worker: Arc::new(Semaphore::new(1)),
            at_work: Mutex::new(None),
            killed: AtomicBool::new(false),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            undelivered: AtomicU64::new(0),
            absurd: AtomicU64::new(0),
            votes: AtomicBool::new(true),
            asked: AtomicBool::new(false),
            answers: watch::Sender::new(0),
        })
    }

    /// Publishes a view of the algorithm to the handles: as an event and in the status, which also
    /// contains the current leadership.
    pub(super) fn publish(&self, view: View) {
        self.events.emit(EventKind::Viewed(view));
        let leadership = self.leadership.borrow().clone();
        self.status
            .send_modify(|status| status.set_view(view, leadership));
    }

    /// Sets the current leadership of the node; `None` if the node has no leadership any more.
    pub(super) fn grant(&self, leadership: Option<Arc<LeadershipState>>) {
        // The status is changed first: work that begins under the leadership must find the
        // leadership in the status.
        self.status
            .send_modify(|status| status.leadership.clone_from(&leadership));
        self.leadership.send_replace(leadership);
    }

    /// Returns the current leadership.
    pub(super) fn current(&self) -> Option<Arc<LeadershipState>> {
        self.leadership.borrow().clone()
    }

    /// Takes this leadership for work that begins now. If `to_finish` is given, the work is that of
    /// a closure, which has this time to end when it is asked to. Otherwise an application takes
    /// the leadership in hand. Returns `false` if the leadership is taken or has ended.
    pub(super) fn begin_work(
        &self,
        leadership: &Arc<LeadershipState>,
        to_finish: Option<Duration>,
    ) -> bool {
        // The lock is held until the end of this function. A caller that has ended the leadership
        // and then waits for its work takes the same lock. Either that caller finds this work, or
        // this function finds that the leadership has ended and begins no work.
        let mut at_work = self.at_work();
        let take = || match to_finish {
            Some(to_finish) => leadership.take(to_finish),
            None => leadership.take_in_hand(),
        };
        let begins = leadership.holds() && take();
        if begins {
            *at_work = Some(Arc::clone(leadership));
        }
        begins
    }

    /// Changes the status of the work of this node, and notifies its readers if the status differs.
    pub(super) fn update_work(&self, change: impl FnOnce(&mut WorkStatus)) {
        self.status.send_if_modified(|status| {
            let before = status.work.clone();
            change(&mut status.work);
            status.work != before
        });
    }

    fn at_work(&self) -> MutexGuard<'_, Option<Arc<LeadershipState>>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no work runs under the leadership `current`, or under an earlier leadership
    /// whose work ends late. If an application holds one of these leaderships in hand, the wait for
    /// its work is at most `grace`.
    pub(super) async fn work_ended(&self, current: Option<&Arc<LeadershipState>>, grace: Duration) {
        if let Some(leadership) = current {
            leadership.finished(grace).await;
        }
        let at_work = self.at_work().clone();
        if let Some(leadership) = at_work
            && current.is_none_or(|current| !Arc::ptr_eq(current, &leadership))
        {
            leadership.finished(grace).await;
        }
    }

    /// Drops the work of the current leadership and the late work of an earlier leadership, even if
    /// the work has time left to finish.
    pub(super) fn abort_work(&self) {
        let at_work = self.at_work().clone();
        for leadership in self.current().into_iter().chain(at_work) {
            leadership.abort_work();
        }
    }

    /// Records the end of the node. Only the first call counts, and only the node itself calls this
    /// method.
    pub(super) fn end(&self, end: End) {
        if self.has_ended() {
            return;
        }
        if let Some(leadership) = self.current() {
            leadership.lose();
        }
        self.grant(None);
        self.status.send_modify(|status| {
            (status.role, status.leader) = (Role::Follower, None);
        });
        self.events.end();
        // `ended` is set last, so that a task that waits for the end of the node finds all other
        // fields in their final state.
        self.ended.send_replace(Some(end));
    }

    /// Records that a handle wants an answer of the node's thread. Returns `true` if this handle
    /// must send the request, and `false` if an earlier request still waits. So at most one request
    /// waits for a thread that hangs, however many handles want an answer.
    pub(super) fn ask(&self) -> bool {
        !self.asked.swap(true, Ordering::AcqRel)
    }

    /// Returns a receiver of the answers of the node's thread from now on.
    pub(super) fn answers(&self) -> watch::Receiver<u64> {
        self.answers.subscribe()
    }

    /// Records an answer of the node's thread. The flag `asked` is reset before the answer is
    /// published. So a handle that found the flag set, and sent no request of its own, receives
    /// this answer.
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
