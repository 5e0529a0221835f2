use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    string::String,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::sleep;

use super::{
    clock,
    elector::Elector,
    error::{CommandError, LeadError, NoLease, panic_text},
    failure::LeadOptions,
    leadership::{Claim, Leadership},
    retries::Retries,
    transport::BoxError,
    work_output::WorkOutput,
};
use crate::{Command, Guarantee, error_text};

/// How long the work of a leader may go on when its leadership ends. By default the work has no
/// time: its future is dropped immediately.
///
/// ```
/// # use std::time::Duration;
/// # use elector_core::actor::Grace;
/// let grace = Grace { to_finish: Duration::from_secs(10), ..Grace::default() };
/// assert!(grace.to_clean_up.is_zero());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grace {
    /// The time that the work has to finish when the application ends the leadership (`step_down`,
    /// `transfer_to`, `shutdown`, `leave`). [`Leadership::ending`] notifies the work, and the
    /// leadership still holds for this time: the node goes on leading and prolongs its lease, the
    /// work may write, and [`token`](Leadership::token) is valid. The time ends early when the work
    /// has ended.
    pub to_finish: Duration,
    /// The time that the work has to clean up after its leadership has ended in any way: the node
    /// was deposed, the lease expired, or `to_finish` has passed. The work must not act as the
    /// leader any more, and [`check`](Leadership::check) returns an error. It may still close
    /// files, or wait for the end of a process that it has started. Until the work has ended, this
    /// node runs no work under another leadership, even if it wins one. Use [`Duration::MAX`] for
    /// no limit.
    pub to_clean_up: Duration,
}

impl<G: Guarantee> Elector<G> {
    /// Runs `work` whenever this node leads, once for each leadership. Two runs of the work on this
    /// node never overlap. Call this method on every node with the same work. It returns only when
    /// the node has ended, when the work has failed too often, or when the algorithm has no leases.
    /// To do something else at the same time, call it in a task.
    ///
    /// ```
    /// # use elector_core::{FencingToken, Quorum, actor::{BoxError, Elector, LeadError}};
    /// # async fn next_batch() -> std::io::Result<u8> { Ok(0) }
    /// # async fn write(_: u8, _: FencingToken) -> Result<(), BoxError> { Ok(()) }
    /// async fn run(elector: Elector<Quorum>) -> Result<(), LeadError> {
    ///     elector
    ///         .lead(async |me| -> Result<(), BoxError> {
    ///             loop {
    ///                 let batch = next_batch().await?;
    ///                 write(batch, me.token()?).await?; // Get the token again for each write.
    ///             }
    ///         })
    ///         .await
    /// }
    /// ```
    ///
    /// The work may return `()` or a `Result` with any error. [`WorkOutput`] shows how to write the
    /// work.
    ///
    /// Under [`Quorum`](crate::Quorum) the work begins when a majority has confirmed the lease.
    /// When the leadership ends, the work's future is dropped. If the application ends the
    /// leadership (`step_down`, `transfer_to`, `shutdown`), the node goes on leading until the
    /// future has been dropped. If the work ends with `Ok`, the node gives the leadership back, and
    /// may be elected again. Work that returns an error after its leadership has ended is not
    /// counted as a failure.
    ///
    /// Work that fails or panics is tried again while the node goes on leading. If the work
    /// continues to fail, the node gives its leadership up and takes no leadership any more, and
    /// this method returns the error: see [`FailurePolicy`](super::FailurePolicy). An application
    /// that cannot fix the cause should stop then. Another call of this method lets the node take
    /// leadership again.
    ///
    /// If the work must not be dropped in the middle of something, or needs another policy, use
    /// [`lead_with`](Self::lead_with). Tasks that the work has spawned are not dropped: use
    /// [`Leadership::cancellation`] or [`Leadership::check`] in them.
    ///
    /// Returns `Ok` when the node was shut down.
    ///
    /// # Errors
    /// - If the algorithm has the guarantee `Quorum` and is configured without leases. This method
    ///   returns this error immediately.
    /// - If the work failed or panicked too often. This method returns this error after the node
    ///   has given the leadership up.
    /// - If the node stopped by itself.
    pub async fn lead<F, Fut>(&self, work: F) -> Result<(), LeadError>
    where
        F: FnMut(Leadership<G>) -> Fut + Send,
        Fut: Future<Output: WorkOutput> + Send,
    {
        self.lead_with(LeadOptions::default(), work).await
    }

