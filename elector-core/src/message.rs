use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{Epoch, NodeId, Payload};

/// A message between nodes, described so that every host counts the same thing.
pub trait Message: Payload {
    /// Its name in the algorithm's own paper, in camel case (`"RequestVote"`).
    fn kind(&self) -> &'static str;

    /// What it is for.
    fn purpose(&self) -> Purpose;

    /// The highest epoch that it names; `None` if it names none. Hosts do not deliver a message
    /// whose epoch the receiver does not [believe](Epoch::believes). The default names none.
    fn epoch(&self) -> Option<Epoch> {
        None
    }

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
    /// The ballot, where an algorithm has ballots. Ballots are compared across nodes: in one
    /// epoch, a rank other than `(0, 0)` names one candidate, on all nodes.
    pub rank: (u64, u64),
    /// The node that it supports. `None` binds its sender to the rank alone, as the promise of a
    /// Paxos acceptor does.
    pub candidate: Option<NodeId>,
}

impl Pledge {
    /// The one vote of an epoch, for an algorithm without ballots.
    #[must_use]
    pub fn vote(epoch: Epoch, candidate: NodeId) -> Self {
        Self {
            epoch,
            rank: (0, 0),
            candidate: Some(candidate),
        }
    }

    /// What a node is bound to that made this pledge and then `later` one of the same epoch;
    /// `None` if `later` breaks this one.
    #[must_use]
    pub fn then(self, later: Self) -> Option<Self> {
        if later.rank != self.rank {
            return (later.rank > self.rank).then_some(later);
        }
        self.agrees_with(later).then_some(Self {
            candidate: later.candidate.or(self.candidate),
            ..later
        })
    }

    /// Returns `false` if the two name different candidates.
    #[must_use]
    pub fn agrees_with(self, other: Self) -> bool {
        self.candidate.is_none() || other.candidate.is_none() || self.candidate == other.candidate
    }

    /// Whether the rank is a ballot, for which all nodes name the same candidate.
    #[must_use]
    pub fn has_ballot(self) -> bool {
        self.rank != (0, 0)
    }
}

impl fmt::Display for Pledge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.candidate {
            Some(candidate) => write!(f, "{candidate:?} at rank {:?}", self.rank),
            None => write!(f, "rank {:?}", self.rank),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pledge(rank: u64, candidate: Option<u64>) -> Pledge {
        Pledge {
            epoch: Epoch(1),
            rank: (rank, 0),
            candidate: candidate.map(NodeId),
        }
    }

    // Every checker uses this rule, so that an error here makes all of them blind.
    #[test]
    fn a_pledge_is_broken_by_a_lower_rank_and_by_another_candidate() {
        let bound = pledge(2, Some(1));
        assert_eq!(bound.then(pledge(1, Some(1))), None);
        assert_eq!(bound.then(pledge(2, Some(3))), None);
        assert_eq!(bound.then(pledge(3, Some(3))), Some(pledge(3, Some(3))));
        let promised = bound.then(pledge(2, None));
        assert_eq!(promised, Some(bound), "a promise does not erase a value");
        assert_eq!(pledge(2, None).then(bound), Some(bound));
    }
}
