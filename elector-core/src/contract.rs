use thiserror::Error;

use crate::{Epoch, NodeId, Outgoing, Role, View};

/// A violation of an algorithm's contract, which the documentation of
/// [`ElectionAlgorithm`](crate::ElectionAlgorithm) lists. The node must stop, and nothing of the
/// step may be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ContractViolation {
    /// The epoch in the view went back.
    #[error("the epoch went back from {from} to {to}")]
    EpochWentBack {
        /// The epoch before the step.
        from: Epoch,
        /// The epoch after the step.
        to: Epoch,
    },
    /// Under a quorum guarantee, the leader of an epoch changed.
    #[error("the leader of epoch {epoch} changed from {from} to {to}")]
    LeaderChanged {
        /// The epoch whose leader changed.
        epoch: Epoch,
        /// The previous leader.
        from: NodeId,
        /// The new leader.
        to: NodeId,
    },
    /// The role is leader but the view does not name this node as the leader, or the view names
    /// this node but the role is not leader.
    #[error("the role is {role} while the leader of the view is {leader:?}")]
    RoleDisagrees {
        /// The role in the view.
        role: Role,
        /// The leader in the view.
        leader: Option<NodeId>,
    },
    /// The view names a leader that is not in the cluster.
    #[error("the view names {0} as leader, which is not in the cluster")]
    UnknownLeader(NodeId),
    /// The state of the algorithm breaks one of its own invariants. See
    /// [`ElectionAlgorithm::check`](crate::ElectionAlgorithm::check).
    #[error("an invariant is broken: {0}")]
    Invariant(&'static str),
    /// A message was sent to the node itself, or to a node that is not a member.
    #[error("a message was sent to {0}, which is not a peer")]
    NotAPeer(NodeId),
}

/// These functions check one step alone. Hosts need not call them: a [`Driver`](crate::Driver)
/// calls them, and also compares each step with the steps before it.
impl ContractViolation {
    /// Checks that the messages of a step go to peers. `is_peer` says which nodes are peers.
    ///
    /// # Errors
    /// Returns [`NotAPeer`](Self::NotAPeer) if a message goes to a node that is not a peer.
    pub fn check_sends<M>(
        sends: &[Outgoing<M>],
        is_peer: impl Fn(NodeId) -> bool,
    ) -> Result<(), Self> {
        match sends.iter().find(|out| !is_peer(out.to)) {
            Some(out) => Err(Self::NotAPeer(out.to)),
            None => Ok(()),
        }
    }

    /// Checks that role and leader of a view of the node `me` agree, and that the leader is a
    /// member. `is_member` says which nodes are members.
    ///
    /// # Errors
    /// Returns [`RoleDisagrees`](Self::RoleDisagrees) if role and leader do not agree, and
    /// [`UnknownLeader`](Self::UnknownLeader) if the leader is not a member.
    pub fn check_view(
        view: View,
        me: NodeId,
        is_member: impl Fn(NodeId) -> bool,
    ) -> Result<(), Self> {
        let View { role, leader, .. } = view;
        if (leader == Some(me)) != (role == Role::Leader) {
            return Err(Self::RoleDisagrees { role, leader });
        }
        match leader.filter(|&leader| !is_member(leader)) {
            Some(leader) => Err(Self::UnknownLeader(leader)),
            None => Ok(()),
        }
    }
}
