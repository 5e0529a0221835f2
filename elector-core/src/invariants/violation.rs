use thiserror::Error;

use crate::{ContractViolation, Epoch, NodeId, Pledge, invariants::Invariant};

/// What was seen that must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum InvariantViolation {
    /// Breaks [`Invariant::OneLeaderPerEpoch`].
    #[error("epoch {epoch} has two leaders: {first:?} and {second:?}")]
    TwoLeaders {
        /// The epoch.
        epoch: Epoch,
        /// The leader that was seen first.
        first: NodeId,
        /// The other one.
        second: NodeId,
    },
    /// Breaks [`Invariant::OnePledgePerEpoch`].
    #[error("{node:?} pledged itself in epoch {} to {after}, after {before}", after.epoch)]
    PledgedTwice {
        /// The node.
        node: NodeId,
        /// What it was bound to.
        before: Pledge,
        /// What it pledged then.
        after: Pledge,
    },
    /// Breaks [`Invariant::OneValuePerBallot`].
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
    /// Breaks [`Invariant::NoTenureTwice`].
    #[error("{node:?} leads epoch {epoch} again, after it had ceased to lead it")]
    LedTwice {
        /// The node.
        node: NodeId,
        /// The epoch.
        epoch: Epoch,
    },
    /// Breaks [`Invariant::ExclusiveLease`].
    #[error("{first:?} and {second:?} hold a lease at the same time")]
    TwoLeases {
        /// One holder.
        first: NodeId,
        /// Another one.
        second: NodeId,
    },
    /// Breaks [`Invariant::EpochMonotonic`].
    #[error("{node:?} showed epoch {to} after epoch {from}")]
    EpochWentBack {
        /// The node.
        node: NodeId,
        /// The newest epoch that it had shown.
        from: Epoch,
        /// The epoch that it showed then.
        to: Epoch,
    },
    /// Breaks [`Invariant::DurableBeforeSent`].
    #[error("step {step} of {node:?} was seen before the write of step {needs} was durable")]
    SeenTooEarly {
        /// The node.
        node: NodeId,
        /// The step that was seen.
        step: u64,
        /// The step whose write it rests on.
        needs: u64,
    },
    /// Breaks [`Invariant::Contract`].
    #[error("{node:?}: {violation}")]
    Contract {
        /// The node.
        node: NodeId,
        /// What it did.
        violation: ContractViolation,
    },
    /// Breaks [`Invariant::Contract`], too: an algorithm is total.
    #[error("{node:?} panicked")]
    Panicked {
        /// The node.
        node: NodeId,
    },
}

impl InvariantViolation {
    /// The promise that it breaks.
    #[must_use]
    pub const fn invariant(self) -> Invariant {
        match self {
            Self::TwoLeaders { .. } => Invariant::OneLeaderPerEpoch,
            Self::PledgedTwice { .. } => Invariant::OnePledgePerEpoch,
            Self::TwoValues { .. } => Invariant::OneValuePerBallot,
            Self::LedTwice { .. } => Invariant::NoTenureTwice,
            Self::TwoLeases { .. } => Invariant::ExclusiveLease,
            Self::EpochWentBack { .. } => Invariant::EpochMonotonic,
            Self::SeenTooEarly { .. } => Invariant::DurableBeforeSent,
            Self::Contract { .. } | Self::Panicked { .. } => Invariant::Contract,
        }
    }
}
