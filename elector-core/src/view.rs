use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{Epoch, NodeId};

/// What a node takes itself to be.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Follows the leader it knows, or waits to hear of one.
    #[default]
    Follower,
    /// Takes part in an election that it started (Raft's candidate and pre-candidate, Paxos's
    /// proposer, Bully's and Ring's initiator).
    Candidate,
    /// Believes that it leads. Under a partition that belief can be stale; a lease cannot.
    Leader,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Follower => "follower",
            Self::Candidate => "candidate",
            Self::Leader => "leader",
        })
    }
}

/// All that an observer may know of a node's election.
///
/// `role` is [`Role::Leader`] exactly when `leader` is the node itself; the
/// [`Driver`](crate::Driver) checks it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct View {
    /// The newest epoch that this node takes part in. Never goes back, not even across a restart.
    pub epoch: Epoch,
    /// Who leads `epoch`, if this node knows of one.
    pub leader: Option<NodeId>,
    /// What this node takes itself to be.
    pub role: Role,
}

impl View {
    /// A node of `epoch` that follows `leader`.
    #[must_use]
    pub fn following(epoch: Epoch, leader: Option<NodeId>) -> Self {
        Self {
            epoch,
            leader,
            role: Role::Follower,
        }
    }

    /// A node that campaigns in `epoch`.
    #[must_use]
    pub fn campaigning(epoch: Epoch) -> Self {
        Self {
            epoch,
            leader: None,
            role: Role::Candidate,
        }
    }

    /// `me` leads `epoch`.
    #[must_use]
    pub fn leading(epoch: Epoch, me: NodeId) -> Self {
        Self {
            epoch,
            leader: Some(me),
            role: Role::Leader,
        }
    }

    /// Returns `true` if the node believes that it leads.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.role == Role::Leader
    }
}
