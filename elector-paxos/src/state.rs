use elector_core::{
    Delay, Epoch, Membership, NodeId, NodeSet, Outbox, Tally,
    quorum::{Phase, QuorumElection, QuorumNode, Rules},
};
use serde::{Deserialize, Serialize};

use crate::{Ballot, PaxosConfig, PaxosDurable, Proposal, durable::Memory};

/// One node of the Paxos election: proposer, acceptor and learner in one. The
/// [crate documentation](crate) explains the algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Paxos {
    /// The state of the node as follower, proposer or leader. In addition, the node is always an
    /// acceptor and a learner.
    pub(crate) node: QuorumNode<Self>,
    pub(crate) memory: Memory,
    /// The learner's count of acceptances, if it has received any for an epoch without a known
    /// leader.
    pub(crate) count: Option<Count>,
    pub(crate) seen: Seen,
    /// The epoch at the last start of this node. The node may have led this epoch before a restart,
    /// so it does not lead this epoch any more.
    pub(crate) restored: Epoch,
    /// The newest instance that is closed because the members have changed since. The node does not
    /// promise, accept, propose or count in this instance or an earlier one: acceptors that are new
    /// members do not know what earlier members have accepted there.
    pub(crate) closed: Epoch,
    /// The instance in which this node proposes as the successor that the previous leader named.
    pub(crate) handover: Option<Epoch>,
}

/// The timers of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PaxosTimer {
    /// The first part of the election timeout, `election_min`. While this timer runs, the lease of
    /// a leader may depend on this node's last acknowledgement of a heartbeat.
    Vigil,
    /// The second, random part of the election timeout. When it ends, the node proposes.
    Stagger,
    /// The partly random time that this node leaves to a proposal, its own or a peer's, for a
    /// decision. When this time ends, the node proposes.
    Retry,
    /// Begins the second step of phase 1, in which the proposer promises to itself. Its length is
    /// zero.
    OwnPromise,
    /// Begins the second step of phase 2, in which the proposer accepts its own proposal. Its
    /// length is zero.
    OwnAccept,
    /// When this timer elapses, a leader sends its next round of heartbeats.
    Heartbeat,
    /// The time for which a leader may have no acknowledgements of a quorum, `election_min`. When
    /// it ends, the leader steps down.
    Quorum,
}

impl QuorumElection for Paxos {
    type Candidacy = Candidacy;
    type Request = Request;

    const VIGIL: PaxosTimer = PaxosTimer::Vigil;
    const STAGGER: PaxosTimer = PaxosTimer::Stagger;
    const PAUSE: PaxosTimer = PaxosTimer::Retry;
    const HEARTBEAT: PaxosTimer = PaxosTimer::Heartbeat;
    const QUORUM: PaxosTimer = PaxosTimer::Quorum;
}

/// A proposal of this node that is not decided yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidacy {
    pub(crate) instance: Epoch,
    pub(crate) ballot: Ballot,
    /// How many proposals in a row the node has made without a wait before them, this one included:
    /// 0 for the first proposal after a wait, 1 for the next, and so on.
    pub(crate) retries: u32,
    pub(crate) phase: ProposalPhase,
}

/// The phase of a proposal: the two phases of the paper.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ProposalPhase {
    Prepare {
        promises: Tally,
        /// The peers that refuse only because they do not know what they have promised before a
        /// restart. They would promise a ballot above the bound that their refusal names.
        bounds: NodeSet,
        /// The highest proposal that a promise has named as accepted.
        highest: Option<Proposal>,
        /// Whether the node's own promise is among the promises.
        own: bool,
    },
    Accept {
        value: NodeId,
        /// The nodes that refused the proposal. The learner counts the acceptances.
        refusals: Tally,
    },
}

/// The learner's count of the acceptances of one proposal: the proposal with the highest ballot
/// that the learner knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Count {
    pub(crate) epoch: Epoch,
    pub(crate) proposal: Proposal,
    pub(crate) acceptors: Tally,
}

/// The highest numbers that this node has seen in messages and on its disk. The node uses these
/// numbers to choose its next ballot. The numbers do not bind the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    /// The newest instance that a refusal has named, or that was on disk at the start.
    pub(crate) instance: Epoch,
    /// The highest counter of a ballot that this node has seen. After a restart it begins with the
    /// highest counter that this node may have promised.
    pub(crate) counter: u64,
}

/// Whether this step has sent the decision, as a `Learn`, to all peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Sent,
    NotSent,
}

/// A `Prepare` that this node has received.
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
            // I6: a node that has run before may owe a leader silence (may support no other node
            // yet).
            node: QuorumNode::new(Rules::new(config, members), &durable),
            count: None,
            seen: Seen {
                instance: durable.instance,
                counter: durable.counter,
            },
            restored: durable.epoch,
            closed: Epoch::ZERO,
            handover: None,
            memory: Memory::restore(durable),
        }
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.memory.disk.epoch
    }

    /// Enters a newer epoch. No other method changes the epoch. An election timeout that runs
    /// continues: a node owes silence to a leader (supports no other node) for `election_min`, even
    /// if the epoch changes in this time.
    pub(crate) fn enter(&mut self, epoch: Epoch, out: &mut Outbox<Self>) {
        self.node.step_down(out);
        self.memory.enter(epoch, self.seen.counter);
        self.node.elected = None;
        let outdated = match &self.node.phase {
            Phase::Candidate(candidacy) => candidacy.instance < epoch,
            Phase::Follower { .. } | Phase::Leader(_) => true,
        };
        if outdated {
            self.node.phase = Phase::Follower { leader: None };
        }
    }

    /// Returns the instance and the ballot of this node's next proposal, or `None` if there are no
    /// higher numbers. The ballot is above all ballots that the node has seen. If the node knows
    /// the leader of the present epoch, the instance is the next one. Otherwise it is the instance
    /// of the present epoch again. If the node knows of a newer instance, it takes the newer
    /// instance. The node does not propose in the epoch that it had at its start: if that epoch has
    /// a leader, this node has received nothing from the leader for `election_min`.
    pub(crate) fn next_ballot(&self) -> Option<(Epoch, Ballot)> {
        let epoch = self.epoch();
        let closed = self.node.elected.is_some() || epoch <= self.restored.max(self.closed);
        let open = if closed { epoch.checked_next()? } else { epoch };
        let instance = open.max(self.memory.floor().0).max(self.seen.instance);
        let above = self.seen.counter.checked_add(1)?; // I2: no ballot is used twice.
        let node = self.node.me();
        let first = self.node.rules.config.first_ballot.get(&node);
        let counter = above.max(first.copied().unwrap_or(1));
        Some((instance, Ballot { counter, node }))
    }

    /// Sets the wait that gives a proposal, of this node or of a peer, the time for its decision.
    /// This wait is the two round trips that a decision needs, and a random time that widens with
    /// the count of attempts. So one of two proposers that beat each other succeeds in the end
    /// ("Paxos Made Simple", section 2.4: progress needs a distinguished proposer).
    pub(crate) fn wait_for_decision(&mut self, out: &mut Outbox<Self>) {
        let timing = self.node.rules.timing();
        let proposal = timing.round_trip.saturating_mul(2);
        let spread = timing.stagger(self.node.attempts.count()).max;
        let delay = Delay::between(proposal, proposal.saturating_add(spread));
        self.node.wait(PaxosTimer::Retry, delay, out);
    }

    /// Records the leader of the present epoch.
    pub(crate) fn learn_leader(&mut self, leader: NodeId) {
        self.node.elected = Some(leader);
        let epoch = self.epoch();
        self.count.take_if(|count| count.epoch <= epoch);
    }
}
