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
use crate::{Epoch, Moment};

/// The state of one leadership. The node, which prolongs and ends the leadership, and the holder of
/// the leadership share this state. The leadership holds until a method ends it or its deadline
/// passes. Once a check has found that the leadership does not hold, it never holds again.
#[derive(Debug)]
pub(super) struct LeadershipState {
    epoch: Epoch,
    /// The time at which the lease ends, in nanoseconds of the clock of [`clock::now`];
    /// [`NO_LEASE`] if there is no lease.
    deadline: AtomicU64,
    prolonged: Notify,
    state: AtomicU8,
    taken: AtomicU8,
    /// The number of the current grant within the epoch, counted from 0. A grant is the act of the
    /// node that gives its application the leadership. The number is a part of the fencing token.
    grant: AtomicU64,
    /// The number that the next grant of the epoch gets. All leaderships of the epoch share this
    /// counter.
    grants: Arc<AtomicU64>,
    /// How long the work may go on after it was asked to end, in nanoseconds. The value is set when
    /// a closure takes the leadership.
    to_finish: AtomicU64,
    /// Cancelled when the work is asked to end, or when the leadership has ended.
    ending: CancellationToken,
    /// Cancelled when a method ends the leadership, for example because it notices that the
    /// deadline has passed.
    ended: CancellationToken,
    /// Cancelled when the work must be dropped at once, even if it has time left to clean up.
    aborted: CancellationToken,
    /// Cancelled when the work of this leadership has ended.
    finished: CancellationToken,
}

/// The deadline of a leadership without a lease.
pub(super) const NO_LEASE: Moment = Moment::MAX;

const LIVE: u8 = 0;
/// The work has been asked to end, and may still act as the leader.
const ENDING: u8 = 1;
const LOST: u8 = 2;
/// The leadership is given back: this node has ended it itself. The node goes on leading until the
/// work has ended, and then steps down.
const GIVEN_BACK: u8 = 3;

const FREE: u8 = 0;
const IN_CLOSURE: u8 = 1;
const IN_HAND: u8 = 2;
const CLOSED: u8 = 3;

impl LeadershipState {
    /// Creates a leadership of this epoch. Its grant gets the next number of the counter `grants`.
    pub(super) fn new(epoch: Epoch, deadline: Moment, grants: Arc<AtomicU64>) -> Self {
        Self {
            epoch,
            deadline: AtomicU64::new(deadline.nanos()),
            prolonged: Notify::new(),
            state: AtomicU8::new(LIVE),
            taken: AtomicU8::new(FREE),
            grant: AtomicU64::new(grants.fetch_add(1, Ordering::AcqRel)),
            grants,
            to_finish: AtomicU64::new(0),
            ending: CancellationToken::new(),
            ended: CancellationToken::new(),
            aborted: CancellationToken::new(),
            finished: CancellationToken::new(),
        }
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns the number of the current grant within the epoch.
    pub(super) fn grant(&self) -> u64 {
        self.grant.load(Ordering::Acquire)
    }

    /// Replaces the current grant by the next grant of the epoch, and returns the number of the new
    /// grant.
    pub(super) fn grant_anew(&self) -> u64 {
        let next = self.grants.fetch_add(1, Ordering::AcqRel);
        self.grant.fetch_max(next, Ordering::AcqRel);
        next
    }

    pub(super) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Returns the token that is cancelled when the work must be dropped at once.
    pub(super) fn aborted(&self) -> &CancellationToken {
        &self.aborted
    }

    /// Returns `true` if the holder may act as the leader now. If the deadline has passed, this
    /// method ends the leadership.
    pub(super) fn holds(&self) -> bool {
        if !self.is_live() {
            return false;
        }
        if self
            .deadline()
            .is_none_or(|deadline| clock::now() < deadline)
        {
            return true;
        }
        self.lose();
        false
    }

    /// Moves the deadline forward to `deadline`, unless the leadership has ended at the time `now`.
    pub(super) fn prolong(&self, now: Moment, deadline: Moment) {
        if !self.is_live() {
            return;
        }
        let deadline = deadline.nanos();
        if now.nanos() >= self.deadline.load(Ordering::Acquire) {
            self.lose();
        } else if self.deadline.fetch_max(deadline, Ordering::AcqRel) < deadline {
            self.prolonged.notify_waiters();
        }
    }

    /// Returns `true` if no method has ended the leadership. This method ignores the deadline.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.state.load(Ordering::Acquire), LIVE | ENDING)
    }

    pub(super) fn is_given_back(&self) -> bool {
        self.state.load(Ordering::Acquire) == GIVEN_BACK
    }

