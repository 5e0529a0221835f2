use std::{
    sync::atomic::{AtomicU8, AtomicU64, Ordering},
    time::Duration,
};

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
    state: AtomicU8,
    taken: AtomicU8,
    /// Cancelled as soon as somebody notices that it is over.
    over: CancellationToken,
    /// Cancelled when the work done under it has ended.
    finished: CancellationToken,
}

/// The deadline of a leadership without a lease.
pub(super) const NO_LEASE: u64 = u64::MAX;

const LIVE: u8 = 0;
const LOST: u8 = 1;
/// It ends on this node's own wish: the node goes on leading until the work has ended.
const RETURNING: u8 = 2;

const FREE: u8 = 0;
const BY_CLOSURE: u8 = 1;
const IN_HAND: u8 = 2;
const CLOSED: u8 = 3;

impl Tenure {
    pub(super) fn new(epoch: Epoch, deadline: u64) -> Self {
        Self {
            epoch,
            deadline: AtomicU64::new(deadline),
            state: AtomicU8::new(LIVE),
            taken: AtomicU8::new(FREE),
            over: CancellationToken::new(),
            finished: CancellationToken::new(),
        }
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(super) fn over(&self) -> &CancellationToken {
        &self.over
    }

    /// Whether it may be acted upon now.
    pub(super) fn holds(&self) -> bool {
        if self.state.load(Ordering::Acquire) != LIVE {
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
        if now < self.deadline.load(Ordering::Acquire) {
            self.deadline.fetch_max(deadline, Ordering::AcqRel);
        } else {
            self.lose();
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.state.load(Ordering::Acquire) == LIVE
    }

    pub(super) fn is_returning(&self) -> bool {
        self.state.load(Ordering::Acquire) == RETURNING
    }

    /// It was taken away.
    pub(super) fn lose(&self) {
        self.end(LOST);
    }

    /// It is to be given back as soon as the work has ended; whether it was live until now.
    pub(super) fn give_back(&self) -> bool {
        self.end(RETURNING)
    }

    fn end(&self, as_what: u8) -> bool {
        let state = &self.state;
        let ended = state
            .compare_exchange(LIVE, as_what, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        if ended {
            self.over.cancel();
        }
        ended
    }

    /// Makes the caller the one that works under it; whether it is the first.
    pub(super) fn take(&self, in_hand: bool) -> bool {
        self.occupy(if in_hand { IN_HAND } else { BY_CLOSURE })
            .is_ok()
    }

    fn occupy(&self, by: u8) -> Result<u8, u8> {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        self.taken.compare_exchange(FREE, by, success, failure)
    }

    pub(super) fn finish(&self) {
        self.finished.cancel();
    }

    /// Waits until no work is done under it any more. A guard that an application has in its hand
    /// is waited for no longer than `grace`: it has been told, and might be in the very hand that
    /// waits here.
    pub(super) async fn finished(&self, grace: Duration) {
        match self.occupy(CLOSED) {
            Err(IN_HAND) if grace.is_zero() => {}
            Err(IN_HAND) => {
                let _ = tokio::time::timeout(grace, self.finished.cancelled()).await;
            }
            Err(BY_CLOSURE) => self.finished.cancelled().await,
            _ => {}
        }
    }

    pub(super) fn remaining(&self) -> Option<Duration> {
        let deadline = self.deadline.load(Ordering::Acquire);
        if deadline == NO_LEASE || !self.holds() {
            return None;
        }
        let left = deadline.saturating_sub(clock::now().nanos());
        Some(Duration::from_nanos(left))
    }

    /// Returns when it is over, by word or by deadline.
    pub(super) async fn lost(&self) {
        while self.holds() {
            let deadline = self.deadline.load(Ordering::Acquire);
            let left = deadline.saturating_sub(clock::now().nanos());
            if deadline == NO_LEASE {
                self.over.cancelled().await;
            } else {
                let left = Duration::from_nanos(left);
                let _ = tokio::time::timeout(left, self.over.cancelled()).await;
            }
        }
    }
}
