use elector_core::{
    Epoch, Membership, NodeId, Outbox, Tally,
    quorum::{Phase, QuorumElection, QuorumNode, Rules},
};
use serde::{Deserialize, Serialize};

use crate::{LogPosition, RaftConfig, RaftDurable};

/// One node of Raft's leader election. The [crate documentation](crate) explains the algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Raft {
    /// The state that Raft has in common with Paxos. Its phases are the server states of the paper
    /// (figure 4: follower, candidate, leader). A candidate may also be one that asks for
    /// pre-votes.
    pub(crate) node: QuorumNode<Self>,
    pub(crate) durable: RaftDurable,
    /// The newest term in which this node gives no vote any more, because the members have changed
    /// since. The node does not vote in an earlier term either.
    pub(crate) closed: Epoch,
}

/// The timers of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RaftTimer {
    /// The first part of the election timeout, `election_min`. While this timer runs, the lease of
    /// a leader may depend on this node's last acknowledgement of a heartbeat.
    Vigil,
    /// The second, random part of the election timeout. When it ends, the node campaigns.
    Stagger,
    /// Begins the second step of a candidacy, in which the candidate votes for itself. Its length
    /// is zero.
    OwnVote,
    /// When this timer elapses, a leader sends its next round of heartbeats.
    Heartbeat,
    /// The time for which a leader may have no acknowledgements of a quorum, `election_min`. When
    /// it ends, the leader steps down.
    Quorum,
}

impl QuorumElection for Raft {
    type Candidacy = Candidacy;
    type Request = Request;

    const VIGIL: RaftTimer = RaftTimer::Vigil;
    const STAGGER: RaftTimer = RaftTimer::Stagger;
    const PAUSE: RaftTimer = RaftTimer::Stagger;
    const HEARTBEAT: RaftTimer = RaftTimer::Heartbeat;
    const QUORUM: RaftTimer = RaftTimer::Quorum;
}

/// What a candidate asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Candidacy {
    /// The node asks whether it could win the next term. Its own term does not change.
    PreVote {
        granted: Tally,
        /// The votes for this node in its own term, if it is still a candidate in that term.
        votes: Tally,
    },
    /// The node asks for votes for the term `election`, which becomes its own term when it votes
    /// for itself.
    Vote { election: Epoch, votes: Tally },
}

/// A request of a peer for support in an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    pub(crate) from: NodeId,
    pub(crate) kind: Kind,
    /// The term of the election.
    pub(crate) term: Epoch,
    pub(crate) last_log: LogPosition,
}

/// What a [`Request`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    PreVote,
    Vote,
    /// A vote for the successor that the leader of the previous term has named. That leader has
    /// stepped down.
    Transfer,
}

pub(crate) fn rules(config: &RaftConfig, members: Membership) -> Rules<Raft> {
    let priority = |node| config.priorities.get(&node).copied().unwrap_or(0);
    Rules::with_priorities(config, members, priority)
}

impl Raft {
    pub(crate) fn new(config: &RaftConfig, members: Membership, durable: RaftDurable) -> Self {
        Self {
            node: QuorumNode::new(rules(config, members), &durable), // I7
            durable,
            closed: Epoch::ZERO,
        }
    }

    pub(crate) fn term(&self) -> Epoch {
        self.durable.term
    }

    /// Enters a higher term. The term changes only in this method, and the vote changes with it in
    /// the same record. The election timeout does not change: a node owes silence to a leader
    /// (votes for no other node) for `election_min`, even if the term changes in this time.
    pub(crate) fn enter(&mut self, term: Epoch, vote: Option<NodeId>) {
        self.durable.term = term; // I1: the term never goes back.
        self.durable.voted_for = vote; // I2: the vote is cleared only when the term grows.
        self.node.elected = None;
    }

    /// "If RPC request or response contains term T > currentTerm: set currentTerm = T, convert to
    /// follower" (figure 2). Before that, this method ends a tenure or a candidacy of this node.
    pub(crate) fn adopt(&mut self, term: Epoch, out: &mut Outbox<Self>) {
        self.step_down(out); // I5
        self.enter(term, None);
    }

    /// Becomes a follower that knows no leader, in the same term.
    pub(crate) fn step_down(&mut self, out: &mut Outbox<Self>) {
        self.node.step_down(out);
        self.node.phase = Phase::Follower { leader: None };
    }
}
