use core::time::Duration;

use elector_core::{Delay, Epoch, Membership, NodeId, NodeSet, Outbox, View};
use serde::{Deserialize, Serialize};

use crate::{BullyConfig, BullyDurable};

/// One node of the Bully algorithm. The [crate documentation](crate) explains the algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bully {
    pub(crate) config: BullyConfig,
    pub(crate) members: Membership,
    pub(crate) durable: BullyDurable,
    /// The highest epoch that this node knows of, which is at least the durable epoch. The next
    /// tenure of this node has an epoch above `highest`. A crash loses this value. So the epoch of
    /// a winner may be too low; then the winner receives `Outdated`.
    pub(crate) highest: Epoch,
    /// The coordinator of the durable epoch. It is `None` if this node knows no such coordinator,
    /// has started an election since, or has stepped down.
    pub(crate) leader: Option<NodeId>,
    /// Whether the coordinator `leader` leads by a transfer, and not by an election.
    pub(crate) appointed: bool,
    /// Whether the coordinator `leader` gave a sign of life (COORDINATOR or a heartbeat) within the
    /// last `election_min`. Always true while the node itself leads.
    pub(crate) is_fresh: bool,
    pub(crate) phase: Phase,
    pub(crate) eligibility: Eligibility,
    /// Whether the node has just started, has learned of no coordinator yet, and has not asked the
    /// nodes with lower ids for a coordinator.
    pub(crate) is_recovering: bool,
    /// The number of elections in a row, with this node as a candidate, that elected no node.
    pub(crate) attempts: u32,
    /// Peers that the host (the program that runs the algorithm) suspects, and from which this node
    /// has received nothing since.
    pub(crate) suspects: NodeSet,
    /// Peers for which the host (the program that runs the algorithm) has reported a proof of
    /// death, and from which this node has received nothing since.
    pub(crate) dead: NodeSet,
}

/// The timers of a node. After the start exactly one runs: the timer of the phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BullyTimer {
    /// The first part of the election timeout, `election_min`. When it ends, this node has received
    /// no sign of life of a coordinator (COORDINATOR or a heartbeat) in this time.
    Vigil,
    /// The second, random part of the election timeout, or the wait for a node's turn after a
    /// suspicion (the higher nodes go first). When it ends, the node asks the higher nodes.
    Stagger,
    /// The wait of a candidate for answers of nodes with higher ids: the paper's T. When it ends,
    /// no node has answered.
    Answer,
    /// The wait for COORDINATOR after a higher node has answered: the paper's T′. When it ends, no
    /// node has become coordinator.
    Coordinator,
    /// When this timer elapses, a coordinator sends its next heartbeat.
    Heartbeat,
}

/// The phase of an election, as one node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// The node follows a coordinator, or waits for one.
    Following,
    /// The coordinator has sent no sign of life in time, or is suspected. The node asks the higher
    /// nodes when its random wait, or the wait for its turn (the higher nodes go first), has ended.
    Due,
    /// The node has asked all higher nodes, and none of them has answered yet.
    Asking,
    /// The node has recovered, and no higher node has answered. It has asked the lower nodes
    /// whether one of them leads.
    Confirming,
    /// A higher node has answered. The node waits for COORDINATOR.
    Awaiting,
    /// The node is the coordinator.
    Leading,
}

impl Phase {
    /// Returns the timer that runs in this phase.
    pub(crate) const fn timer(self) -> BullyTimer {
        match self {
            Self::Following => BullyTimer::Vigil,
            Self::Due => BullyTimer::Stagger,
            Self::Asking | Self::Confirming => BullyTimer::Answer,
            Self::Awaiting => BullyTimer::Coordinator,
            Self::Leading => BullyTimer::Heartbeat,
        }
    }

    /// Returns `true` if the node is a candidate.
    pub(crate) const fn is_election(self) -> bool {
        matches!(self, Self::Asking | Self::Confirming | Self::Awaiting)
    }
}

/// Whether a node wants to lead. After a restart, each node is eligible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Eligibility {
    /// The node takes part in every election.
    Eligible,
    /// The node has stepped down on command, and knows no successor. It takes no part in elections
    /// for a bounded time, as if it were dead.
    Resigned,
    /// The node has stepped down on command, and knows its successor. It takes part in elections
    /// after the coordinator fails, but does not take over from a live coordinator.
    Yielding,
}

