use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Epoch, NodeId, Payload, RosterId};

/// A message between nodes. These methods describe the message, so that all hosts count messages in
/// the same way.
pub trait Message: Payload {
    /// Returns the name of the message in the algorithm's own paper, in camel case
    /// (`"RequestVote"`).
    fn kind(&self) -> &'static str;

    /// Returns the purpose of the message.
    fn purpose(&self) -> Purpose;

    /// Returns the highest epoch that the message names; `None` if it names no epoch. Hosts do not
    /// deliver a message whose epoch the receiver does not [accept](Epoch::accepts). The default is
    /// `None`.
    fn epoch(&self) -> Option<Epoch> {
        None
    }

    /// Returns the exclusive support that this message grants when it is sent to `to`, if any.
    /// Checkers use the pledges: a pledge that [breaks](Pledge::then) an earlier pledge of the node
    /// is a violation. The default is `None`.
    fn pledge(&self, _to: NodeId) -> Option<Pledge> {
        None
    }

    /// Returns which nodes process the message. The default is [`Scope::Cluster`], for algorithms
    /// whose members are fixed.
    fn scope(&self) -> Scope {
        Scope::Cluster
    }

    /// Serializes a message of the scope [`Scope::Cluster`] or [`Scope::Roster`] without its
    /// roster. A transport over connections announces the roster once. The default serializes the
    /// whole message.
    ///
    /// # Errors
    /// As the serializer.
    fn serialize_bare<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.serialize(to)
    }

    /// Deserializes what [`serialize_bare`](Self::serialize_bare) has written, with the roster that
    /// was announced before.
    ///
    /// # Errors
    /// As the deserializer.
    fn deserialize_bare<'de, D: Deserializer<'de>>(
        _roster: RosterId,
        from: D,
    ) -> Result<Self, D::Error> {
        Self::deserialize(from)
    }
}

/// Which nodes process a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All nodes of a cluster whose members are fixed.
    Cluster,
    /// The nodes that have this roster.
    Roster(RosterId),
    /// All nodes of a cluster whose members can change, with any roster.
    AnyRoster,
}

/// The purpose of a message. Comparisons of algorithms count the messages of each purpose
/// separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// A message of an election, up to and including the round that announces the winner.
    Election,
    /// A heartbeat, or the acknowledgement of a heartbeat. Their number is the cost of a time
    /// without elections.
    Liveness,
    /// A message of an application that is built on top of the election.
    Application,
}

/// Support that a node may give only once: a vote, a promise, an acceptance.
///
/// In one epoch the rank of a node's pledges never goes down, and two pledges of the same rank name
/// the same candidate. This holds for all time, across restarts. Raft's votes all have rank `(0,
/// 0)`, so there is one vote per term. The rank of a Paxos acceptor is the ballot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pledge {
    /// The epoch in which the pledge counts.
    pub epoch: Epoch,
    /// The ballot, if the algorithm has ballots. Ballots are compared across nodes: in one epoch, a
    /// rank other than `(0, 0)` names one candidate, on all nodes.
    pub rank: (u64, u64),
    /// The supported node. If it is `None`, the pledge binds its sender to the rank alone, like the
    /// promise of a Paxos acceptor.
    pub candidate: Option<NodeId>,
}

impl Pledge {
    /// Creates the one vote of an epoch, for an algorithm without ballots.
    #[must_use]
    pub fn vote(epoch: Epoch, candidate: NodeId) -> Self {
        Self {
            epoch,
            rank: (0, 0),
            candidate: Some(candidate),
        }
    }

    /// Returns what binds a node that made this pledge and then the pledge `later` of the same
    /// epoch. Returns `None` if `later` breaks this pledge.
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

    /// Returns `false` if the two pledges name different candidates.
    #[must_use]
    pub fn agrees_with(self, other: Self) -> bool {
        self.candidate.is_none() || other.candidate.is_none() || self.candidate == other.candidate
    }

    /// Returns `true` if the rank is a ballot, for which all nodes name the same candidate.
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

    // Every checker uses this rule: with an error here, no checker would find a broken pledge.
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
