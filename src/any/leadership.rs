use std::time::Duration;

use elector_core::{
    BestEffort, Epoch, FencingToken, Moment, Quorum,
    actor::{Leadership, LeadershipLost},
};
use tokio_util::sync::CancellationToken;

/// A [`Leadership`] of an algorithm that was chosen at run time: whoever wants a token must see
/// first whether there can be one.
#[derive(Debug)]
pub enum AnyLeadership {
    /// At most one leader per epoch, ever: it has tokens.
    Quorum(Leadership<Quorum>),
    /// There may be another leader at the same time.
    BestEffort(Leadership<BestEffort>),
}

impl From<Leadership<Quorum>> for AnyLeadership {
    fn from(leadership: Leadership<Quorum>) -> Self {
        Self::Quorum(leadership)
    }
}

impl From<Leadership<BestEffort>> for AnyLeadership {
    fn from(leadership: Leadership<BestEffort>) -> Self {
        Self::BestEffort(leadership)
    }
}

/// The same expression for either guarantee.
macro_rules! either {
    ($any:expr, $leadership:ident => $do:expr) => {
        match $any {
            Self::Quorum($leadership) => $do,
            Self::BestEffort($leadership) => $do,
        }
    };
}

impl AnyLeadership {
    /// See [`Leadership::epoch`].
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        either!(self, leadership => leadership.epoch())
    }

    /// See [`Leadership::check`].
    ///
    /// # Errors
    /// If the leadership is over.
    pub fn check(&self) -> Result<(), LeadershipLost> {
        either!(self, leadership => leadership.check())
    }

    /// See [`Leadership::token`]; `None` if the algorithm has none to give.
    ///
    /// # Errors
    /// If the leadership is over.
    pub fn token(&self) -> Result<Option<FencingToken>, LeadershipLost> {
        match self {
            Self::Quorum(leadership) => leadership.token().map(Some),
            Self::BestEffort(leadership) => leadership.check().map(|()| None),
        }
    }

    /// See [`Leadership::guard`].
    ///
    /// # Errors
    /// As [`Leadership::guard`].
    pub async fn guard<F: Future>(&self, future: F) -> Result<F::Output, LeadershipLost> {
        either!(self, leadership => leadership.guard(future).await)
    }

    /// See [`Leadership::lost`].
    pub async fn lost(&self) {
        either!(self, leadership => leadership.lost().await);
    }

    /// See [`Leadership::ending`].
    pub async fn ending(&self) {
        either!(self, leadership => leadership.ending().await);
    }

    /// See [`Leadership::is_ending`].
    #[must_use]
    pub fn is_ending(&self) -> bool {
        either!(self, leadership => leadership.is_ending())
    }

    /// See [`Leadership::cancellation`].
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        either!(self, leadership => leadership.cancellation())
    }

    /// See [`Leadership::deadline`]: `None` under best effort.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        either!(self, leadership => leadership.deadline())
    }

    /// See [`Leadership::prolonged`].
    ///
    /// # Errors
    /// If the leadership is over.
    pub async fn prolonged(&self, known: Moment) -> Result<Moment, LeadershipLost> {
        either!(self, leadership => leadership.prolonged(known).await)
    }

    /// See [`Leadership::lease_remaining`].
    #[must_use]
    pub fn lease_remaining(&self) -> Option<Duration> {
        either!(self, leadership => leadership.lease_remaining())
    }

    /// See [`Leadership::resign`].
    pub fn resign(self) {
        either!(self, leadership => leadership.resign());
    }
}
