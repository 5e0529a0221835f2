use thiserror::Error;

use crate::{Membership, NodeId};

/// Why a node refuses a [`Command`](crate::Command), and what to do instead. Hosts pass the text of
/// the refusal on to the user who gave the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A command to campaign, while the node leads.
    #[error("this node leads already")]
    LeadsAlready,
    /// A command to campaign, while the node owes a leader silence: the node received a sign of
    /// life of the leader less than `election_min` ago.
    #[error(
        "a leader was there less than election_min ago: have it transfer its leadership, or try \
         again later"
    )]
    LeaderIsFresh,
    /// A command to campaign, at a node that only votes.
    #[error("this node never leads: send the command to another voter")]
    NeverLeads,
    /// A command to resign or to transfer leadership, while the node does not lead.
    #[error("this node does not lead: send the command to the leader")]
    NotTheLeader,
    /// A command to transfer leadership to the leader itself.
    #[error("this node leads already: name another member")]
    TargetLeadsAlready,
    /// A command to transfer leadership to a node that only votes.
    #[error("that node never leads: name another member")]
    TargetNeverLeads,
    /// A command to transfer leadership to a node that is not in the cluster.
    #[error("that node is not in the cluster: name a member")]
    TargetIsNoMember,
    /// A command to transfer leadership to a node that the leader suspects, because the host has
    /// reported that the connection to this node broke.
    #[error("that node's connection is broken: name another member")]
    TargetIsSuspected,
    /// A command to transfer leadership to a node that has not acknowledged a heartbeat of the
    /// leader for `election_min`.
    #[error("that node has not answered this leader for election_min: name another member")]
    TargetIsSilent,
    /// A command to change the members, at a node whose members are fixed.
    #[error("the members of this cluster are fixed while it runs")]
    MembersAreFixed,
    /// A command that only a voter can carry out, at a node that is an observer.
    #[error("this node is an observer, and does not vote: send the command to a voter")]
    Observes,
    /// A command to change the members to an empty list.
    #[error("a cluster needs a voter: name at least one node")]
    NoVoters,
    /// A command to change a roster (the list of the nodes that vote) that the cluster does not
    /// have any more.
    #[error("the members have changed meanwhile: read them again, and decide again")]
    OtherRoster,
    /// A command to change the members, while another change is in progress.
    #[error("another change of the members is in progress: wait until it is complete")]
    ChangeInProgress,
    /// A command to change the members to a list in which all nodes are witnesses, which never
    /// lead.
    #[error("all these nodes are witnesses, which never lead: name another node, too")]
    OnlyWitnesses,
    /// A command to change the members to more nodes than a roster (the list of the nodes that
    /// vote) can have.
    #[error("a cluster has at most 512 voters: name fewer nodes")]
    TooManyVoters,
    /// A command to change the members, while a voter runs a release that cannot follow a change.
    #[error("a voter runs an earlier release that cannot follow a change: upgrade all nodes first")]
    OlderRelease,
    /// A command to readmit a node with a new disk, while the leader has received no message from
    /// the node, or while the node still has the disk that the roster (the list of the nodes that
    /// vote) names for it.
    #[error("that node has not answered from a new disk: format it, start it, and try again")]
    NoOtherDisk,
    /// A command to append to the log, at a node whose algorithm has no log.
    #[error("this algorithm has no log: use one that replicates a log")]
    NoLog,
    /// A command to append to the log, while too many entries are not committed yet.
    #[error("too many commands are not committed yet: try again later")]
    Busy,
    /// A command to append to the log that is too long.
    #[error("the command is longer than 64 KiB: store it elsewhere, and append where it is")]
    CommandTooLong,
    /// A command to transfer leadership to a node that does not have all entries of the log.
    #[error("that node does not have all entries of the log yet: try again later")]
    TargetIsBehind,
    /// A reason that only one algorithm or host has.
    #[error("{0}")]
    Other(&'static str),
}

impl Refusal {
    /// Checks the node that a command transfers leadership to, by the rules that all algorithms
    /// have.
    ///
    /// # Errors
    /// If `target` is the local node, or is not a member.
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