    /// Does the same as [`lead`](Self::lead), with a policy for work that fails, and with time for
    /// the work to end before it is dropped. A caller that ends the leadership (for example with
    /// `step_down`) and the next leader wait for the work at most for that time. `options` is a
    /// [`LeadOptions`], or only one of its two fields.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use elector_core::{Guarantee, actor::{Elector, Grace, LeadError}};
    /// # async fn one_batch() {}
    /// async fn in_whole_batches<G: Guarantee>(elector: &Elector<G>) -> Result<(), LeadError> {
    ///     let grace = Grace { to_finish: Duration::from_secs(10), ..Grace::default() };
    ///     let work = elector.lead_with(grace, async |me| {
    ///         while !me.is_ending() {
    ///             one_batch().await; // Only the loss of the leadership interrupts it.
    ///         }
    ///     });
    ///     work.await
    /// }
    /// ```
    ///
    /// # Errors
    /// The errors of [`lead`](Self::lead). A node whose work has time to finish still leads. So an
    /// error of the work during this time counts as a failure.
    pub async fn lead_with<F, Fut>(
        &self,
        options: impl Into<LeadOptions> + Send,
        mut work: F,
    ) -> Result<(), LeadError>
    where
        F: FnMut(Leadership<G>) -> Fut + Send,
        Fut: Future<Output: WorkOutput> + Send,
    {
        let LeadOptions { grace, on_failure } = options.into();
        let mut retries = Retries::new(on_failure);
        self.control().rejoin();
        loop {
            let claim = match self.claim(Some(grace.to_finish)).await {
                Ok(claim) => claim,
                Err(CommandError::Node(error)) => return Err(error.into()),
                Err(CommandError::NoLease(error)) => return Err(error.into()),
                Err(_) => return Ok(()),
            };
            // The drop of `Finish` records the end of the work, also if the future of `lead_with`
            // is cancelled, and if the work has moved its `Leadership` to another place, for
            // example into a task.
            let finish = Finish(claim);
            let began = clock::now();
            let outcome = work_under(&finish.0, grace.to_clean_up, &mut work).await;
            let failure = match outcome {
                None | Some(Ok(Ok(()))) => None,
                // Work that checks its leadership before it writes returns an error when the
                // leadership has ended. Such an error is not a failure of the work.
                Some(Ok(Err(error))) if finish.0.is_lost() => {
                    let error = error_text(&*error);
                    tracing::debug!(%error, "work ended after its leadership");
                    None
                }
                Some(Ok(Err(error))) => Some(LeadError::Work(error)),
                Some(Err(panic)) => Some(LeadError::Panicked(panic)),
            };
            let Some(failure) = failure else {
                drop(finish);
                self.control()
                    .shared
                    .update_work(|work| work.failure = None);
                continue;
            };
            let ran = clock::now().saturating_since(began);
            retries.handle_failure(failure, ran, self, finish).await?;
        }
    }

