use alloc::vec::Vec;
use core::fmt;

use crate::{DiskId, Moment, NodeId, RosterId};

/// What a node knows about the members of its cluster, for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembersReport {
    /// The id of the roster that this node has. A roster is the list of the nodes that vote.
    pub roster: RosterId,
    /// The nodes that vote when the change in progress is complete; `None` if no change is in
    /// progress.
    pub goal: Option<Vec<NodeId>>,
    /// The voters, the nodes of `goal`, and on the leader also the observers that answer it. The
    /// list is in ascending order of ids.
    pub members: Vec<Member>,
    /// What the change in progress waits for. Only the leader knows it: on other nodes it is
    /// `None`.
    pub waits_for: Option<ChangeWait>,
}

impl MembersReport {
    /// Returns the nodes that vote now, in ascending order.
    #[must_use]
    pub fn voters(&self) -> Vec<NodeId> {
        let voters = self.members.iter().filter(|member| member.role.votes());
        voters.map(|member| member.node).collect()
    }
}

/// A node in a [`MembersReport`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The id of the node.
    pub node: NodeId,
    /// What the node does in the cluster.
    pub role: MemberRole,
    /// For a voter, the id of the disk with which it votes. For a node that is no voter, the id of
    /// the disk from which it has answered the leader.
    pub disk: Option<DiskId>,
    /// Whether the node never leads.
    pub is_witness: bool,
    /// When the node last answered the leader. Only the leader knows this time, and only while the
    /// members change or while there are observers, which are nodes that do not vote.
    pub heard: Option<Moment>,
}

/// What a node does in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberRole {
    /// The node votes.
    Voter,
    /// The node follows the leader. It does not vote, and does not count for a majority.
    Observer,
    /// The node becomes a voter in the change that is in progress, and does not vote yet.
    Joining,
    /// The node votes now, and is no voter any more when the change in progress is complete.
    Leaving,
}

impl MemberRole {
    /// Returns `true` if a node with this role votes now.
    #[must_use]
    pub fn votes(self) -> bool {
        matches!(self, Self::Voter | Self::Leaving)
    }

    /// Returns the name of the role: one word in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Voter => "voter",
            Self::Observer => "observer",
            Self::Joining => "joining",
            Self::Leaving => "leaving",
        }
    }
}

impl fmt::Display for MemberRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a change of the members waits for. A change is made in steps: each step adds or removes one
/// voter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeWait {
    /// A majority of the voters must store the present roster, the list of the nodes that vote.
    Stored,
    /// A majority of the present voters must acknowledge the leader, so that its lease depends on
    /// these voters only.
    Lease,
    /// This node must answer five heartbeats of the leader in a row in time, before it becomes a
    /// voter.
    Joiner(NodeId),
    /// A majority of the voters without this node must answer the leader, before this node is
    /// removed.
    Majority(NodeId),
    /// The leader itself is removed last: another node must take over the leadership first.
    HandOver,
}

impl fmt::Display for ChangeWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored => f.write_str("a majority of the voters must store the present list"),
            Self::Lease => f.write_str("the lease of the leader must rest on the present voters"),
            Self::Joiner(node) => write!(
                f,
                "node {node} must answer the leader five times in a row in time: check that it \
                 runs and is reachable"
            ),
            Self::Majority(node) => write!(
                f,
                "a majority of the voters that stay must answer before node {node} leaves"
            ),
            Self::HandOver => f.write_str(
                "the leader leaves last, and must hand over first: another voter that can lead \
                 must answer it",
            ),
        }
    }
}
