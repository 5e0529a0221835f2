use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Epoch, NodeId, Payload, RosterId};

/// A message between nodes. With these methods a host counts, checks and delivers messages without
/// knowledge of the algorithm, so all hosts do this in the same way.
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

    /// Returns the [`Pledge`] that a node makes when it sends this message to `to`; `None` if the
    /// message makes none. A pledge is support that a node may give only once, for example a vote.
    /// Checkers report a violation if a pledge of a node [breaks](Pledge::then) an earlier pledge
    /// of the same node. The default is `None`.
    fn pledge(&self, _to: NodeId) -> Option<Pledge> {
        None
    }

    /// Returns which nodes process the message: all nodes, or only the nodes with a certain roster
    /// (a list of the nodes that vote). The default is [`Scope::Cluster`], for algorithms whose
    /// members are fixed.
    fn scope(&self) -> Scope {
        Scope::Cluster
    }

    /// Serializes a message of the scope [`Scope::Cluster`] or [`Scope::Roster`] without the id of
    /// its roster (the list of the nodes that vote). A transport over connections sends this id
    /// once on a connection, and again when it changes, instead of with every message. The default
    /// serializes the whole message.
    ///
    /// # Errors
    /// Returns the errors of the serializer.
    fn serialize_bare<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.serialize(to)
    }

    /// Deserializes what [`serialize_bare`](Self::serialize_bare) has written. `roster` is the id
    /// that the transport received last on the same connection.
    ///
    /// # Errors
    /// Returns the errors of the deserializer.
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
    /// Only the nodes that have this roster, which is the list of the nodes that vote.
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
    /// A heartbeat, or the acknowledgement of a heartbeat. A cluster sends these messages all the
    /// time, also while there is no election.
    Liveness,
    /// A message of an application that is built on top of the election.
    Application,
}

/// Support that a node may give only once: a vote, a promise, an acceptance.
///
/// In one epoch the rank of a node's pledges never goes down, and two pledges of the same rank name
/// the same candidate. This rule holds for all time, across restarts of the node. Raft's votes all
/// have rank `(0, 0)`, so a node gives one vote per term. The rank of a pledge of a Paxos acceptor
/// is the ballot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pledge {
    /// The epoch in which the pledge counts.
    pub epoch: Epoch,
    /// The ballot; `(0, 0)` if the algorithm has no ballots. Checkers compare ballots across nodes:
    /// in one epoch, the pledges of all nodes with the same ballot name the same candidate.
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

    /// Combines two pledges of one node in the same epoch: this pledge, and then the pledge
    /// `later`. Returns the pledge that binds the node from then on. Returns `None` if `later`
    /// breaks this pledge, because it has a lower rank, or the same rank and another candidate.
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

    // Every checker calls `Pledge::then`: with an error in it, no checker would find a broken
    // pledge.
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
