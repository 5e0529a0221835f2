use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time};
use tokio_util::sync::CancellationToken;

use super::clock;
use crate::Epoch;

/// One grant of leadership, shared between the node, which prolongs and ends it, and whoever holds
/// it. Valid while nobody has ended it and its deadline has not passed; once it was seen invalid it
/// stays so.
#[derive(Debug)]
pub(super) struct Tenure {
    epoch: Epoch,
    /// In nanoseconds of the node's clock; [`NO_LEASE`] where there is none.
    deadline: AtomicU64,
    prolonged: Notify,
    state: AtomicU8,
    taken: AtomicU8,
    /// The number of the present grant within the epoch.
    grant: AtomicU64,
    /// The number of the next grant of the epoch, for all its tenures.
    grants: Arc<AtomicU64>,
    /// How long whoever works under it may go on when it is to be given back, in nanoseconds. Set
    /// before it is taken.
    to_finish: AtomicU64,
    /// Cancelled when it is to be given back, and the work is asked to come to an end.
    ending: CancellationToken,
    /// Cancelled as soon as somebody notices that it is over.
    over: CancellationToken,
    /// Cancelled when the work is not even to clean up any more.
    cut: CancellationToken,
    /// Cancelled when the work done under it has ended.
    finished: CancellationToken,
}

/// The deadline of a leadership without a lease.
pub(super) const NO_LEASE: u64 = u64::MAX;

const LIVE: u8 = 0;
/// The work has been asked to end, and may still act.
const ENDING: u8 = 1;
const LOST: u8 = 2;
/// It ends on this node's own wish: the node goes on leading until the work has ended.
const RETURNING: u8 = 3;

const FREE: u8 = 0;
const BY_CLOSURE: u8 = 1;
const IN_HAND: u8 = 2;
const CLOSED: u8 = 3;

impl Tenure {
    /// A tenure with the next of the grants of this epoch.
    pub(super) fn new(epoch: Epoch, deadline: u64, grants: Arc<AtomicU64>) -> Self {
        Self {
            epoch,
            deadline: AtomicU64::new(deadline),
            prolonged: Notify::new(),
            state: AtomicU8::new(LIVE),
            taken: AtomicU8::new(FREE),
            grant: AtomicU64::new(grants.fetch_add(1, Ordering::AcqRel)),
            grants,
            to_finish: AtomicU64::new(0),
            ending: CancellationToken::new(),
            over: CancellationToken::new(),
            cut: CancellationToken::new(),
            finished: CancellationToken::new(),
        }
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The number of the present grant within the epoch.
    pub(super) fn grant(&self) -> u64 {
        self.grant.load(Ordering::Acquire)
    }

    /// Replaces the present grant by the next, and returns its number.
    pub(super) fn grant_anew(&self) -> u64 {
        let next = self.grants.fetch_add(1, Ordering::AcqRel);
        self.grant.fetch_max(next, Ordering::AcqRel);
        next
    }

    pub(super) fn over(&self) -> &CancellationToken {
        &self.over
    }

    /// Cancelled when the work is not even to clean up any more.
    pub(super) fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// Whether it may be acted upon now.
    pub(super) fn holds(&self) -> bool {
        if !self.is_live() {
            return false;
        }
        let deadline = self.deadline.load(Ordering::Acquire);
        if deadline == NO_LEASE || clock::now().nanos() < deadline {
            return true;
        }
        self.lose();
        false
    }

    /// Prolongs it, at the time `now`, unless it is over.
    pub(super) fn prolong(&self, now: u64, deadline: u64) {
        if !self.is_live() {
            return;
        }
        if now >= self.deadline.load(Ordering::Acquire) {
            self.lose();
        } else if self.deadline.fetch_max(deadline, Ordering::AcqRel) < deadline {
            self.prolonged.notify_waiters();
        }
    }

    /// Whether nobody has ended it, whatever its deadline.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.state.load(Ordering::Acquire), LIVE | ENDING)
    }

    pub(super) fn is_returning(&self) -> bool {
        self.state.load(Ordering::Acquire) == RETURNING
    }

    /// Whether the work is to end, or must have.
    pub(super) fn is_ending(&self) -> bool {
        self.state.load(Ordering::Acquire) != LIVE || !self.holds()
    }

    /// It was taken away.
    pub(super) fn lose(&self) {
        let _ = self.change(LIVE, LOST) || self.change(ENDING, LOST);
    }

