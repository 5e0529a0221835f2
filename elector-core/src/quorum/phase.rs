use crate::{Acks, NodeId, NodeSet};

/// What a node is doing. `C` is a candidacy of the algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase<C> {
    /// Follows a leader, or waits for one.
    Follower {
        /// The leader, if this node knows one and has not given it up.
        leader: Option<NodeId>,
    },
    /// Tries to be elected.
    Candidate(C),
    /// Leads.
    Leader(LeaderState),
}

/// What a leader knows of its peers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeaderState {
    pub(super) acks: Acks,
    // The peers heard from since the last time that they made a quorum.
    pub(super) heard: NodeSet,
}
