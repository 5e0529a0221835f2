use super::{ElectionTimeout, ElectionTimers, LeaderState};
use crate::{Epoch, Membership, Moment, NodeId, View};

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

impl<C> Phase<C> {
    /// What an observer may know of the node `me` in `epoch`.
    #[must_use]
    pub fn view(&self, epoch: Epoch, me: NodeId) -> View {
        match self {
            Self::Follower { leader } => View::following(epoch, *leader),
            Self::Candidate(_) => View::campaigning(epoch),
            Self::Leader(_) => View::leading(epoch, me),
        }
    }

    /// Returns `true` if this node leads.
    #[must_use]
    pub fn leads(&self) -> bool {
        matches!(self, Self::Leader(_))
    }

    /// Returns `true` if this node tries to be elected.
    #[must_use]
    pub fn campaigns(&self) -> bool {
        matches!(self, Self::Candidate(_))
    }

    /// Returns `true` if this node follows `peer`.
    #[must_use]
    pub fn follows(&self, peer: NodeId) -> bool {
        matches!(self, Self::Follower { leader } if *leader == Some(peer))
    }

    /// Checks what holds in every algorithm of a node `me` that knows `elected` as the leader of
    /// its epoch.
    ///
    /// # Errors
    /// The first broken invariant.
    pub fn check<T: ElectionTimers, R: Copy>(
        &self,
        me: NodeId,
        elected: Option<NodeId>,
        timeout: &ElectionTimeout<T, R>,
    ) -> Result<(), &'static str> {
        match self {
            Self::Leader(_) if elected != Some(me) => {
                Err("a leader is the node that was elected in its epoch")
            }
            Self::Leader(_) if !timeout.is_stopped() => {
                Err("a leader waits for no election timeout")
            }
            Self::Follower { leader } if leader.is_some() && *leader != elected => {
                Err("a follower follows the leader that was elected in its epoch")
            }
            Self::Follower { .. } | Self::Candidate(_) if timeout.is_stopped() => {
                Err("a node that does not lead waits for an election timeout")
            }
            Self::Follower { .. } | Self::Candidate(_) | Self::Leader(_) => Ok(()),
        }
    }

    /// See [`ElectionAlgorithm::lease`](crate::ElectionAlgorithm::lease).
    #[must_use]
    pub fn lease(&self, members: &Membership) -> Option<Moment> {
        match self {
            Self::Leader(state) => state.lease(members),
            Self::Follower { .. } | Self::Candidate(_) => None,
        }
    }
}
