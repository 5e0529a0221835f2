use thiserror::Error;

/// Why a node did not carry out a [`Command`](crate::Command), and what to do instead. Hosts pass
/// the text on to the user who gave the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The node is asked to campaign while it leads.
    #[error("this node leads already")]
    LeadsAlready,
    /// The same, from Bully.
    #[error("this node leads already: there is nothing to campaign for")]
    NothingToCampaignFor,
    /// The node is asked to campaign while it owes a leader silence.
    #[error(
        "a leader was there less than election_min ago: have it transfer its leadership, or try \
         again later"
    )]
    LeaderIsFresh,
    /// The node is asked to resign while it does not lead.
    #[error("this node does not lead: only the leader can resign")]
    ResignsWithoutLeading,
    /// The same, from Ring.
    #[error("only the leader can resign: this node does not lead")]
    OnlyTheLeaderResigns,
    /// The node is asked to transfer leadership while it does not lead.
    #[error("this node does not lead: only the leader can transfer leadership")]
    TransfersWithoutLeading,
    /// The same, from Ring.
    #[error("only the leader can hand over: this node does not lead")]
    OnlyTheLeaderHandsOver,
    /// The node is asked to resign or to transfer leadership while it does not lead; from Bully.
    #[error("this node does not lead: send the command to the leader")]
    NotTheLeader,
    /// The leader is asked to transfer leadership to itself.
    #[error("this node leads already: name another member")]
    HeirLeadsAlready,
    /// The leader is asked to transfer leadership to a node outside of the cluster.
    #[error("that node is not in the cluster: name a member")]
    HeirIsNoMember,
    /// The leader is asked to transfer leadership to itself or to a node outside of the cluster;
    /// from Bully.
    #[error("leadership can only be transferred to another node of the cluster")]
    HeirIsNoPeer,
    /// The same, from Ring.
    #[error("leadership can be handed over to another node of the cluster only")]
    OnlyPeersTakeOver,
    /// The leader is asked to transfer leadership to a node that it suspects.
    #[error("that node's connection is broken: name another member")]
    HeirIsSuspected,
    /// The leader is asked to transfer leadership to a node that does not answer it.
    #[error("that node has not answered this leader for election_min: name another member")]
    HeirIsSilent,
    /// A reason that only one algorithm or host has.
    #[error("{0}")]
    Other(&'static str),
}

impl From<&'static str> for Refusal {
    fn from(reason: &'static str) -> Self {
        Self::Other(reason)
    }
}
