use thiserror::Error;

use crate::{ContractViolation, Epoch, NodeId, Pledge, promises::Promise};

/// What was seen that must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Breach {
    /// Breaks [`Promise::OneLeaderPerEpoch`].
    #[error("epoch {epoch} has two leaders: {first:?} and {second:?}")]
    TwoLeaders {
        /// The epoch.
        epoch: Epoch,
        /// The leader that was seen first.
        first: NodeId,
        /// The other one.
        second: NodeId,
    },
    /// Breaks [`Promise::OnePledgePerEpoch`].
    #[error("{node:?} pledged itself in epoch {} to {after}, after {before}", after.epoch)]
    PledgedTwice {
        /// The node.
        node: NodeId,
        /// What it was bound to.
        before: Pledge,
        /// What it pledged then.
        after: Pledge,
    },
    /// Breaks [`Promise::OneValuePerBallot`].
    #[error("epoch {epoch} has two values at rank {rank:?}: {first:?} and {second:?}")]
    TwoValues {
        /// The epoch.
        epoch: Epoch,
        /// The ballot.
        rank: (u64, u64),
        /// The candidate that was seen first.
        first: NodeId,
        /// The other one.
        second: NodeId,
    },
    /// Breaks [`Promise::NoTenureTwice`].
    #[error("{node:?} leads epoch {epoch} again, after it had ceased to lead it")]
    LedTwice {
        /// The node.
        node: NodeId,
        /// The epoch.
        epoch: Epoch,
    },
    /// Breaks [`Promise::ExclusiveLease`].
    #[error("{first:?} and {second:?} hold a lease at the same time")]
    TwoLeases {
        /// One holder.
        first: NodeId,
        /// Another one.
        second: NodeId,
    },
    /// Breaks [`Promise::EpochMonotonic`].
    #[error("{node:?} showed epoch {to} after epoch {from}")]
    EpochWentBack {
        /// The node.
        node: NodeId,
        /// The newest epoch that it had shown.
        from: Epoch,
        /// The epoch that it showed then.
        to: Epoch,
    },
    /// Breaks [`Promise::DurableBeforeSent`].
    #[error("step {step} of {node:?} was seen before the write of step {needs} was durable")]
    SeenTooEarly {
        /// The node.
        node: NodeId,
        /// The step that was seen.
        step: u64,
        /// The step whose write it rests on.
        needs: u64,
    },
    /// Breaks [`Promise::Contract`].
    #[error("{node:?}: {violation}")]
    Contract {
        /// The node.
        node: NodeId,
        /// What it did.
        violation: ContractViolation,
    },
    /// Breaks [`Promise::Contract`], too: an algorithm is total.
    #[error("{node:?} panicked")]
    Panicked {
        /// The node.
        node: NodeId,
    },
}

impl Breach {
    /// The promise that it breaks.
    #[must_use]
    pub const fn promise(self) -> Promise {
        match self {
            Self::TwoLeaders { .. } => Promise::OneLeaderPerEpoch,
            Self::PledgedTwice { .. } => Promise::OnePledgePerEpoch,
            Self::TwoValues { .. } => Promise::OneValuePerBallot,
            Self::LedTwice { .. } => Promise::NoTenureTwice,
            Self::TwoLeases { .. } => Promise::ExclusiveLease,
            Self::EpochWentBack { .. } => Promise::EpochMonotonic,
            Self::SeenTooEarly { .. } => Promise::DurableBeforeSent,
            Self::Contract { .. } | Self::Panicked { .. } => Promise::Contract,
        }
    }
}
