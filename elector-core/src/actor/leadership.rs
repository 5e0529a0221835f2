use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::{error::LeadershipLost, launch::Control, messages::Order, tenure::Tenure};
use crate::{Epoch, FencingToken, Guarantee, Quorum};

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

    /// Whether it still holds, as of this call.
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

    /// Drives a future for as long as this leadership holds, and drops it when it is over.
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

    /// A token that is cancelled when this leadership is over, for work on other tasks and on
    /// blocking threads. It is a child: cancelling it ends nothing else. A thread that sleeps
    /// cannot hear it: before an effect that matters, use [`check`](Self::check).
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        self.claim.tenure.over().child_token()
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
    /// of past tenures. Get it anew for each write; it is a look at a flag and at the clock.
    ///
    /// # Errors
    /// If the leadership is over.
    pub fn token(&self) -> Result<FencingToken, LeadershipLost> {
        self.check()?;
        Ok(FencingToken::from_epoch(self.epoch()))
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
