use std::{future::Future, ops::Deref, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{
    elector::Elector,
    error::{CommandError, LeadError, LeadershipLost},
    failure::LeadOptions,
    handle::NodeHandle,
    leadership::Leadership,
    work_output::WorkOutput,
};
use crate::{BestEffort, Epoch, FencingToken, Guarantee, GuaranteeKind, Moment, Quorum};

/// An [`Elector`] whose guarantee is known only at run time, because the algorithm is chosen at run
/// time. Like an [`Elector`], it dereferences to a [`NodeHandle`].
///
/// ```
/// # use elector_core::{Guarantee, actor::{AnyElector, AnyLeadership, BoxError, Elector}};
/// async fn work<G: Guarantee>(elector: Elector<G>) -> Result<(), BoxError> {
///     match AnyElector::from(elector).campaign().await? {
///         AnyLeadership::Quorum(me) => println!("writing under token {:?}", me.token()?),
///         AnyLeadership::BestEffort(_) => println!("doing only what may be done twice"),
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub enum AnyElector {
    /// The node has an algorithm with the guarantee [`Quorum`].
    Quorum(Elector<Quorum>),
    /// The node has an algorithm with the guarantee [`BestEffort`].
    BestEffort(Elector<BestEffort>),
}

impl<G: Guarantee> From<Elector<G>> for AnyElector {
    fn from(elector: Elector<G>) -> Self {
        let handle = elector.into_handle();
        match G::KIND {
            GuaranteeKind::Quorum => Self::Quorum(Elector::new(handle)),
            GuaranteeKind::BestEffort => Self::BestEffort(Elector::new(handle)),
        }
    }
}

impl Deref for AnyElector {
    type Target = NodeHandle;

    fn deref(&self) -> &NodeHandle {
        match self {
            Self::Quorum(elector) => elector,
            Self::BestEffort(elector) => elector,
        }
    }
}

impl AnyElector {
    /// Runs `work` whenever this node leads. See [`Elector::lead`].
    ///
    /// # Errors
    /// The errors of [`Elector::lead`].
    pub async fn lead<F, Fut>(&self, work: F) -> Result<(), LeadError>
    where
        F: FnMut(AnyLeadership) -> Fut + Send,
        Fut: Future<Output: WorkOutput> + Send,
    {
        self.lead_with(LeadOptions::default(), work).await
    }

    /// Runs `work` whenever this node leads, with options. See [`Elector::lead_with`].
    ///
    /// # Errors
    /// The errors of [`Elector::lead_with`].
    pub async fn lead_with<F, Fut>(
        &self,
        options: impl Into<LeadOptions> + Send,
        mut work: F,
    ) -> Result<(), LeadError>
    where
        F: FnMut(AnyLeadership) -> Fut + Send,
        Fut: Future<Output: WorkOutput> + Send,
    {
        match self {
            Self::Quorum(elector) => {
                let work = |leadership| work(AnyLeadership::Quorum(leadership));
                elector.lead_with(options, work).await
            }
            Self::BestEffort(elector) => {
                let work = |leadership| work(AnyLeadership::BestEffort(leadership));
                elector.lead_with(options, work).await
            }
        }
    }

    /// Tries to become the leader. See [`Elector::campaign`].
    ///
    /// # Errors
    /// The errors of [`Elector::campaign`].
    pub async fn campaign(&self) -> Result<AnyLeadership, CommandError> {
        Ok(match self {
            Self::Quorum(elector) => AnyLeadership::Quorum(elector.campaign().await?),
            Self::BestEffort(elector) => AnyLeadership::BestEffort(elector.campaign().await?),
        })
    }
}

/// A [`Leadership`] whose guarantee is known only at run time. Only the variant
/// [`Quorum`](Self::Quorum) has fencing tokens.
#[derive(Debug)]
pub enum AnyLeadership {
    /// A leadership with the guarantee [`Quorum`]: at most one node ever leads in an epoch. The
    /// leadership has fencing tokens.
    Quorum(Leadership<Quorum>),
    /// A leadership with the guarantee [`BestEffort`]: another node may lead at the same time. The
    /// leadership has no fencing tokens.
    BestEffort(Leadership<BestEffort>),
}

/// Evaluates the expression `$do` with the leadership that `$any` contains, for either guarantee.
macro_rules! either {
    ($any:expr, $leadership:ident => $do:expr) => {
        match $any {
            AnyLeadership::Quorum($leadership) => $do,
            AnyLeadership::BestEffort($leadership) => $do,
        }
    };
}

impl AnyLeadership {
    /// Returns the epoch. See [`Leadership::epoch`].
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        either!(self, leadership => leadership.epoch())
    }

    /// Checks that the leadership still holds. See [`Leadership::check`].
    ///
    /// # Errors
    /// If the leadership has ended.
    pub fn check(&self) -> Result<(), LeadershipLost> {
        either!(self, leadership => leadership.check())
    }

    /// Returns the fencing token; `None` under best effort. See [`Leadership::token`].
    ///
    /// # Errors
    /// If the leadership has ended.
    pub fn token(&self) -> Result<Option<FencingToken>, LeadershipLost> {
        match self {
            Self::Quorum(leadership) => leadership.token().map(Some),
            Self::BestEffort(leadership) => leadership.check().map(|()| None),
        }
    }

    /// Runs a future until the leadership is lost. See [`Leadership::guard`].
    ///
    /// # Errors
    /// The errors of [`Leadership::guard`].
    pub async fn guard<F: Future>(&self, future: F) -> Result<F::Output, LeadershipLost> {
        either!(self, leadership => leadership.guard(future).await)
    }

    /// Waits until the leadership is lost. See [`Leadership::lost`].
    pub async fn lost(&self) {
        either!(self, leadership => leadership.lost().await);
    }

    /// Waits until the work must come to an end. See [`Leadership::ending`].
    pub async fn ending(&self) {
        either!(self, leadership => leadership.ending().await);
    }

    /// Returns `true` if the work must come to an end. See [`Leadership::is_ending`].
    #[must_use]
    pub fn is_ending(&self) -> bool {
        either!(self, leadership => leadership.is_ending())
    }

    /// Returns a token that is cancelled when the leadership ends. See
    /// [`Leadership::cancellation`].
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        either!(self, leadership => leadership.cancellation())
    }

    /// Returns the end of the lease; `None` under best effort. See [`Leadership::deadline`].
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        either!(self, leadership => leadership.deadline())
    }

    /// Waits until the lease is prolonged. See [`Leadership::prolonged`].
    ///
    /// # Errors
    /// If the leadership has ended.
    pub async fn prolonged(&self, known: Moment) -> Result<Moment, LeadershipLost> {
        either!(self, leadership => leadership.prolonged(known).await)
    }

    /// Returns how long the lease still lasts. See [`Leadership::lease_remaining`].
    #[must_use]
    pub fn lease_remaining(&self) -> Option<Duration> {
        either!(self, leadership => leadership.lease_remaining())
    }

    /// Gives the leadership back. See [`Leadership::resign`].
    pub fn resign(self) {
        either!(self, leadership => leadership.resign());
    }
}