    /// Returns `true` if the work must end, or if the leadership has ended.
    pub(super) fn is_ending(&self) -> bool {
        self.state.load(Ordering::Acquire) != LIVE || !self.holds()
    }

    /// Ends the leadership without giving it back: this call does not make the node step down.
    pub(super) fn lose(&self) {
        let _ = self.change(LIVE, LOST) || self.change(ENDING, LOST);
    }

    /// Gives the leadership back: ends it, so that the node steps down as soon as the work has
    /// ended. Returns `true` if no earlier call has ended the leadership or asked its work to end.
    pub(super) fn give_back(&self) -> bool {
        let first = self.change(LIVE, GIVEN_BACK);
        // In the state `ENDING`, a call of `wind_down` already waits for the end of the work. After
        // this wait, its caller makes the node step down. So the present call is not the first
        // request to give the leadership back, and returns `false`.
        let _ = first || self.change(ENDING, GIVEN_BACK);
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
                self.ended.cancel();
            }
        }
        changed
    }

    /// Takes the leadership for the work of a closure. Returns `true` if the leadership was free.
    /// When the work is asked to end, it has the time `to_finish`.
    pub(super) fn take(&self, to_finish: Duration) -> bool {
        // This store cannot overwrite the value of other work: a caller needs the node's only
        // permit to work.
        let nanos = crate::nanos(to_finish);
        self.to_finish.store(nanos, Ordering::Release);
        self.occupy(IN_CLOSURE).is_ok()
    }

    /// Takes the leadership for an application that holds it in hand, outside of a closure. Returns
    /// `true` if the leadership was free.
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

    /// Asks the work of a closure to end, and waits until the work has ended or its time to finish
    /// has passed. Then gives the leadership back. A leadership in hand, or without work, is given
    /// back immediately.
    pub(super) async fn wind_down(&self) {
        let works = self.occupy(CLOSED) == Err(IN_CLOSURE);
        let to_finish = Duration::from_nanos(self.to_finish.load(Ordering::Acquire));
        if works && !to_finish.is_zero() {
            self.change(LIVE, ENDING);
            tokio::select! {
                biased;
                () = self.finished.cancelled() => {}
                () = self.ended.cancelled() => {}
                () = time::sleep(to_finish) => {}
            }
        }
        self.give_back();
    }

    /// Ends the leadership immediately. The work is dropped, even if it has time left to finish or
    /// to clean up.
    pub(super) fn abort_work(&self) {
        self.give_back();
        self.aborted.cancel();
    }

    /// Waits until no work is done under this leadership any more. If an application holds the
    /// leadership in hand, this method waits no longer than `grace`: the application has been
    /// notified, and the task that waits here may itself hold the leadership.
    pub(super) async fn finished(&self, grace: Duration) {
        match self.occupy(CLOSED) {
            Err(IN_HAND) if grace.is_zero() => {}
            Err(IN_HAND) => {
                let _ = time::timeout(grace, self.finished.cancelled()).await;
            }
            Err(IN_CLOSURE) => self.finished.cancelled().await,
            _ => {}
        }
    }

    /// Returns the current deadline; `None` without a lease.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let deadline = Moment::from_nanos(self.deadline.load(Ordering::Acquire));
        (deadline != NO_LEASE).then_some(deadline)
    }

    pub(super) fn remaining(&self) -> Option<Duration> {
        let deadline = self.deadline().filter(|_| self.holds())?;
        Some(deadline.saturating_since(clock::now()))
    }

    /// Waits until the deadline is later than `known`, and returns the deadline; `None` when the
    /// leadership has ended.
    pub(super) async fn prolonged(&self, known: Moment) -> Option<Moment> {
        loop {
            let mut notified = std::pin::pin!(self.prolonged.notified());
            notified.as_mut().enable();
            if !self.holds() {
                return None;
            }
            if let Some(deadline) = self.deadline().filter(|&deadline| deadline > known) {
                return Some(deadline);
            }
            tokio::select! {
                biased;
                () = self.lost() => return None,
                () = notified => {}
            }
        }
    }

    /// Waits until the work must end, or until the leadership has ended.
    pub(super) async fn ending(&self) {
        tokio::select! {
            biased;
            () = self.ending.cancelled() => {}
            () = self.lost() => {}
        }
    }

    /// Waits until the leadership has been ended or its deadline has passed.
    pub(super) async fn lost(&self) {
        while self.holds() {
            match self.deadline() {
                None => self.ended.cancelled().await,
                Some(deadline) => {
                    let left = deadline.saturating_since(clock::now());
                    let _ = time::timeout(left, self.ended.cancelled()).await;
                }
            }
        }
    }
}
