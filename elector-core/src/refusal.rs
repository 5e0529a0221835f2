use thiserror::Error;

use crate::{Membership, NodeId};

/// Why a node did not carry out a [`Command`](crate::Command), and what to do instead. Hosts pass
/// the text on to the user who gave the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The node is asked to campaign while it leads.
    #[error("this node leads already")]
    LeadsAlready,
    /// The node is asked to campaign while it owes a leader silence.
    #[error(
        "a leader was there less than election_min ago: have it transfer its leadership, or try \
         again later"
    )]
    LeaderIsFresh,
    /// The node is asked to resign or to transfer leadership while it does not lead.
    #[error("this node does not lead: send the command to the leader")]
    NotTheLeader,
    /// The leader is asked to transfer leadership to itself.
    #[error("this node leads already: name another member")]
    TargetLeadsAlready,
    /// The leader is asked to transfer leadership to a node outside of the cluster.
    #[error("that node is not in the cluster: name a member")]
    TargetIsNoMember,
    /// The leader is asked to transfer leadership to a node that it suspects.
    #[error("that node's connection is broken: name another member")]
    TargetIsSuspected,
    /// The leader is asked to transfer leadership to a node that does not answer it.
    #[error("that node has not answered this leader for election_min: name another member")]
    TargetIsSilent,
    /// A reason that only one algorithm or host has.
    #[error("{0}")]
    Other(&'static str),
}

impl Refusal {
    /// Checks what all algorithms require of a node that leadership is transferred to.
    ///
    /// # Errors
    /// If it is the local node, or no member.
    pub fn check_target(members: &Membership, target: NodeId) -> Result<(), Self> {
        if target == members.me() {
            Err(Self::TargetLeadsAlready)
        } else if members.contains(target) {
            Ok(())
        } else {
            Err(Self::TargetIsNoMember)
        }
    }
}

impl From<&'static str> for Refusal {
    fn from(reason: &'static str) -> Self {
        Self::Other(reason)
    }
}
