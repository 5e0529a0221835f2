use elector_core::{
    Delay, Epoch, Membership, NodeId, NodeSet, Outbox, Tally,
    quorum::{Phase, QuorumElection, QuorumNode, Rules},
};
use serde::{Deserialize, Serialize};

use crate::{Ballot, PaxosConfig, PaxosDurable, Proposal, durable::Memory};

/// One node of the Paxos election: proposer, acceptor and learner at once. See the
/// [crate](crate) for the algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Paxos {
    /// What this node is doing, besides being an acceptor and a learner, which it always is.
    pub(crate) node: QuorumNode<Self>,
    pub(crate) memory: Memory,
    /// The learner's count.
    pub(crate) count: Option<Count>,
    pub(crate) seen: Seen,
    /// The epoch that this life of the node began with. It may have led this one in an earlier
    /// life, so it does not lead it in this one.
    pub(crate) restored: Epoch,
    /// The instance in which this node proposes in the name of the leader before.
    pub(crate) handover: Option<Epoch>,
}

/// The timers of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PaxosTimer {
    /// The first part of the election timeout, `election_min`: the leader may still be there.
    Vigil,
    /// The rest of the election timeout, random; when it ends, the node proposes.
    Stagger,
    /// For how long a proposal, the node's own or another's, may go on without a decision; random.
    /// When it ends, the node proposes.
    Retry,
    /// The second step of phase 1: the proposer promises to itself.
    OwnPromise,
    /// The second step of phase 2: the proposer accepts its own proposal.
    OwnAccept,
    /// A leader's next round of heartbeats.
    Heartbeat,
    /// For how long a leader may be without a quorum.
    Quorum,
}

impl QuorumElection for Paxos {
    type Candidacy = Proposing;
    type Request = Request;

    const VIGIL: PaxosTimer = PaxosTimer::Vigil;
    const STAGGER: PaxosTimer = PaxosTimer::Stagger;
    const PAUSE: PaxosTimer = PaxosTimer::Retry;
    const HEARTBEAT: PaxosTimer = PaxosTimer::Heartbeat;
    const QUORUM: PaxosTimer = PaxosTimer::Quorum;
}

/// A proposal under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proposing {
    pub(crate) instance: Epoch,
    pub(crate) ballot: Ballot,
    /// How many proposals in a row have followed each other at once, up to this one.
    pub(crate) at_once: u32,
    pub(crate) stage: Stage,
}

/// The two phases of the paper.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Prepare {
        promises: Tally,
        /// Those that refuse only because they do not know what they have promised before a
        /// restart: nothing else stands against a higher ballot.
        bounds: NodeSet,
        /// The highest proposal that those who promised have accepted.
        highest: Option<Proposal>,
        /// Whether the node's own promise is among the promises.
        own: bool,
    },
    Accept {
        value: NodeId,
        /// Those that refused it. The learner counts the acceptances.
        refusals: Tally,
    },
}

/// The learner's count of the acceptances of one proposal, the highest it has heard of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Count {
    pub(crate) epoch: Epoch,
    pub(crate) proposal: Proposal,
    pub(crate) acceptors: Tally,
}

/// What this node has heard of without being bound by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    /// The newest instance that a node is an acceptor of.
    pub(crate) instance: Epoch,
    /// The highest counter of a ballot. After a restart, the highest that the node may have
    /// promised.
    pub(crate) counter: u64,
}

/// Whether this step has sent the decision to all peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Sent,
    NotSent,
}

/// A `Prepare`, as it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    pub(crate) from: NodeId,
    pub(crate) instance: Epoch,
    pub(crate) ballot: Ballot,
    pub(crate) handover: bool,
}

impl Paxos {
    pub(crate) fn new(config: &PaxosConfig, members: Membership, durable: PaxosDurable) -> Self {
        Self {
            node: QuorumNode::new(Rules::new(config, members), &durable), // I6
            count: None,
            seen: Seen {
                instance: durable.instance,
                counter: durable.counter,
            },
            restored: durable.epoch,
            handover: None,
            memory: Memory::restore(durable),
        }
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.memory.disk.epoch
    }

    /// Leaves the older epochs behind: the only place where the epoch changes. The election timeout
    /// stays as it is: silence is owed to a leader for a time, not for an epoch.
    pub(crate) fn enter(&mut self, epoch: Epoch, out: &mut Outbox<Self>) {
        self.node.step_down(out);
        self.memory.enter(epoch, self.seen.counter);
        self.node.elected = None;
        let outlived = match &self.node.phase {
            Phase::Candidate(proposing) => proposing.instance < epoch,
            Phase::Follower { .. } | Phase::Leader(_) => true,
        };
        if outlived {
            self.node.phase = Phase::Follower { leader: None };
        }
    }

    /// A ballot above all seen, for the newest instance that may still be open: the one after the
    /// present epoch if that has its leader, the present one again if not. One from before a
    /// restart is left behind: if it came to a decision, its leader has kept silent for a vigil.
    pub(crate) fn next_ballot(&self) -> Option<(Epoch, Ballot)> {
        let epoch = self.epoch();
        let closed = self.node.elected.is_some() || epoch <= self.restored;
        let open = if closed {
            epoch.0.checked_add(1).map(Epoch)?
        } else {
            epoch
        };
        let instance = open.max(self.memory.floor().0).max(self.seen.instance);
        let above = self.seen.counter.checked_add(1)?; // I2
        let first = self
            .node
            .rules
            .config
            .first_ballot
            .get(&self.node.me())
            .copied();
        let ballot = Ballot {
            counter: above.max(first.unwrap_or(1)),
            node: self.node.me(),
        };
        Some((instance, ballot))
    }

    /// Leaves a proposal, this node's own or another's, the time to come to a decision: the two
    /// round trips that it needs, and a random time on top, wider with each attempt, so that of two
    /// proposers that beat each other one gets through ("Paxos Made Simple", section 2.4: progress
    /// needs a distinguished proposer).
    pub(crate) fn wait_for_decision(&mut self, out: &mut Outbox<Self>) {
        let timing = self.node.rules.timing();
        let proposal = timing.round_trip.saturating_mul(2);
        let spread = timing.stagger(self.node.attempts.count()).max;
        let delay = Delay::between(proposal, proposal.saturating_add(spread));
        self.node.wait(PaxosTimer::Retry, delay, out);
    }

    /// The leader of the present epoch is known from now on.
    pub(crate) fn learn_leader(&mut self, leader: NodeId) {
        self.node.elected = Some(leader);
        let epoch = self.epoch();
        if self
            .count
            .as_ref()
            .is_some_and(|count| count.epoch <= epoch)
        {
            self.count = None;
        }
    }
}
