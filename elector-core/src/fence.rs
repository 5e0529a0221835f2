use core::{fmt, num::TryFromIntError};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Epoch, debug_as_text};

/// A number below 2^63 that proves a [tenure](crate::Tenure) to a store. A leader sends its token
/// with each write, and the store rejects a write with a lower token than it has seen (see
/// [`Fence`]). Of two tokens of one cluster, the later one is higher.
///
/// The token is the epoch, times 2^14, plus the number of the grant within the epoch. A grant is
/// the act of a node that gives its application the leadership, and lasts as long as the work of
/// the application goes on. If the work starts again within a tenure, for example after a command
/// has exited, the second start gets another grant. So a store can distinguish late writes of the
/// first start from writes of the second start.
///
/// A store takes the token as a number: `u64::from(token)`, or `i64::try_from(token)?` for a signed
/// column. Every token of a leadership fits both types.
///
/// Only a `Leadership<Quorum>` returns tokens. Under [`BestEffort`](crate::BestEffort) two leaders
/// may have the same epoch, so a token would prove nothing. A store receives numbers, and turns
/// them into tokens with [`from_value`](Self::from_value).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FencingToken(u64);

/// How many bits of a token hold the number of the grant.
const GRANT_BITS: u32 = 14;

impl FencingToken {
    /// How many grants one epoch can have.
    pub const GRANTS: u64 = 1 << GRANT_BITS;

    /// The largest epoch that has tokens: 2^49 - 1.
    pub const MAX_EPOCH: Epoch = Epoch((1 << (63 - GRANT_BITS)) - 1);

    /// Returns the token of grant `grant` of an epoch; grants count from 0. Returns `None` if the
    /// epoch is above [`MAX_EPOCH`](Self::MAX_EPOCH) or has no such grant.
    #[must_use]
    pub const fn new(epoch: Epoch, grant: u64) -> Option<Self> {
        if epoch.0 > Self::MAX_EPOCH.0 || grant >= Self::GRANTS {
            return None;
        }
        Some(Self((epoch.0 << GRANT_BITS) | grant))
    }

    /// Creates the token with this value, which a store has received. This function does not check
    /// the value.
    #[must_use]
    pub const fn from_value(value: u64) -> Self {
        Self(value)
    }

    /// Returns the value that is sent to a store. For a column of type BIGINT, convert the token to
    /// `i64`.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// Returns the epoch of the token.
    #[must_use]
    pub const fn epoch(self) -> Epoch {
        Epoch(self.0 >> GRANT_BITS)
    }

    /// Returns the number of the grant within its epoch, from 0.
    #[must_use]
    pub const fn grant(self) -> u64 {
        self.0 % Self::GRANTS
    }
}

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Returns [`FencingToken::value`].
impl From<FencingToken> for u64 {
    fn from(token: FencingToken) -> Self {
        token.value()
    }
}

/// Returns the value of the token for a signed column, for example a BIGINT. The conversion
/// succeeds for each token of a leadership. It fails only for a value of 2^63 or more, which
/// [`FencingToken::from_value`] does not check.
impl TryFrom<FencingToken> for i64 {
    type Error = TryFromIntError;

    fn try_from(token: FencingToken) -> Result<Self, TryFromIntError> {
        token.value().try_into()
    }
}

/// The store's part of fencing: a fence remembers the highest token, and rejects every lower token.
/// Keep the fence in the same place as the data, and make the fence as durable as the data.
///
/// ```
/// use elector_core::{Fence, FencingToken};
///
/// let mut fence = Fence::new();
/// let (old, new) = (FencingToken::from_value(65_536), FencingToken::from_value(81_920));
/// assert!(fence.admit(old).is_ok());
/// assert!(fence.admit(new).is_ok());
/// assert!(fence.admit(old).is_err(), "its tenure has ended, also for the old leader");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fence {
    newest: Option<FencingToken>,
}

impl Fence {
    /// Creates a fence that has seen no token.
    #[must_use]
    pub const fn new() -> Self {
        Self { newest: None }
    }

    /// Admits a token that is at least as high as every token before it. Call this method, and do
    /// the write only if the result is `Ok`. The call and the write must be in one transaction of
    /// the store.
    ///
    /// # Errors
    /// If a higher token was admitted before.
    pub fn admit(&mut self, token: FencingToken) -> Result<(), StaleToken> {
        match self.newest {
            Some(newest) if token < newest => Err(StaleToken { token, newest }),
            _ => {
                self.newest = Some(token);
                Ok(())
            }
        }
    }

    /// Returns the highest token that was admitted.
    #[must_use]
    pub const fn newest(&self) -> Option<FencingToken> {
        self.newest
    }
}

/// The error for a write with a token that is lower than an admitted token.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "token {token} (epoch {}) is stale: token {newest} (epoch {}) has written",
    token.epoch(),
    newest.epoch()
)]
pub struct StaleToken {
    /// The token that was rejected.
    pub token: FencingToken,
    /// The highest token that was admitted.
    pub newest: FencingToken,
}

debug_as_text!(StaleToken);

#[cfg(test)]
mod tests {
    use super::*;

    // A leader writes many times in one tenure, each time with the same token. So the fence may
    // reject only a lower token. A rejection must not change the highest token.
    #[test]
    fn the_fence_never_gets_lower() {
        let token = FencingToken::from_value;
        let mut fence = Fence::new();
        for epoch in [0, 3, 3, 7] {
            assert_eq!(fence.admit(token(epoch)), Ok(()));
        }
        for _ in 0..2 {
            let stale = fence.admit(token(6)).unwrap_err();
            assert_eq!((stale.token, stale.newest), (token(6), token(7)));
        }
        assert_eq!(fence.admit(token(7)), Ok(()));
    }

    // If a token did not fit into a signed column, a store could not save it. If two tokens were
    // equal, a store could not distinguish two leaders, or two starts of the work.
    #[test]
    fn tokens_rise_with_the_grant_and_the_epoch() {
        let token = |epoch, grant| FencingToken::new(Epoch(epoch), grant);
        let last = FencingToken::GRANTS - 1;
        let rising = [(0, 0), (0, last), (1, 0), (1, 1), (1, last), (2, 0)];
        let rising = rising.map(|(epoch, grant)| token(epoch, grant).unwrap());
        assert!(rising.is_sorted_by(|a, b| a < b), "{rising:?}");
        let most = token(FencingToken::MAX_EPOCH.0, last).unwrap();
        assert_eq!(most.value(), i64::MAX as u64);
        assert_eq!(
            (most.epoch(), most.grant()),
            (FencingToken::MAX_EPOCH, last)
        );
        assert_eq!(u64::from(most), most.value());
        assert_eq!(i64::try_from(most), Ok(i64::MAX));
        assert!(i64::try_from(FencingToken::from_value(1 << 63)).is_err());
        assert_eq!(token(1, FencingToken::GRANTS), None);
        assert_eq!(token(FencingToken::MAX_EPOCH.0 + 1, 0), None);
        // In earlier releases a token was only the epoch. Such a token must be lower than the
        // present token of the same epoch.
        assert!(FencingToken::from_value(1 << 40) < token(1 << 40, 0).unwrap());
    }
}
