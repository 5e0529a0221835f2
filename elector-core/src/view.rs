use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{Epoch, NodeId};

/// The time in which one node leads one epoch: the pair (epoch, leader). Tenures are ordered by
/// their epoch, then by their leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenure {
    /// The epoch.
    pub epoch: Epoch,
    /// Its leader.
    pub leader: NodeId,
}

/// The role of a node, as the node itself sees it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Follows the leader that it knows, or waits until it learns of a leader.
    #[default]
    Follower,
    /// Asks whether it could win an election, before it starts one: Raft's pre-vote phase. The
    /// answers bind no node, and the question begins no epoch.
    ///
    /// The other algorithms have no pre-candidates. A Paxos proposer is a
    /// [`Candidate`](Self::Candidate) from its first `Prepare` on: each promise that answers the
    /// `Prepare` binds an acceptor, and the proposal has the same ballot. A proposer that sends its
    /// `Prepare` before its silence has ended is a candidate too, because it sends no second
    /// `Prepare` when the silence ends. In Bully and Ring, the first message already belongs to the
    /// election.
    PreCandidate,
    /// Takes part in an election that it started (Raft's candidate, Paxos's proposer, Bully's and
    /// Ring's initiator).
    Candidate,
    /// Believes that it leads. During a partition this belief can be out of date, but a lease
    /// cannot.
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

/// All that others may know about a node's election.
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
    /// Creates the view of a node of `epoch` that follows `leader`.
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

    /// Creates the view of a node of `epoch` that asks whether it could win the next one.
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

    /// Returns the tenure that the node knows, if it knows a leader.
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
