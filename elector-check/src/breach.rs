use elector_core::{ContractViolation, Epoch, NodeId, Pledge};
use thiserror::Error;

/// What an algorithm did that it must never do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub(crate) enum Breach {
    #[error("epoch {epoch} has two leaders: {first:?} and {second:?}")]
    TwoLeaders {
        epoch: Epoch,
        first: NodeId,
        second: NodeId,
    },
    #[error("{node:?} pledged itself in epoch {} to {after}, after {before}", after.epoch)]
    PledgedTwice {
        node: NodeId,
        before: Pledge,
        after: Pledge,
    },
    #[error("epoch {epoch} has two values at rank {rank:?}: {first:?} and {second:?}")]
    TwoValues {
        epoch: Epoch,
        rank: (u64, u64),
        first: NodeId,
        second: NodeId,
    },
    #[error("{node:?} leads epoch {epoch} again, after it had ceased to lead it")]
    LedTwice { node: NodeId, epoch: Epoch },
    #[error("{first:?} and {second:?} hold a lease at the same time")]
    TwoLeases { first: NodeId, second: NodeId },
    #[error("{node:?} showed epoch {to} after epoch {from}")]
    EpochWentBack {
        node: NodeId,
        from: Epoch,
        to: Epoch,
    },
    #[error("{node:?}: {violation}")]
    Contract {
        node: NodeId,
        violation: ContractViolation,
    },
    #[error("{node:?} panicked")]
    Panicked { node: NodeId },
}
