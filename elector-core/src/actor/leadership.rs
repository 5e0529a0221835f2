use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::OwnedSemaphorePermit, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    control::Control, error::LeadershipLost, messages::Order, tenure::Tenure, watchdog::Watchdog,
};
use crate::{Epoch, FencingToken, Guarantee, GuaranteeKind, Moment, Quorum};

/// Being the leader, for one tenure, as far as that can be known.
///
/// There is one at a time on a node, and it cannot be cloned. It is over when the node was deposed,
/// when it was given back, or when its lease ran out: the last needs no message, and every call
/// looks at the clock, which counts suspend. What is over stays over.
///
/// Dropping one that is in hand gives the leadership back.
///
/// `G` is the algorithm's guarantee; only under [`Quorum`] is there a [`token`](Self::token):
///
/// ```compile_fail
/// use elector_core::{BestEffort, FencingToken, actor::Leadership};
///
/// fn write(me: &Leadership<BestEffort>) -> FencingToken {
///     me.token().unwrap()
/// }
/// ```
///
/// ```
/// use elector_core::{FencingToken, Quorum, actor::Leadership};
///
/// fn write(me: &Leadership<Quorum>) -> FencingToken {
///     me.token().unwrap()
/// }
/// ```
pub struct Leadership<G: Guarantee> {
    claim: Arc<Claim>,
    guarantee: PhantomData<fn() -> G>,
}

/// The right to work under a tenure. Shared between a [`Leadership`] and whoever waits for its end.
pub(super) struct Claim {
    pub(super) tenure: Arc<Tenure>,
    control: Control,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    resigning: AtomicBool,
}

impl Claim {
    pub(super) fn new(
        tenure: Arc<Tenure>,
        control: Control,
        permit: OwnedSemaphorePermit,
    ) -> Arc<Self> {
        Arc::new(Self {
            tenure,
            control,
            permit: Mutex::new(Some(permit)),
            resigning: AtomicBool::new(false),
        })
    }

    /// The work is to end, and the leadership to be given back after that.
    fn resign(&self) {
        if self.tenure.give_back() {
            self.resigning.store(true, Ordering::Release);
        }
    }

    /// Whether it is over, and not by the wish of the one who works under it.
    pub(super) fn is_lost(&self) -> bool {
        !self.tenure.holds() && !self.resigning.load(Ordering::Acquire)
    }

    /// The work has failed, and is to begin again in the same leadership, under another grant.
    pub(super) fn begin_anew(&self) {
        self.tenure.lose();
        self.control.order(Order::GoOn(Arc::clone(&self.tenure)));
        self.finish();
    }

    /// The work has ended: nobody acts under this tenure any more, and another may begin.
    pub(super) fn finish(&self) {
        self.resign();
        if self.resigning.swap(false, Ordering::AcqRel) {
            self.control
                .order(Order::GiveBack(Arc::clone(&self.tenure)));
        }
        self.tenure.finish();
        let mut permit = self.permit.lock().unwrap_or_else(PoisonError::into_inner);
        *permit = None;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.finish();
    }
}

impl<G: Guarantee> Leadership<G> {
    pub(super) fn new(claim: Arc<Claim>) -> Self {
        Self {
            claim,
            guarantee: PhantomData,
        }
    }

