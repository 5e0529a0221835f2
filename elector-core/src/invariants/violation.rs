use thiserror::Error;

use crate::{ContractViolation, Epoch, NodeId, Pledge, invariants::Invariant, log::LogIndex};

/// An event that violates an invariant, with what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum InvariantViolation {
    /// Violates [`Invariant::OneLeaderPerEpoch`].
    #[error("epoch {epoch} has two leaders: {first:?} and {second:?}")]
    TwoLeaders {
        /// The epoch that has two leaders.
        epoch: Epoch,
        /// The leader that was seen first.
        first: NodeId,
        /// The leader that was seen later.
        second: NodeId,
    },
    /// Violates [`Invariant::OnePledgePerEpoch`].
    #[error("{node:?} pledged itself in epoch {} to {after}, after {before}", after.epoch)]
    PledgedTwice {
        /// The node that made both pledges.
        node: NodeId,
        /// The pledge that bound the node before.
        before: Pledge,
        /// The later pledge, which breaks the pledge `before`.
        after: Pledge,
    },
    /// Violates [`Invariant::OneValuePerBallot`].
    #[error("epoch {epoch} has two values at rank {rank:?}: {first:?} and {second:?}")]
    TwoValues {
        /// The epoch of the ballot.
        epoch: Epoch,
        /// The ballot for which two candidates were seen.
        rank: (u64, u64),
        /// The candidate that was seen first.
        first: NodeId,
        /// The candidate that was seen later.
        second: NodeId,
    },
    /// Violates [`Invariant::NoTenureTwice`].
    #[error("{node:?} leads epoch {epoch} again, after it had ceased to lead it")]
    LedTwice {
        /// The node that leads the epoch again.
        node: NodeId,
        /// The epoch that the node leads again.
        epoch: Epoch,
    },
    /// Violates [`Invariant::ExclusiveLease`].
    #[error("{first:?} and {second:?} hold a lease at the same time")]
    TwoLeases {
        /// One holder of a lease.
        first: NodeId,
        /// The other holder of a lease.
        second: NodeId,
    },
    /// Violates [`Invariant::EpochMonotonic`].
    #[error("{node:?} showed epoch {to} after epoch {from}")]
    EpochWentBack {
        /// The node whose epoch went back.
        node: NodeId,
        /// The newest epoch of the node's earlier views.
        from: Epoch,
        /// The older epoch of the node's next view.
        to: Epoch,
    },
    /// Violates [`Invariant::DurableBeforeSent`].
    #[error("step {step} of {node:?} was seen before the write of step {needs} was durable")]
    SeenTooEarly {
        /// The node whose step was seen.
        node: NodeId,
        /// The number of the step whose effects were seen.
        step: u64,
        /// The number of the step whose write the seen step depends on.
        needs: u64,
    },
    /// Violates [`Invariant::CommittedEntries`].
    #[error("{first:?} and {second:?} committed different entries at index {index}")]
    CommittedTwice {
        /// The index in the log at which the two nodes have different entries.
        index: LogIndex,
        /// The node that was the first to take an entry at this index for committed.
        first: NodeId,
        /// The node that took another entry for committed.
        second: NodeId,
    },
    /// Violates [`Invariant::CommittedEntries`].
    #[error("{node:?} takes the entry at index {index} for committed, and does not have it")]
    CommittedMissing {
        /// The node that does not have the entry.
        node: NodeId,
        /// The index of the missing entry.
        index: LogIndex,
    },
    /// Violates [`Invariant::CommittedEntries`].
    #[error("{node:?} took the entries up to index {from} for committed, and then only up to {to}")]
    CommittedWentBack {
        /// The node that took fewer entries for committed than before.
        node: NodeId,
        /// The index of the last committed entry before it went back.
        from: LogIndex,
        /// The index of the last committed entry after it went back.
        to: LogIndex,
    },
    /// Violates [`Invariant::Contract`].
    #[error("{node:?}: {violation}")]
    Contract {
        /// The node whose algorithm broke the contract.
        node: NodeId,
        /// The broken rule of the contract.
        violation: ContractViolation,
    },
    /// Violates [`Invariant::Contract`]: an algorithm must not panic on any input.
    #[error("{node:?} panicked")]
    Panicked {
        /// The node whose algorithm panicked.
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
            Self::CommittedTwice { .. }
            | Self::CommittedMissing { .. }
            | Self::CommittedWentBack { .. } => Invariant::CommittedEntries,
            Self::Contract { .. } | Self::Panicked { .. } => Invariant::Contract,
        }
    }
}
