use crate::{Acks, NodeId, NodeSet};

/// The phase of a node in the election. `C` is the algorithm's type for a candidacy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase<C> {
    /// The node follows a leader, or waits for one.
    Follower {
        /// The leader, if this node knows one and has not marked it down (taken it for failed).
        leader: Option<NodeId>,
    },
    /// The node tries to be elected.
    Candidate(C),
    /// The node leads.
    Leader(LeaderState),
}

/// The state of a leader.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeaderState {
    pub(super) acks: Acks,
    // The peers that have acknowledged a round since this set was last emptied. It is emptied as
    // soon as these peers and the leader are a quorum.
    pub(super) answered: NodeSet,
}
