use alloc::sync::Arc;

use super::{Phase, QuorumElection, Rules, election_timeout::Silence};
use crate::{Attempts, Configuration as _, Epoch, ExclusiveTimer, NodeId, NodeSet, View};

/// The state of a node in an algorithm that elects by a majority.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QuorumNode<A: QuorumElection> {
    /// The members and the configuration. Only [`reseat`](Self::reseat) replaces them.
    pub rules: Arc<Rules<A>>,
    /// The phase of the node: it follows a leader or waits for one, is a candidate, or leads.
    pub phase: Phase<A::Candidacy>,
    /// The leader of the current epoch, once it is known. The leader stays in this field after it
    /// has stepped down or was marked down, because an epoch never has another leader.
    pub elected: Option<NodeId>,
    /// The elections in a row without a winner, as far as this node took part in them. Their number
    /// widens the random part of the election timeout.
    pub attempts: Attempts,
    /// The timer of the election timeout. It runs while this node does not lead.
    pub(super) timer: ExclusiveTimer<A::Timer>,
    /// The [silence](Self::owes_silence) that this node owes to a leader, if there is any: during
    /// the silence, this node supports no other node. The silence lasts at most as long as the
    /// vigil, which is the first part of the election timeout.
    pub(super) silence: Option<Silence<A::Request>>,
    /// The peers that the host has reported as failed, until their messages arrive again.
    pub suspects: NodeSet,
    /// Whether this node has resigned as the leader. Then it does not campaign when its election
    /// timeout ends the next time.
    pub(super) has_resigned: bool,
}

impl<A: QuorumElection> QuorumNode<A> {
    /// Creates a node that starts with this durable state. A node that has run before may have
    /// acknowledged a heartbeat just before its crash, and the leader may still rely on that
    /// acknowledgement for its lease. So such a node starts with [silence](Self::owes_silence) that
    /// it owes to an unknown leader: it supports no node until its first vigil has ended.
    #[must_use]
    pub fn new(rules: Rules<A>, durable: &A::Durable) -> Self {
        let may_owe_silence = A::has_lease(&rules.config) && *durable != A::Durable::default();
        Self {
            rules: Arc::new(rules),
            phase: Phase::Follower { leader: None },
            elected: None,
            attempts: Attempts::new(),
            timer: ExclusiveTimer::started(A::VIGIL),
            silence: may_owe_silence.then(|| Silence::owed_to(None)),
            suspects: NodeSet::new(),
            has_resigned: false,
        }
    }

    /// Returns the local node.
    #[must_use]
    pub fn me(&self) -> NodeId {
        self.rules.members.me()
    }

    /// Returns the view of this node, which is in `epoch`.
    #[must_use]
    pub fn view(&self, epoch: Epoch) -> View {
        match self.phase {
            Phase::Follower { leader } => View::following(epoch, leader),
            Phase::Candidate(_) => View::campaigning(epoch),
            Phase::Leader(_) => View::leading(epoch, self.me()),
        }
    }

    /// Returns `true` if this node leads.
    #[must_use]
    pub fn leads(&self) -> bool {
        matches!(self.phase, Phase::Leader(_))
    }

    /// Returns `true` if this node only votes, and never campaigns.
    #[must_use]
    pub fn never_leads(&self) -> bool {
        self.rules.config.never_leads()
    }

    /// Returns `true` if this node is a candidate.
    #[must_use]
    pub fn campaigns(&self) -> bool {
        matches!(self.phase, Phase::Candidate(_))
    }

    /// Returns `true` if this node leads, or if it received a sign of life of a leader less than
    /// `election_min` ago. Returns `true` also if the node may have received such a sign of life
    /// before a restart.
    #[must_use]
    pub fn has_fresh_leader(&self) -> bool {
        self.leads() || self.owes_silence()
    }

    /// Checks the invariants that all algorithms with majority elections have.
    ///
    /// # Errors
    /// Returns the first broken invariant, in words.
    pub fn check(&self) -> Result<(), &'static str> {
        match self.phase {
            Phase::Leader(_) if self.elected != Some(self.me()) => {
                Err("a leader is the node that was elected in its epoch")
            }
            Phase::Follower { leader } if leader.is_some() && leader != self.elected => {
                Err("a follower follows the leader that was elected in its epoch")
            }
            _ if self.leads() != self.is_stopped() => {
                Err("a node waits for an election timeout unless it leads")
            }
            Phase::Follower { .. } | Phase::Candidate(_) | Phase::Leader(_) => Ok(()),
        }
    }
}
