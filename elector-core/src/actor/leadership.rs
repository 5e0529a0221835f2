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
    control::Control, error::LeadershipLost, leadership_state::LeadershipState, requests::Request,
    watchdog::Watchdog,
};
use crate::{Epoch, FencingToken, Guarantee, GuaranteeKind, Moment, Quorum};

/// The right to act as the leader during one [tenure](crate::Tenure), as far as the node can know
/// it.
///
/// A node has at most one leadership at a time, and a leadership cannot be cloned. A leadership
/// ends when the node is deposed, when the leadership is given back, or when the lease expires. A
/// lease expires without a message of another node: each method that checks the leadership compares
/// the lease with a clock that also counts the time in which the machine is suspended. A leadership
/// that has ended never holds again.
///
/// If an application holds the leadership in hand (from
/// [`Elector::campaign`](super::Elector::campaign)) and drops this value, the leadership is given
/// back.
///
/// The type parameter `G` is the guarantee of the algorithm. Only a leadership under [`Quorum`] has
/// a [`token`](Self::token):
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

/// The right to work under a leadership. The [`Leadership`] that the work has, and the code that
/// runs the work, share one claim. The claim holds the node's only permit to work until the work
/// has ended.
pub(super) struct Claim {
    pub(super) state: Arc<LeadershipState>,
    control: Control,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    resigning: AtomicBool,
}

impl Claim {
    pub(super) fn new(
        state: Arc<LeadershipState>,
        control: Control,
        permit: OwnedSemaphorePermit,
    ) -> Arc<Self> {
        Arc::new(Self {
            state,
            control,
            permit: Mutex::new(Some(permit)),
            resigning: AtomicBool::new(false),
        })
    }

    /// Ends the leadership, and records that the node must step down when the work has ended.
    fn resign(&self) {
        if self.state.give_back() {
            self.resigning.store(true, Ordering::Release);
        }
    }

    /// Returns `true` if the leadership has ended and the work has not resigned.
    pub(super) fn is_lost(&self) -> bool {
        !self.state.holds() && !self.resigning.load(Ordering::Acquire)
    }

    /// Ends the leadership of work that has failed, and asks the node for another leadership of the
    /// same epoch, so that the work can start again. The next leadership has a higher fencing
    /// token.
    pub(super) fn restart(&self) {
        self.state.lose();
        self.control
            .send(Request::GrantAgain(Arc::clone(&self.state)));
        self.finish();
    }

    /// Records that the work has ended: no code acts under this leadership any more. If the
    /// leadership was not lost, asks the node to step down. Then frees the permit, so that other
    /// work may begin.
    pub(super) fn finish(&self) {
        self.resign();
        if self.resigning.swap(false, Ordering::AcqRel) {
            self.control
                .send(Request::GiveBack(Arc::clone(&self.state)));
        }
        self.state.finish();
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

    /// Returns the epoch that this node leads.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.claim.state.epoch()
    }

    /// Checks that the leadership holds at the time of this call. The leadership still holds after
    /// the work [was asked to end](Self::ending), as long as the work has time to finish: the node
    /// goes on leading, and its lease is prolonged.
    ///
    /// # Errors
    /// If the leadership has ended.
    pub fn check(&self) -> Result<(), LeadershipLost> {
        if self.claim.state.holds() {
            Ok(())
        } else {
            Err(LeadershipLost)
        }
    }

    /// Waits until the leadership has ended. If the deadline of the lease passes, this method
    /// returns within a millisecond or two, and [`check`](Self::check) notices it immediately. The
    /// timer of this method does not count the time in which the machine is suspended, but the
    /// clock of [`check`](Self::check) does. So after a suspend, this method may return late, by at
    /// most the time that was left of the lease before the suspend.
    pub async fn lost(&self) {
        self.claim.state.lost().await;
    }

