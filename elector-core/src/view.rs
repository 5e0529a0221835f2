use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{Epoch, NodeId};

/// The time in which one node leads one epoch: the pair (epoch, leader). Tenures are ordered by
/// their epoch, then by their leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenure {
    /// The epoch that the leader leads.
    pub epoch: Epoch,
    /// The leader of the epoch.
    pub leader: NodeId,
}

/// The role of a node, as the node itself sees it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The node follows the leader that it knows, or waits until it learns of a leader.
    #[default]
    Follower,
    /// The node asks its peers whether it could win an election, before it starts one: Raft's
    /// pre-vote phase. The answers bind no node, and the question begins no epoch.
    ///
    /// The other algorithms have no pre-candidates. A Paxos proposer is a
    /// [`Candidate`](Self::Candidate) from its first `Prepare` on: each promise that answers the
    /// `Prepare` binds an acceptor, and the proposal has the same ballot. A proposer may send its
    /// `Prepare` ahead, while it still owes silence to the last leader and so may not support
    /// itself yet. Such a proposer is a candidate too, because it sends no second `Prepare` when
    /// the silence ends. In Bully and Ring, the first message already belongs to the election.
    PreCandidate,
    /// The node takes part in an election that it started (Raft's candidate, Paxos's proposer,
    /// Bully's and Ring's initiator).
    Candidate,
    /// The node believes that it leads. During a partition this belief can be out of date: another
    /// node may have been elected already. A lease cannot be out of date in this way, because no
    /// other node is elected before the lease ends.
    Leader,
}

impl Role {
    /// Returns `true` if the node tries to be elected: it is a candidate or a pre-candidate.
    #[must_use]
    pub fn campaigns(self) -> bool {
        matches!(self, Self::PreCandidate | Self::Candidate)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Follower => "follower",
            Self::PreCandidate => "pre-candidate",
            Self::Candidate => "candidate",
            Self::Leader => "leader",
        })
    }
}

/// What a node publishes about its election: all that others may know.
///
/// `role` is [`Role::Leader`] exactly when `leader` is the node itself. The
/// [`Driver`](crate::Driver) checks this.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct View {
    /// The newest epoch in which this node takes part. It never goes back, not even across a
    /// restart.
    pub epoch: Epoch,
    /// The leader of `epoch`, if this node knows it.
    pub leader: Option<NodeId>,
    /// The role of this node.
    pub role: Role,
}

impl View {
    /// Creates the view of a node that is in `epoch` and follows `leader`.
    #[must_use]
    pub fn following(epoch: Epoch, leader: Option<NodeId>) -> Self {
        Self {
            epoch,
            leader,
            role: Role::Follower,
        }
    }

    /// Creates the view of a node that campaigns in `epoch`.
    #[must_use]
    pub fn campaigning(epoch: Epoch) -> Self {
        Self {
            epoch,
            leader: None,
            role: Role::Candidate,
        }
    }

    /// Creates the view of a pre-candidate: a node that is in `epoch` and asks whether it could win
    /// the next epoch.
    #[must_use]
    pub fn asking_first(epoch: Epoch) -> Self {
        Self {
            epoch,
            leader: None,
            role: Role::PreCandidate,
        }
    }

    /// Creates the view of the leader `me` of `epoch`.
    #[must_use]
    pub fn leading(epoch: Epoch, me: NodeId) -> Self {
        Self {
            epoch,
            leader: Some(me),
            role: Role::Leader,
        }
    }

    /// Returns the tenure (epoch and leader) that the node knows; `None` if it knows no leader.
    #[must_use]
    pub fn tenure(self) -> Option<Tenure> {
        let epoch = self.epoch;
        self.leader.map(|leader| Tenure { epoch, leader })
    }

    /// Returns `true` if the node believes that it leads.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.role == Role::Leader
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    // Dashboards and scripts read these names: in JSON and in text they must be the same.
    #[test]
    fn a_role_has_the_same_name_in_json_and_in_text() {
        let names = [
            (Role::Follower, "follower"),
            (Role::PreCandidate, "pre-candidate"),
            (Role::Candidate, "candidate"),
            (Role::Leader, "leader"),
        ];
        for (role, name) in names {
            assert_eq!(role.to_string(), name);
            assert_eq!(serde_json::to_value(role).unwrap(), name);
            assert_eq!(serde_json::from_value::<Role>(name.into()).unwrap(), role);
        }
    }
}
