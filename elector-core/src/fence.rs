use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Epoch;

/// Proof of a tenure, to be sent along with everything that a leader writes: the epoch that it
/// leads. Of two tokens of one cluster the later tenure's is the higher.
///
/// Only a `Leadership<Quorum>` hands one out: under [`BestEffort`](crate::BestEffort) two leaders
/// may have the same epoch, and a token would prove nothing. Building one from an epoch is for the
/// resource's side, which reads it from the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FencingToken(Epoch);

impl FencingToken {
    /// The token of this epoch.
    #[must_use]
    pub const fn from_epoch(epoch: Epoch) -> Self {
        Self(epoch)
    }

    /// The epoch that it is the token of.
    #[must_use]
    pub const fn epoch(self) -> Epoch {
        self.0
    }
}

/// The resource's side: remembers the highest token seen, and refuses every lower one. It must be
/// kept where the data is, and as durably.
///
/// ```
/// use elector_core::{Epoch, Fence, FencingToken};
///
/// let mut fence = Fence::new();
/// let (old, new) = (FencingToken::from_epoch(Epoch(4)), FencingToken::from_epoch(Epoch(5)));
/// assert!(fence.admit(old).is_ok());
/// assert!(fence.admit(new).is_ok());
/// assert!(fence.admit(old).is_err(), "its tenure is over, whatever it believes");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fence {
    newest: Option<FencingToken>,
}

impl Fence {
    /// A fence that has seen no token.
    #[must_use]
    pub const fn new() -> Self {
        Self { newest: None }
    }

    /// Admits a token that is at least as high as every one admitted before. Call it, and do the
    /// write only if it is `Ok`, in one transaction of the resource.
    ///
    /// # Errors
    /// If a later tenure has already written.
    pub fn admit(&mut self, token: FencingToken) -> Result<(), StaleToken> {
        match self.newest {
            Some(newest) if token < newest => Err(StaleToken { token, newest }),
            _ => {
                self.newest = Some(token);
                Ok(())
            }
        }
    }

    /// The highest token admitted.
    #[must_use]
    pub const fn newest(&self) -> Option<FencingToken> {
        self.newest
    }
}

/// A write of a leader whose tenure is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the token of epoch {} is stale: the leader of epoch {} has written", .token.0, .newest.0)]
pub struct StaleToken {
    /// The token that was refused.
    pub token: FencingToken,
    /// The highest one admitted.
    pub newest: FencingToken,
}

#[cfg(test)]
mod tests {
    use super::*;

    // A leader writes many times in one tenure; only a lower token may be refused, and a refusal
    // must not lower the fence.
    #[test]
    fn the_fence_never_comes_down() {
        let token = |epoch| FencingToken::from_epoch(Epoch(epoch));
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
}