    /// Waits until the work must come to an end. If the application ends the leadership and gave
    /// the work time to finish ([`Grace::to_finish`](super::Grace::to_finish)), this method returns
    /// at the start of that time. Otherwise it returns together with [`lost`](Self::lost).
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
        self.claim.state.ending().await;
    }

    /// Returns `true` if the work must come to an end, or if the leadership has ended: see
    /// [`ending`](Self::ending).
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.claim.state.is_ending()
    }

    /// Returns the deadline: the time at which the lease ends if the node receives no further
    /// acknowledgements of its heartbeats. The deadline is a time of the clock of
    /// [`actor::now`](super::now), as known at this call. Returns `None` without a lease, for
    /// example under [`BestEffort`](crate::BestEffort). Each time a majority has acknowledged a
    /// later heartbeat, the deadline moves forward. It never moves back.
    ///
    /// The leadership may end before its deadline, for example when the node steps down. The
    /// deadline is for code outside of the work that must stop the work at the deadline at the
    /// latest, for example a process that kills this one, or a thread of high priority.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        self.claim.state.deadline()
    }

    /// Waits until the [`deadline`](Self::deadline) is later than `known`, and returns the new
    /// deadline. If the deadline moves several times between two calls, the second call returns the
    /// latest deadline. Without a lease, this method waits for the end of the leadership.
    ///
    /// # Errors
    /// If the leadership has ended.
    ///
    /// ```no_run
    /// # use elector_core::{Moment, Quorum, actor::Leadership};
    /// # async fn notify_guardian(_: Moment) {}
    /// async fn pass_on(me: &Leadership<Quorum>) {
    ///     let mut known = Moment::ZERO;
    ///     while let Ok(deadline) = me.prolonged(known).await {
    ///         notify_guardian(deadline).await;
    ///         known = deadline;
    ///     }
    /// }
    /// ```
    pub async fn prolonged(&self, known: Moment) -> Result<Moment, LeadershipLost> {
        let later = self.claim.state.prolonged(known).await;
        later.ok_or(LeadershipLost)
    }

    /// Returns how long the leadership still holds, counted from this call, if the node receives no
    /// further acknowledgements of its heartbeats. Returns `None` if the leadership has ended, or
    /// if it has no lease.
    #[must_use]
    pub fn lease_remaining(&self) -> Option<Duration> {
        self.claim.state.remaining()
    }

    /// Runs a future as long as this leadership holds, and drops the future when the leadership
    /// ends.
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
    /// If the leadership has ended before this call, or ends before the future is ready. The output
    /// of the future is dropped then.
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
    /// in](Watchdog::check_in) for `limit`. Without a watchdog, a node whose work hangs stays the
    /// leader: the node does not look at the work when it prolongs the lease.
    ///
    /// The node checks four times within `limit` whether the work has checked in. So it notices a
    /// missed limit at most a quarter of `limit` too late. Time in which the node's thread did not
    /// run does not count. If the work has missed its limit, the leadership ends, as if it was
    /// lost. Work that hangs does not notice this, and may act as the leader until its lease ends.
    /// So the node steps down in favour of another node only after the end of the lease. Until the
    /// work checks in, or the watchdog is dropped, the node takes no other leadership. If it is
    /// elected in this time, it steps down again. Drop the watchdog when the work has ended.
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
    ///             one_batch(); // Takes at most a second.
    ///         }
    ///     });
    ///     Ok(thread.await?)
    /// }
    /// ```
    #[must_use]
    pub fn watchdog(&self, limit: Duration) -> Watchdog {
        let (watchdog, watch) = Watchdog::new(limit);
        self.claim.control.send(Request::Watch(watch));
        watchdog
    }

    /// Runs a future under a [`watchdog`](Self::watchdog). The task that polls the future checks in
    /// four times within `limit`. So the node gives the leadership up if this task does not run for
    /// `limit`, for example because something blocks the thread of the task. A future that waits
    /// for ever does not block the thread, so the node keeps the leadership.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use elector_core::{Guarantee, actor::{Elector, LeadError}};
    /// # async fn serve() {}
    /// async fn lead<G: Guarantee>(elector: &Elector<G>) -> Result<(), LeadError> {
    ///     elector
    ///         .lead(async |me| me.watched(Duration::from_secs(1), serve()).await)
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

    /// Returns a token that is cancelled when this leadership ends, for work on other tasks and on
    /// blocking threads. The application may also cancel the token itself. It is a child token, so
    /// its cancellation does not end the leadership. A thread that sleeps does not notice the
    /// cancellation: before an effect that matters, use [`check`](Self::check).
    ///
    /// ```
    /// # use elector_core::{Guarantee, actor::{BoxError, Leadership}};
    /// # fn crunch_a_bit() {}
    /// async fn crunch<G: Guarantee>(me: Leadership<G>) -> Result<(), BoxError> {
    ///     let lost = me.cancellation();
    ///     let thread = tokio::task::spawn_blocking(move || {
    ///         while !lost.is_cancelled() {
    ///             crunch_a_bit();
    ///         }
    ///     });
    ///     Ok(thread.await?) // Needs `Grace::to_clean_up`; otherwise this is not awaited.
    /// }
    /// ```
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        self.claim.state.ended().child_token()
    }

    /// Does the same as [`next_token`](Self::next_token), under either guarantee. Returns `None`
    /// under [`BestEffort`](crate::BestEffort), which has no tokens.
    ///
    /// # Errors
    /// If the leadership has ended.
    pub fn next_grant(&self) -> Result<Option<FencingToken>, LeadershipLost> {
        match G::KIND {
            GuaranteeKind::BestEffort => self.check().map(|()| None),
            GuaranteeKind::Quorum => {
                let grant = self.claim.state.grant_anew();
                self.granted(grant).map(Some)
            }
        }
    }

    /// Returns the fencing token of the grant with the number `grant` in this epoch. The number of
    /// tokens of an epoch is limited. If the epoch has no token for this grant, this method gives
    /// the leadership back and returns an error.
    fn granted(&self, grant: u64) -> Result<FencingToken, LeadershipLost> {
        self.check()?;
        let token = FencingToken::new(self.claim.state.epoch(), grant);
        if token.is_none() {
            self.claim.resign();
        }
        token.ok_or(LeadershipLost)
    }

    /// Gives the leadership back: the node steps down, and skips the next election if other nodes
    /// can lead. If the leadership belongs to the closure of
    /// [`Elector::lead`](super::Elector::lead), the node steps down when the closure's future has
    /// ended or was dropped. If an application holds the leadership in hand (from
    /// [`Elector::campaign`](super::Elector::campaign)), a drop of the leadership has the same
    /// effect as this method.
    pub fn resign(self) {
        self.claim.resign();
    }
}