    /// Tries to become the leader now, and waits until this node leads. There is no time limit.
    /// While the cluster has a healthy leader, a quorum algorithm lets no other node take over, so
    /// the call waits. The call is safe to cancel.
    ///
    /// This method is for applications that must hold the leadership in hand, outside of a closure.
    /// Such an application must itself stop its work when the leadership ends, and handle failures
    /// of the work. [`lead`](Self::lead) does both for its work. When the application drops the
    /// [`Leadership`], the leadership is given back.
    ///
    /// ```
    /// # use elector_core::{FencingToken, Quorum, actor::{BoxError, Elector}};
    /// # async fn migrate(_: FencingToken) {}
    /// async fn migrate_once(elector: &Elector<Quorum>) -> Result<(), BoxError> {
    ///     let me = elector.campaign().await?;
    ///     me.guard(migrate(me.token()?)).await?; // Dropped if the leadership is lost.
    ///     me.resign();
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// - If the algorithm has the guarantee `Quorum` and is configured without leases. This method
    ///   returns this error immediately.
    /// - If the node was shut down, or stopped by itself.
    pub async fn campaign(&self) -> Result<Leadership<G>, CommandError> {
        self.check_can_grant()?;
        self.control().rejoin();
        match self.control().command(Command::Campaign).await {
            // The algorithm may refuse the command, for example because the node already leads. In
            // each case this method waits for a leadership below.
            Ok(()) | Err(CommandError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        let claim = self.claim(None).await?;
        let leadership = Arc::clone(&claim.state);
        // A leadership notices that its deadline has passed only when some code checks it. This
        // task does so at the deadline. So the cancellation token of the leadership is cancelled
        // even if the application does not check the leadership.
        tokio::spawn(async move { leadership.lost().await });
        Ok(Leadership::new(claim))
    }

    fn check_can_grant(&self) -> Result<(), NoLease> {
        let algorithm = self.algorithm();
        let can_grant = self.control().can_grant;
        can_grant.then_some(()).ok_or(NoLease { algorithm })
    }

    /// Waits until no work runs on this node and the node has a leadership that is free, and takes
    /// this leadership. `to_finish` is the time that the work of a closure has to finish when the
    /// leadership is ended; `None` if an application takes the leadership in hand.
    async fn claim(&self, to_finish: Option<Duration>) -> Result<Arc<Claim>, CommandError> {
        self.check_can_grant()?;
        let shared = &self.control().shared;
        let claiming = async {
            let permit = Arc::clone(&shared.worker).acquire_owned().await;
            let permit = permit.map_err(|_| CommandError::ShutDown)?;
            let mut leaderships = shared.leadership.subscribe();
            loop {
                let leadership = leaderships.borrow_and_update().clone();
                if let Some(leadership) = leadership
                    && shared.begin_work(&leadership, to_finish)
                {
                    return Ok(Claim::new(leadership, self.control().clone(), permit));
                }
                let changed = leaderships.changed().await;
                changed.map_err(|_| CommandError::ShutDown)?;
            }
        };
        tokio::select! {
            biased;
            end = shared.end_of_node() => Err(CommandError::of_end(end)),
            claim = claiming => claim,
        }
    }
}

/// Records the end of the work when this value is dropped. So the end is recorded for every way in
/// which the work can end.
pub(super) struct Finish(pub(super) Arc<Claim>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// Runs the work until it ends, or until its leadership and the time to clean up have ended.
/// Returns `None` in the latter case. A panic of the work becomes an `Err` with its text.
async fn work_under<G, F, Fut>(
    claim: &Arc<Claim>,
    to_clean_up: Duration,
    work: &mut F,
) -> Option<Result<Result<(), BoxError>, String>>
where
    G: Guarantee,
    F: FnMut(Leadership<G>) -> Fut,
    Fut: Future<Output: WorkOutput>,
{
    let leadership = Leadership::new(Arc::clone(claim));
    // The closure `work` owns `leadership`, so a panic of the closure drops it. After the panic,
    // `lead_with` may call the closure again. The panic may have left the variables of the closure
    // in any state: the application must be prepared for this.
    let future = match catch_unwind(AssertUnwindSafe(|| work(leadership))) {
        Ok(future) => future,
        Err(panic) => return Some(Err(panic_text(&*panic))),
    };
    let mut work = CatchPanic(pin!(future));
    let leadership = &claim.state;
    tokio::select! {
        biased;
        () = leadership.lost() => {}
        outcome = &mut work => return Some(outcome),
    }
    if to_clean_up.is_zero() {
        return None;
    }
    tokio::select! {
        biased;
        () = leadership.aborted().cancelled() => None,
        outcome = &mut work => Some(outcome),
        () = sleep(to_clean_up) => None,
    }
}

/// The future of the work of a leader. If the future panics, its output is an `Err` with the text
/// of the panic.
struct CatchPanic<F>(F);

impl<F: Future<Output: WorkOutput> + Unpin> Future for CatchPanic<F> {
    type Output = Result<Result<(), BoxError>, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polling = AssertUnwindSafe(|| {
            let output = ready!(Pin::new(&mut self.0).poll(cx));
            Poll::Ready(output.into_result())
        });
        match catch_unwind(polling) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic_text(&*panic))),
        }
    }
}
