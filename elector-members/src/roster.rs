use alloc::vec::Vec;

use elector_core::{DiskId, Epoch, Member, Membership, NodeId, NodeSet, RosterId};
use serde::{Deserialize, Serialize};

/// The maximum number of voters. A roster has each voter and each node of the goal with an id and a
/// disk id, and must fit into a record (the saved state of a node) of 64 KiB.
pub(crate) const MAX_VOTERS: usize = 512;

/// A node that votes: its id, and the disk that keeps its votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Voter {
    /// The id of the node.
    pub node: NodeId,
    /// The disk of the node. It is `None` until a leader has learned the disk from a message of the
    /// node. As long as it is `None`, the node is this voter with any disk.
    pub disk: Option<DiskId>,
    /// Whether the node is a witness: it votes, and never leads. The leader learns this value
    /// together with the disk.
    pub is_witness: bool,
}

impl From<Member> for Voter {
    fn from(member: Member) -> Self {
        Self {
            node: member.node,
            disk: member.disk,
            is_witness: member.is_witness,
        }
    }
}

impl Voter {
    /// Creates a voter whose disk is not known yet.
    #[must_use]
    pub fn unbound(node: NodeId) -> Self {
        Self {
            node,
            disk: None,
            is_witness: false,
        }
    }

    /// Returns `true` if the node `node` with the disk `disk` is this voter. A voter whose disk is
    /// not known yet is its node with any disk.
    #[must_use]
    pub fn is(&self, node: NodeId, disk: Option<DiskId>) -> bool {
        self.node == node && (self.disk.is_none() || self.disk == disk)
    }

    /// Returns `true` if `wanted`, a voter of the goal, is this node with this disk or with any
    /// disk. Then this voter stays when the change is complete.
    pub(crate) fn is_kept_by(&self, wanted: &Self) -> bool {
        self.node == wanted.node && (wanted.disk.is_none() || wanted.disk == self.disk)
    }
}

/// A roster: the list of the nodes that vote, and the list of voters that a change leads to.
///
/// A roster is a durable record. Rosters are ordered by the term, then by the version. A leader
/// makes the next roster from its own, and any node can pass a roster on to a node with an older
/// one. No log is needed for that (Schultz, Zhou, Dardik and Tripakis: *Design and Analysis of a
/// Logless Dynamic Reconfiguration Protocol*, OPODIS 2021).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Roster {
    // The protocol does not use the derived `Ord` of rosters: see `rank`.
    /// The newest epoch whose leader has held this roster.
    pub term: Epoch,
    /// The epoch of the leader that made this roster. Unlike the term, it never changes.
    pub created: Epoch,
    /// The number of this roster: one more than the version of the roster from which a leader made
    /// it. The first roster has version 1. Version 0 is the empty roster of a node that has not
    /// joined a cluster yet.
    pub version: u64,
    /// The voters, in ascending order of their ids. No id occurs twice.
    pub voters: Vec<Voter>,
    /// The voters that a change in progress leads to. Empty if no change is in progress.
    pub goal: Vec<Voter>,
}

impl Roster {
    /// Creates the first roster of a cluster. It names ids only: the first leader adds the disks.
    #[must_use]
    pub fn first(nodes: &NodeSet) -> Self {
        if nodes.is_empty() {
            return Self::default();
        }
        let voters = nodes.iter().map(Voter::unbound);
        Self {
            version: 1,
            voters: voters.collect(),
            ..Self::default()
        }
    }

    /// Returns the name of the content of this roster. Two rosters with one name have the same
    /// voters and the same goal, because the leader of an epoch makes only one roster of each
    /// version.
    #[must_use]
    pub fn id(&self) -> RosterId {
        RosterId {
            created: self.created,
            version: self.version,
        }
    }

    /// Returns the place of this roster in the order of rosters: a newer roster has a higher rank.
    #[must_use]
    pub fn rank(&self) -> Rank {
        Rank {
            term: self.term,
            version: self.version,
        }
    }

    /// Returns the voter with this id.
    #[must_use]
    pub fn voter(&self, node: NodeId) -> Option<Voter> {
        find(&self.voters, node)
    }

    /// Returns the voter with this id in the goal, the voters to which the change in progress
    /// leads. Returns `None` if it is not one of them, or no change is in progress.
    #[must_use]
    pub fn wanted(&self, node: NodeId) -> Option<Voter> {
        find(&self.goal, node)
    }

    /// Returns `true` if a change is in progress.
    #[must_use]
    pub fn is_changing(&self) -> bool {
        !self.goal.is_empty()
    }

    /// Returns the voters, seen from the node `me` with the disk `disk`; `None` if this node is not
    /// a voter.
    #[must_use]
    pub fn membership(&self, me: NodeId, disk: Option<DiskId>) -> Option<Membership> {
        self.voter(me).filter(|voter| voter.is(me, disk))?;
        Membership::new(me, self.voters.iter().map(|voter| voter.node)).ok()
    }

    /// Returns how many voters make a majority.
    #[must_use]
    pub fn majority(&self) -> usize {
        self.voters.len() / 2 + 1
    }

    /// Returns the same roster without this voter.
    pub(crate) fn without(&self, node: NodeId) -> Self {
        let mut changed = self.clone();
        changed.voters.retain(|voter| voter.node != node);
        changed
    }

    /// Returns the same roster with this voter, which replaces a voter with the same id.
    pub(crate) fn with(&self, voter: Voter) -> Self {
        let mut changed = self.without(voter.node);
        changed.voters.push(voter);
        changed.voters.sort_unstable();
        changed
    }

    /// Checks a roster that a peer has sent: ids are in ascending order, there are at most
    /// [`MAX_VOTERS`] of them, and only the empty roster of version 0 has no voters.
    pub(crate) fn is_valid(&self) -> bool {
        let is_list = |voters: &[Voter]| {
            voters.len() <= MAX_VOTERS && voters.is_sorted_by(|a, b| a.node < b.node)
        };
        let empty = self.voters.is_empty();
        // A leader must be able to make a next roster, with a higher version and term.
        let has_next = self.version < u64::MAX && self.term < Epoch(u64::MAX);
        empty == (self.version == 0)
            && has_next
            && self.created <= self.term
            && is_list(&self.voters)
            && is_list(&self.goal)
    }
}

fn find(voters: &[Voter], node: NodeId) -> Option<Voter> {
    let place = voters.binary_search_by_key(&node, |voter| voter.node);
    place.ok().map(|place| voters[place])
}

/// The place of a roster in the order of rosters: the newer of two rosters has the higher rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rank {
    // The derived `Ord` compares the term first, so this field must stay first.
    /// See [`Roster::term`].
    pub term: Epoch,
    /// See [`Roster::version`].
    pub version: u64,
}
