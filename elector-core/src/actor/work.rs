use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    string::String,
    sync::Arc,
    task::{Context, Poll},
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
};
use crate::{Command, Guarantee};

/// How long the work of a leader may go on when its leadership ends. Nothing, by default: then its
/// future is dropped at once.
///
/// ```
/// # use std::time::Duration;
/// # use elector_core::actor::Grace;
/// let grace = Grace { to_finish: Duration::from_secs(10), ..Grace::default() };
/// assert!(grace.to_clean_up.is_zero());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grace {
    /// When the application wants the leadership to end (`step_down`, `transfer_to`, `shutdown`,
    /// `leave`): the work is told by [`Leadership::ending`], and so long the leadership still
    /// holds. The node leads on and prolongs its lease, the work may write, and
    /// [`token`](Leadership::token) is good. As soon as the work has ended, the rest of this time
    /// is not waited for.
    pub to_finish: Duration,
    /// When the leadership is over, in whatever way: deposed, its lease run out, or
    /// `to_finish` over. Nothing may be done as the leader any more, and
    /// [`check`](Leadership::check) says so; the work may still close files, or wait for the end of
    /// a process that it has started. Meanwhile this node works under no other leadership, though
    /// it may win one. [`Duration::MAX`] for as long as it takes.
    pub to_clean_up: Duration,
}

impl<G: Guarantee> Elector<G> {
    /// Runs `work` whenever this node leads, once for each tenure, and only one at a time.
    ///
    /// Under [`Quorum`](crate::Quorum) the work begins when a majority has confirmed the lease.
    /// When the leadership is over, the work's future is dropped; when the application wants it to
    /// be over (`step_down`, `transfer_to`, `shutdown`), the node goes on leading until the future
    /// has been dropped. Work that ends with `Ok` gives the leadership back; the node may win
    /// another. Work that returns an error when it was not the leader any more has lost its
    /// leadership, and has not failed.
    ///
    /// Work that fails or panics is tried again while the node leads on. If it goes on failing, the
    /// node gives leadership up, takes none any more, and this returns the error: see
    /// [`FailurePolicy`](super::FailurePolicy). An application that cannot mend the cause should
    /// stop then; another call makes the node take leadership again.
    ///
    /// Work that must not be dropped in the middle of something, or that needs another policy, is
    /// run by [`lead_with`](Self::lead_with). What the work has spawned is its own business: use
    /// [`Leadership::cancellation`], or check.
    ///
    /// Returns `Ok` when the node was shut down.
    ///
    /// # Errors
    /// At once, if the algorithm is configured without leases, under `Quorum`; if the work failed
    /// or panicked too often, after the leadership was given up; if the node stopped by itself.
    pub async fn lead<F, Fut>(&self, work: F) -> Result<(), LeadError>
    where
        F: FnMut(Leadership<G>) -> Fut + Send,
        Fut: Future<Output = Result<(), BoxError>> + Send,
    {
        self.lead_with(LeadOptions::default(), work).await
    }