    /// The epoch of this tenure.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.claim.tenure.epoch()
    }

    /// Whether it still holds, as of this call. It does while the work [is asked to
    /// end](Self::ending), for as long as that was given time to finish: the node leads on, and its
    /// lease is prolonged.
    ///
    /// # Errors
    /// If it is over.
    pub fn check(&self) -> Result<(), LeadershipLost> {
        if self.claim.tenure.holds() {
            Ok(())
        } else {
            Err(LeadershipLost)
        }
    }

    /// Returns when it is over; a deadline that passes is noticed within a millisecond or two, and
    /// by [`check`](Self::check) at once. After a suspend of the machine it may take as long as the
    /// lease had left before: timers do not count it, and [`check`](Self::check) does.
    pub async fn lost(&self) {
        self.claim.tenure.lost().await;
    }

    /// Returns when the work is to come to an end: when the application wants the leadership to
    /// end, and gave the work time to finish ([`Grace::to_finish`](super::Grace::to_finish)), else
    /// together with [`lost`](Self::lost).
    ///
    /// ```no_run
    /// # use elector_core::{Quorum, actor::{BoxError, Leadership}};
    /// # async fn next_batch() {}
    /// # async fn write(_: elector_core::FencingToken) {}
    /// async fn work(me: Leadership<Quorum>) -> Result<(), BoxError> {
    ///     loop {
    ///         tokio::select! {
    ///             () = me.ending() => return Ok(()), // Between two batches, never within one.
    ///             () = next_batch() => {}
    ///         }
    ///         write(me.token()?).await;
    ///     }
    /// }
    /// ```
    pub async fn ending(&self) {
        self.claim.tenure.ending().await;
    }

    /// Whether the work is to come to an end, or must have: see [`ending`](Self::ending).
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.claim.tenure.is_ending()
    }

    /// Until when it holds if the node hears nothing more, on the clock of
    /// [`actor::now`](super::now), as known at this call; `None` without a lease, as under
    /// [`BestEffort`](crate::BestEffort). Each confirmation by a majority moves it on, never back.
    ///
    /// It may be over before: this is for somebody else (a process that kills this one, a thread
    /// of high priority) who must act at the deadline at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        self.claim.tenure.deadline().map(Moment::from_nanos)
    }

    /// Waits until the [`deadline`](Self::deadline) is later than `known`, and gives it. None is
    /// missed between two calls, and several may be seen as one. Without a lease it never is: then
    /// this waits for the end.
    ///
    /// # Errors
    /// If the leadership is over.
    ///
    /// ```no_run
    /// # use elector_core::{Moment, Quorum, actor::Leadership};
    /// # async fn tell_the_guardian(_: Moment) {}
    /// async fn pass_on(me: &Leadership<Quorum>) {
    ///     let mut known = Moment::ZERO;
    ///     while let Ok(deadline) = me.prolonged(known).await {
    ///         tell_the_guardian(deadline).await;
    ///         known = deadline;
    ///     }
    /// }
    /// ```
    pub async fn prolonged(&self, known: Moment) -> Result<Moment, LeadershipLost> {
        let later = self.claim.tenure.prolonged(known.nanos()).await;
        later.map(Moment::from_nanos).ok_or(LeadershipLost)
    }

    /// How long it holds if the node hears nothing more, as of this call; `None` if it is over, and
    /// without a lease.
    #[must_use]
    pub fn lease_remaining(&self) -> Option<Duration> {
        self.claim.tenure.remaining()
    }

    /// Drives a future for as long as this leadership holds, and drops it when it is over.
    ///
    /// ```
    /// # use elector_core::{Guarantee, actor::{Leadership, LeadershipLost}};
    /// # async fn fetch() -> Vec<u8> { Vec::new() }
    /// async fn batch<G: Guarantee>(me: &Leadership<G>) -> Result<Vec<u8>, LeadershipLost> {
    ///     me.guard(fetch()).await
    /// }
    /// ```
    ///
    /// # Errors
    /// If it was over before the future had ended, or by the time it had.
    pub async fn guard<F: Future>(&self, future: F) -> Result<F::Output, LeadershipLost> {
        self.check()?;
        let future = pin!(future);
        let output = tokio::select! {
            biased;
            () = self.lost() => return Err(LeadershipLost),
            output = future => output,
        };
        self.check()?;
        Ok(output)
    }

    /// Makes the node give this leadership up when the work has not [checked
    /// in](Watchdog::check_in) for `limit`. Without it, work that hangs remains the leader: the
    /// node prolongs the lease for as long as it is elected.
    ///
    /// The node looks four times within `limit`, and acts a quarter of it later at the latest. Time
    /// in which its own thread did not run does not count. Then the leadership is over, as if it
    /// was lost. The work cannot be told, as it hangs, and may act until its lease ends; so only
    /// then does the node step down. Until the work checks in, or the watchdog is dropped, the node
    /// takes no other leadership: each that it wins, it gives up. Drop the watchdog when the work
    /// has ended.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use elector_core::{Quorum, actor::{BoxError, Leadership}};
    /// # fn one_batch() {}
    /// async fn work(me: Leadership<Quorum>) -> Result<(), BoxError> {
    ///     let watchdog = me.watchdog(Duration::from_secs(5));
    ///     let thread = tokio::task::spawn_blocking(move || {
    ///         while me.check().is_ok() {
    ///             watchdog.check_in();
    ///             one_batch(); // Takes a second at the most.
    ///         }
    ///     });
    ///     Ok(thread.await?)
    /// }
    /// ```
    #[must_use]
    pub fn watchdog(&self, limit: Duration) -> Watchdog {
        let (watchdog, watch) = Watchdog::new(limit);
        self.claim.control.order(Order::Watch(watch));
        watchdog
    }

    /// Drives a future under a [`watchdog`](Self::watchdog), and checks in for it whenever the task
    /// that this runs on is polled. So the leadership is given up when that task is not polled for
    /// `limit`, because something blocks its thread. A future that waits for ever does not block.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use elector_core::{Guarantee, actor::{Elector, LeadError}};
    /// # async fn serve() {}
    /// async fn lead<G: Guarantee>(elector: &Elector<G>) -> Result<(), LeadError> {
    ///     elector
    ///         .lead(|me| async move {
    ///             me.watched(Duration::from_secs(1), serve()).await;
    ///             Ok(())
    ///         })
    ///         .await
    /// }
    /// ```
    pub async fn watched<F: Future>(&self, limit: Duration, future: F) -> F::Output {
        let watchdog = self.watchdog(limit);
        let mut future = pin!(future);
        loop {
            tokio::select! {
                biased;
                output = &mut future => return output,
                () = sleep(watchdog.interval()) => watchdog.check_in(),
            }
        }
    }

    /// A token that is cancelled when this leadership is over, for work on other tasks and on
    /// blocking threads. It is a child: cancelling it ends nothing else. A thread that sleeps
    /// cannot hear it: before an effect that matters, use [`check`](Self::check).
    ///
    /// ```
    /// # use elector_core::{Guarantee, actor::{BoxError, Leadership}};
    /// # fn crunch_a_bit() {}
    /// async fn crunch<G: Guarantee>(me: Leadership<G>) -> Result<(), BoxError> {
    ///     let over = me.cancellation();
    ///     let thread = tokio::task::spawn_blocking(move || {
    ///         while !over.is_cancelled() {
    ///             crunch_a_bit();
    ///         }
    ///     });
    ///     Ok(thread.await?) // With `Grace::to_clean_up`, so that it is waited for.
    /// }
    /// ```
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        self.claim.tenure.over().child_token()
    }

    /// As [`next_token`](Self::next_token), whatever the guarantee: `None` under
    /// [`BestEffort`](crate::BestEffort), which has no tokens.
    ///
    /// # Errors
    /// If the leadership is over.
    pub fn next_grant(&self) -> Result<Option<FencingToken>, LeadershipLost> {
        match G::KIND {
            GuaranteeKind::BestEffort => self.check().map(|()| None),
            GuaranteeKind::Quorum => {
                let grant = self.claim.tenure.grant_anew();
                self.granted(grant).map(Some)
            }
        }
    }

    /// The token of this grant. If it cannot be made, the leadership is given back.
    fn granted(&self, grant: u64) -> Result<FencingToken, LeadershipLost> {
        self.check()?;
        let token = FencingToken::new(self.claim.tenure.epoch(), grant);
        if token.is_none() {
            self.claim.resign();
        }
        token.ok_or(LeadershipLost)
    }

    /// Gives the leadership back: the node steps down, and sits out the next election if others
    /// can lead. Inside the closure of [`Elector::lead`](super::Elector::lead), that happens when
    /// the closure's future has been dropped. Dropping one that is in hand does the same.
    pub fn resign(self) {
        self.claim.resign();
    }
}

impl Leadership<Quorum> {
    /// The token to send along with a write: the resource's [`Fence`](crate::Fence) refuses those
    /// of past grants. Get it anew for each write; it is a look at a flag and at the clock.
    ///
    /// # Errors
    /// If the leadership is over. It ends, too, if the epoch has no token left: an epoch has
    /// [2^14](FencingToken::GRANTS).
    pub fn token(&self) -> Result<FencingToken, LeadershipLost> {
        self.granted(self.claim.tenure.grant())
    }

    /// A higher token than all before it, for work that starts again in the same tenure: the
    /// resource refuses what the former start still writes. From now on [`token`](Self::token)
    /// gives this one.
    ///
    /// # Errors
    /// As those of [`token`](Self::token).
    pub fn next_token(&self) -> Result<FencingToken, LeadershipLost> {
        let grant = self.claim.tenure.grant_anew();
        self.granted(grant)
    }
}

impl<G: Guarantee> fmt::Debug for Leadership<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leadership")
            .field("epoch", &self.epoch())
            .field("holds", &self.claim.tenure.holds())
            .field("guarantee", &G::KIND)
            .finish()
    }
}