impl Leadership<Quorum> {
    /// Returns the fencing token, which the leader sends with each write. The store's
    /// [`Fence`](crate::Fence) rejects lower tokens: those of earlier leaders, and of earlier
    /// starts of the work. Get the token again for each write: this method is cheap, because it
    /// only checks a flag and the clock.
    ///
    /// # Errors
    /// If the leadership has ended. The leadership also ends if the epoch has no token left: an
    /// epoch has [2^14](FencingToken::GRANTS) tokens.
    pub fn token(&self) -> Result<FencingToken, LeadershipLost> {
        self.granted(self.claim.state.grant())
    }

    /// Returns a fencing token that is higher than all earlier tokens, for work that starts again
    /// while the node still leads the same epoch. Once the store has admitted the higher token, it
    /// rejects late writes of the earlier start. From this call on, [`token`](Self::token) returns
    /// the higher token.
    ///
    /// # Errors
    /// The errors of [`token`](Self::token).
    pub fn next_token(&self) -> Result<FencingToken, LeadershipLost> {
        let grant = self.claim.state.grant_anew();
        self.granted(grant)
    }
}

impl<G: Guarantee> fmt::Debug for Leadership<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leadership")
            .field("epoch", &self.epoch())
            .field("holds", &self.claim.state.holds())
            .field("guarantee", &G::KIND)
            .finish()
    }
}
