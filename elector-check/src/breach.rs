use elector_core::{ElectionAlgorithm, Epoch, Membership, NodeId, Outbox, Pledge, Role, View};
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

/// What a driver checks at every step.
pub(crate) fn broken_contract<A: ElectionAlgorithm>(
    members: &Membership,
    view: View,
    out: &Outbox<A>,
) -> Option<Breach> {
    let node = members.me();
    let stranger = |to: NodeId| to == node || !members.contains(to);
    if let Some(sent) = out.sends().iter().find(|sent| stranger(sent.to)) {
        return Some(Breach::NotAPeer { node, to: sent.to });
    }
    if (view.leader == Some(node)) != (view.role == Role::Leader) {
        return Some(Breach::RoleDisagrees { node });
    }
    let leader = view.leader.filter(|&leader| !members.contains(leader))?;
    Some(Breach::StrangerLeads { node, leader })
}
