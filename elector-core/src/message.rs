use serde::{Deserialize, Serialize};

use crate::{Epoch, NodeId, Payload};

/// A message between nodes, described so that every host counts the same thing.
pub trait Message: Payload {
    /// Its name in the algorithm's own paper, in camel case (`"RequestVote"`).
    fn kind(&self) -> &'static str;

    /// What it is for.
    fn purpose(&self) -> Purpose;

    /// The exclusive support that sending this message to `to` grants, if it does.
    /// Checkers use it: a node that pledges itself twice has broken its promise, however it came
    /// to do so. The default pledges nothing.
    fn pledge(&self, _to: NodeId) -> Option<Pledge> {
        None
    }
}

/// Why a message was sent: the first thing a comparison of algorithms must tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Part of an election's cost, up to and with the round by which the winner announces itself.
    Election,
    /// Routine heartbeats and their acknowledgements: the steady-state cost.
    Liveness,
    /// Carried for something built on top.
    Application,
}

/// Support that a node may give only once: a vote, a promise, an acceptance.
///
/// In one epoch a node's pledges never go down in rank, and two of the same rank name the same
/// candidate; for all time, across restarts. Raft's votes all have rank `(0, 0)`, which makes it
/// one vote per term; a Paxos acceptor's rank is the ballot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pledge {
    /// The epoch it counts in.
    pub epoch: Epoch,
    /// The ballot, where an algorithm has ballots.
    pub rank: (u64, u64),
    /// Whom it supports.
    pub candidate: NodeId,
}

impl Pledge {
    /// The one vote of an epoch, for an algorithm without ballots.
    #[must_use]
    pub fn vote(epoch: Epoch, candidate: NodeId) -> Self {
        Self {
            epoch,
            rank: (0, 0),
            candidate,
        }
    }
}