impl Bully {
    pub(crate) fn new(config: BullyConfig, members: Membership, durable: BullyDurable) -> Self {
        Self {
            highest: durable.epoch,
            leader: None,
            appointed: false,
            is_fresh: false,
            phase: Phase::Following,
            eligibility: Eligibility::Eligible,
            is_recovering: false,
            attempts: 0,
            suspects: NodeSet::new(),
            dead: NodeSet::new(),
            config,
            members,
            durable,
        }
    }

    pub(crate) fn current_view(&self) -> View {
        let epoch = self.durable.epoch;
        match self.phase {
            Phase::Following | Phase::Due => View::following(epoch, self.leader),
            Phase::Asking | Phase::Confirming | Phase::Awaiting => View::campaigning(epoch),
            Phase::Leading => View::leading(epoch, self.members.me()),
        }
    }

    /// Returns the coordinator, if it gave a sign of life within the last `election_min`.
    pub(crate) fn live_leader(&self) -> Option<NodeId> {
        self.leader.filter(|_| self.is_fresh)
    }

    /// Remembers the epoch of a message, if it is the highest epoch so far (invariant I3).
    pub(crate) fn learn(&mut self, epoch: Epoch) {
        self.highest = self.highest.max(epoch);
    }

    /// Enters `phase`. Its timer runs for `delay`, and replaces the timer of the previous phase
    /// (invariant I4).
    pub(crate) fn enter(&mut self, phase: Phase, delay: Delay, out: &mut Outbox<Self>) {
        if self.phase.timer() != phase.timer() {
            out.cancel_timer(self.phase.timer());
        }
        self.phase = phase;
        out.set_timer(phase.timer(), delay);
    }

    /// Forgets the coordinator.
    pub(crate) fn forget_leader(&mut self) {
        self.leader = None;
        self.appointed = false;
        self.is_fresh = false;
    }

    /// Returns `true` if a candidate need not wait for answers: all higher nodes are proved dead,
    /// or all are suspected and the option `skip_suspected` is on. A node that is proved dead does
    /// not answer, but a node that is only suspected may answer.
    pub(crate) fn is_unopposed(&self) -> bool {
        let silent = |&node| self.dead.contains(node);
        self.members.above().iter().all(silent) || self.config.skip_suspected && self.rank() == 0
    }

    /// Returns the number of nodes with a higher id that are not suspected. Each of these nodes
    /// would win an election against this node.
    pub(crate) fn rank(&self) -> usize {
        let above = self.members.above().iter();
        above.filter(|&&node| !self.suspects.contains(node)).count()
    }

    /// Returns the wait of this node after a suspicion of the coordinator. This wait is longer, by
    /// the time of one election, than the wait of the next higher node that is not suspected. So
    /// normally only the highest of these nodes asks. The fixed part of the wait is never longer
    /// than `election_min`.
    pub(crate) fn turn(&self) -> Delay {
        let timing = &self.config.timing;
        let answer_timeout = self.config.answer_timeout();
        let election = answer_timeout.saturating_add(timing.round_trip);
        let rank = u32::try_from(self.rank()).unwrap_or(u32::MAX);
        let first = election.saturating_mul(rank).min(timing.election_min);
        Delay::between(first, first.saturating_add(timing.round_trip / 2))
    }

    /// Returns how long a candidate that got an answer waits for COORDINATOR. The node that
    /// answered must ask, wait for the answer timeout, and send COORDINATOR. After failed elections
    /// the wait is longer and random.
    pub(crate) fn coordinator_timeout(&self) -> Delay {
        let least = self.config.answer_timeout().saturating_mul(2);
        let extra = match self.attempts {
            0 => Duration::ZERO,
            attempt => self.config.timing.stagger(attempt).max,
        };
        Delay::between(least, least.saturating_add(extra))
    }

    /// Returns how long a node that stepped down takes no part in elections if it learns of no
    /// successor. In this time any other node can detect that there is no coordinator, win an
    /// election and announce itself.
    pub(crate) fn abstention(&self) -> Delay {
        let timing = &self.config.timing;
        let election = self.config.answer_timeout().saturating_mul(2);
        let least = timing.election_max.saturating_add(election);
        Delay::exactly(least.saturating_add(timing.heartbeat))
    }
}
