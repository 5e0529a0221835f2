use thiserror::Error;

use crate::{ContractViolation, Epoch, NodeId, Pledge, invariants::Invariant};

/// An event that an invariant rules out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum InvariantViolation {
    /// Violates [`Invariant::OneLeaderPerEpoch`].
    #[error("epoch {epoch} has two leaders: {first:?} and {second:?}")]
    TwoLeaders {
        /// The epoch.
        epoch: Epoch,
        /// The leader that was seen first.
        first: NodeId,
        /// The leader that was seen later.
        second: NodeId,
    },
    /// Violates [`Invariant::OnePledgePerEpoch`].
    #[error("{node:?} pledged itself in epoch {} to {after}, after {before}", after.epoch)]
    PledgedTwice {
        /// The node.
        node: NodeId,
        /// The pledge that bound the node.
        before: Pledge,
        /// The later pledge.
        after: Pledge,
    },
    /// Violates [`Invariant::OneValuePerBallot`].
    #[error("epoch {epoch} has two values at rank {rank:?}: {first:?} and {second:?}")]
    TwoValues {
        /// The epoch.
        epoch: Epoch,
        /// The ballot.
        rank: (u64, u64),
        /// The candidate that was seen first.
        first: NodeId,
        /// The candidate that was seen later.
        second: NodeId,
    },
    /// Violates [`Invariant::NoTenureTwice`].
    #[error("{node:?} leads epoch {epoch} again, after it had ceased to lead it")]
    LedTwice {
        /// The node.
        node: NodeId,
        /// The epoch.
        epoch: Epoch,
    },
    /// Violates [`Invariant::ExclusiveLease`].
    #[error("{first:?} and {second:?} hold a lease at the same time")]
    TwoLeases {
        /// One holder.
        first: NodeId,
        /// The other holder.
        second: NodeId,
    },
    /// Violates [`Invariant::EpochMonotonic`].
    #[error("{node:?} showed epoch {to} after epoch {from}")]
    EpochWentBack {
        /// The node.
        node: NodeId,
        /// The newest epoch of the node's earlier views.
        from: Epoch,
        /// The older epoch of the node's next view.
        to: Epoch,
    },
    /// Violates [`Invariant::DurableBeforeSent`].
    #[error("step {step} of {node:?} was seen before the write of step {needs} was durable")]
    SeenTooEarly {
        /// The node.
        node: NodeId,
        /// The step that was seen.
        step: u64,
        /// The step whose write it depends on.
        needs: u64,
    },
    /// Violates [`Invariant::Contract`].
    #[error("{node:?}: {violation}")]
    Contract {
        /// The node.
        node: NodeId,
        /// The violation.
        violation: ContractViolation,
    },
    /// Violates [`Invariant::Contract`]: an algorithm must not panic on any input.
    #[error("{node:?} panicked")]
    Panicked {
        /// The node.
        node: NodeId,
    },
}

impl InvariantViolation {
    /// Returns the invariant that is violated.
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