    /// It is to be given back as soon as the work has ended; whether nobody else wished that yet.
    pub(super) fn give_back(&self) -> bool {
        let first = self.change(LIVE, RETURNING);
        // Whoever asked for it waits for the end.
        let _ = first || self.change(ENDING, RETURNING);
        first
    }

    fn change(&self, from: u8, to: u8) -> bool {
        let state = &self.state;
        let changed = state
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        if changed {
            self.ending.cancel();
            if to != ENDING {
                self.over.cancel();
            }
        }
        changed
    }

    /// Makes the caller the one that works under it, in a closure; whether it is the first. When
    /// it is to be given back, the closure has so long to finish.
    pub(super) fn take(&self, to_finish: Duration) -> bool {
        // Only the one that has the node's permit to work gets here.
        let nanos = crate::nanos(to_finish);
        self.to_finish.store(nanos, Ordering::Release);
        self.occupy(BY_CLOSURE).is_ok()
    }

    /// Makes the caller the one that has it in hand; whether it is the first.
    pub(super) fn take_in_hand(&self) -> bool {
        self.occupy(IN_HAND).is_ok()
    }

    fn occupy(&self, by: u8) -> Result<u8, u8> {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        self.taken.compare_exchange(FREE, by, success, failure)
    }

    pub(super) fn finish(&self) {
        self.finished.cancel();
    }

    /// Asks the work to end, and gives it the time that it was promised for that; then it is over,
    /// to be given back.
    pub(super) async fn wind_down(&self) {
        let works = self.occupy(CLOSED) == Err(BY_CLOSURE);
        let to_finish = Duration::from_nanos(self.to_finish.load(Ordering::Acquire));
        if works && !to_finish.is_zero() {
            self.change(LIVE, ENDING);
            tokio::select! {
                biased;
                () = self.finished.cancelled() => {}
                () = self.over.cancelled() => {}
                () = time::sleep(to_finish) => {}
            }
        }
        self.give_back();
    }

    /// Over at once, and the work is dropped, whatever it was promised.
    pub(super) fn cut_short(&self) {
        self.give_back();
        self.cut.cancel();
    }

    /// Waits until no work is done under it any more. A guard that an application has in its hand
    /// is waited for no longer than `grace`: it has been told, and might be in the very hand that
    /// waits here.
    pub(super) async fn finished(&self, grace: Duration) {
        match self.occupy(CLOSED) {
            Err(IN_HAND) if grace.is_zero() => {}
            Err(IN_HAND) => {
                let _ = time::timeout(grace, self.finished.cancelled()).await;
            }
            Err(BY_CLOSURE) => self.finished.cancelled().await,
            _ => {}
        }
    }

    /// The deadline as known now; `None` without a lease.
    pub(super) fn deadline(&self) -> Option<u64> {
        let deadline = self.deadline.load(Ordering::Acquire);
        (deadline != NO_LEASE).then_some(deadline)
    }

    pub(super) fn remaining(&self) -> Option<Duration> {
        let deadline = self.deadline().filter(|_| self.holds())?;
        let left = deadline.saturating_sub(clock::now().nanos());
        Some(Duration::from_nanos(left))
    }

    /// Waits until the deadline is later than `known`, and gives it; `None` when it is over.
    pub(super) async fn prolonged(&self, known: u64) -> Option<u64> {
        loop {
            let mut news = std::pin::pin!(self.prolonged.notified());
            news.as_mut().enable();
            if !self.holds() {
                return None;
            }
            if let Some(deadline) = self.deadline().filter(|&deadline| deadline > known) {
                return Some(deadline);
            }
            tokio::select! {
                biased;
                () = self.lost() => return None,
                () = news => {}
            }
        }
    }

    /// Returns when the work is to end, or when it is over.
    pub(super) async fn ending(&self) {
        tokio::select! {
            biased;
            () = self.ending.cancelled() => {}
            () = self.lost() => {}
        }
    }

    /// Returns when it is over, by word or by deadline.
    pub(super) async fn lost(&self) {
        while self.holds() {
            match self.deadline() {
                None => self.over.cancelled().await,
                Some(deadline) => {
                    let left = deadline.saturating_sub(clock::now().nanos());
                    let left = Duration::from_nanos(left);
                    let _ = time::timeout(left, self.over.cancelled()).await;
                }
            }
        }
    }
}