    /// As [`lead`](Self::lead), with a policy for work that fails, and with time for the work to
    /// come to an end before it is dropped. That time is the longest that the caller who asked for
    /// the end waits, and the next leader. Takes [`LeadOptions`], or one half of them.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use elector_core::{Guarantee, actor::{Elector, Grace, LeadError}};
    /// # async fn one_batch() {}
    /// async fn in_whole_batches<G: Guarantee>(elector: &Elector<G>) -> Result<(), LeadError> {
    ///     let grace = Grace { to_finish: Duration::from_secs(10), ..Grace::default() };
    ///     let work = elector.lead_with(grace, |me| async move {
    ///         while !me.is_ending() {
    ///             one_batch().await; // Interrupted only by the loss of the leadership.
    ///         }
    ///         Ok(())
    ///     });
    ///     work.await
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`lead`](Self::lead). Work that fails while it has time to finish still leads, and has
    /// failed.
    pub async fn lead_with<F, Fut>(
        &self,
        options: impl Into<LeadOptions> + Send,
        mut work: F,
    ) -> Result<(), LeadError>
    where
        F: FnMut(Leadership<G>) -> Fut + Send,
        Fut: Future<Output = Result<(), BoxError>> + Send,
    {
        let LeadOptions { grace, on_failure } = options.into();
        let mut retries = Retries::new(on_failure);
        self.control().take_part();
        loop {
            let claim = match self.claim(Some(grace.to_finish)).await {
                Ok(claim) => claim,
                Err(CommandError::Node(error)) => return Err(error.into()),
                Err(CommandError::NoLease(error)) => return Err(error.into()),
                Err(_) => return Ok(()),
            };
            // Also if this is cancelled, and a guard has got out of the work.
            let finish = Finish(claim);
            let began = clock::now().nanos();
            let outcome = work_under(&finish.0, grace.to_clean_up, &mut work).await;
            let failure = match outcome {
                None | Some(Ok(Ok(()))) => None,
                // Nothing else is to be expected of work that asks before it writes.
                Some(Ok(Err(error))) if finish.0.is_lost() => {
                    tracing::debug!(%error, "work ended with its leadership");
                    None
                }
                Some(Ok(Err(error))) => Some(LeadError::Work(error)),
                Some(Err(panic)) => Some(LeadError::Panicked(panic)),
            };
            let Some(failure) = failure else {
                drop(finish);
                self.control().shared.tell_work(|work| work.failure = None);
                continue;
            };
            let ran = clock::now().nanos().saturating_sub(began);
            let ran = Duration::from_nanos(ran);
            retries.after(failure, ran, self, finish).await?;
        }
    }

    /// Tries to become the leader now, and waits until this node is, however long that takes.
    /// While a healthy leader exists, a quorum algorithm lets nobody depose it. Safe to cancel.
    ///
    /// For those who want the guard in hand; what [`lead`](Self::lead) does for its work is then
    /// theirs to do. Dropping the guard gives the leadership back.
    ///
    /// ```
    /// # use elector_core::{FencingToken, Quorum, actor::{BoxError, Elector}};
    /// # async fn migrate(_: FencingToken) {}
    /// async fn migrate_once(elector: &Elector<Quorum>) -> Result<(), BoxError> {
    ///     let me = elector.campaign().await?;
    ///     me.guard(migrate(me.token()?)).await?; // Dropped where it is, should it be lost.
    ///     me.resign();
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// At once, if the algorithm is configured without leases, under `Quorum`; if the node was shut
    /// down, or stopped by itself.
    pub async fn campaign(&self) -> Result<Leadership<G>, CommandError> {
        self.may_be_granted()?;
        self.control().take_part();
        match self.control().command(Command::Campaign).await {
            // Refused: for one, because it leads already.
            Ok(()) | Err(CommandError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        let claim = self.claim(None).await?;
        let tenure = Arc::clone(&claim.tenure);
        // Its cancellation token must hear of a deadline that passes, even if nobody asks.
        tokio::spawn(async move { tenure.lost().await });
        Ok(Leadership::new(claim))
    }

    fn may_be_granted(&self) -> Result<(), NoLease> {
        let algorithm = self.algorithm();
        let grants = self.control().grants;
        grants.then_some(()).ok_or(NoLease { algorithm })
    }

    /// Waits until this node leads and nobody works under that yet. The caller is a closure with so
    /// long to finish, or has it in hand.
    async fn claim(&self, to_finish: Option<Duration>) -> Result<Arc<Claim>, CommandError> {
        self.may_be_granted()?;
        let shared = &self.control().shared;
        let claiming = async {
            let permit = Arc::clone(&shared.worker).acquire_owned().await;
            let permit = permit.map_err(|_| CommandError::ShutDown)?;
            let mut tenures = shared.tenure.subscribe();
            loop {
                let tenure = tenures.borrow_and_update().clone();
                if let Some(tenure) = tenure
                    && shared.begin_work(&tenure, to_finish)
                {
                    return Ok(Claim::new(tenure, self.control().clone(), permit));
                }
                let changed = tenures.changed().await;
                changed.map_err(|_| CommandError::ShutDown)?;
            }
        };
        tokio::select! {
            biased;
            end = shared.end_of_node() => Err(match end {
                Err(error) => error.into(),
                Ok(()) => CommandError::ShutDown,
            }),
            claim = claiming => claim,
        }
    }
}

/// Says that the work has ended, however it went.
pub(super) struct Finish(pub(super) Arc<Claim>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// Runs the work until it ends, or until the tenure has and the time to clean up after it: `None`
/// for the latter, and the text of a panic.
async fn work_under<G, F, Fut>(
    claim: &Arc<Claim>,
    to_clean_up: Duration,
    work: &mut F,
) -> Option<Result<Result<(), BoxError>, String>>
where
    G: Guarantee,
    F: FnMut(Leadership<G>) -> Fut,
    Fut: Future<Output = Result<(), BoxError>>,
{
    let leadership = Leadership::new(Arc::clone(claim));
    // After a panic neither is used again.
    let future = match catch_unwind(AssertUnwindSafe(|| work(leadership))) {
        Ok(future) => future,
        Err(panic) => return Some(Err(panic_text(&*panic))),
    };
    let mut work = Caught(pin!(future));
    let tenure = &claim.tenure;
    tokio::select! {
        biased;
        () = tenure.lost() => {}
        outcome = &mut work => return Some(outcome),
    }
    if to_clean_up.is_zero() {
        return None;
    }
    tokio::select! {
        biased;
        () = tenure.cut().cancelled() => None,
        outcome = &mut work => Some(outcome),
        () = sleep(to_clean_up) => None,
    }
}

/// A future whose panic is its output.
struct Caught<F>(F);

impl<F: Future + Unpin> Future for Caught<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx)));
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic_text(&*panic))),
        }
    }
}
