use elector_core::{Epoch, NodeId, Pledge};
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
    #[error("{node:?} sent a message to {to:?}, who is not a peer of its")]
    NotAPeer { node: NodeId, to: NodeId },
    #[error("the role of {node:?} and the leader in its view disagree")]
    RoleDisagrees { node: NodeId },
    #[error("{node:?} names {leader:?}, who is not in the cluster, as leader")]
    StrangerLeads { node: NodeId, leader: NodeId },
    #[error("{node:?} panicked")]
    Panicked { node: NodeId },
}
