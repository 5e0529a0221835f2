use core::time::Duration;

use elector_core::{Delay, Epoch, Membership, NodeId, NodeSet, Outbox, View};
use serde::{Deserialize, Serialize};

use crate::{BullyConfig, BullyDurable};

/// One node of the Bully algorithm. See the [crate documentation](crate).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bully {
    pub(crate) config: BullyConfig,
    pub(crate) members: Membership,
    pub(crate) durable: BullyDurable,
    /// The highest epoch heard of, at least the durable one. The next tenure is numbered above it.
    /// Lost in a crash: a winner that numbers itself too low receives `Outdated`.
    pub(crate) highest: Epoch,
    /// The coordinator of the durable epoch, unless it is given up.
    pub(crate) leader: Option<NodeId>,
    /// Whether that coordinator leads by a transfer.
    pub(crate) appointed: bool,
    /// Whether that coordinator was heard of within one vigil. A coordinator hears itself.
    pub(crate) fresh: bool,
    pub(crate) phase: Phase,
    pub(crate) standing: Standing,
    /// Whether the node has just started and has heard of no coordinator.
    pub(crate) recovering: bool,
    /// Elections in a row that elected no node, as far as this node took part.
    pub(crate) attempts: u32,
    /// Peers that the host reported gone and that were not heard from since.
    pub(crate) suspects: NodeSet,
    /// Peers that were proved dead, and that were not heard from since.
    pub(crate) dead: NodeSet,
}

/// The timers of [`Bully`]. Exactly one runs at any time after the start: that of the phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BullyTimer {
    /// No coordinator was heard for a vigil.
    Vigil,
    /// The random rest of the election timeout, or a node's turn after a hint.
    Stagger,
    /// No node answered: the paper's T.
    Answer,
    /// A higher node answered, and no node became coordinator: the paper's T′.
    Coordinator,
    /// A coordinator's next heartbeat is due.
    Heartbeat,
}

/// Where a node stands in an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Follows a coordinator, or listens for one.
    Following,
    /// Misses the coordinator; will ask when its turn comes.
    Due,
    /// Has asked all higher nodes, none has answered.
    Asking,
    /// Has recovered, and no higher node answers: asks if one of the lower nodes leads.
    Confirming,
    /// A higher node has answered: waits for COORDINATOR.
    Awaiting,
    /// Is the coordinator.
    Leading,
}

impl Phase {
    /// The timer that runs in this phase.
    pub(crate) const fn timer(self) -> BullyTimer {
        match self {
            Self::Following => BullyTimer::Vigil,
            Self::Due => BullyTimer::Stagger,
            Self::Asking | Self::Confirming => BullyTimer::Answer,
            Self::Awaiting => BullyTimer::Coordinator,
            Self::Leading => BullyTimer::Heartbeat,
        }
    }

    /// Returns `true` if an election of the node's own is under way.
    pub(crate) const fn is_election(self) -> bool {
        matches!(self, Self::Asking | Self::Confirming | Self::Awaiting)
    }
}

/// Whether a node wants to lead. Lasts until a crash at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Standing {
    /// Takes part in every election.
    Eligible,
    /// Has stepped down on command and no successor is known: as if dead to elections, for a
    /// bounded time.
    Resigned,
    /// Has stepped down on command and a successor was heard of: takes part when the coordinator
    /// is gone, and takes over from no live one.
    Yielding,
}

impl Bully {
    pub(crate) fn new(config: BullyConfig, members: Membership, durable: BullyDurable) -> Self {
        Self {
            highest: durable.epoch,
            leader: None,
            appointed: false,
            fresh: false,
            phase: Phase::Following,
            standing: Standing::Eligible,
            recovering: false,
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

    /// The coordinator, if it was heard of within one vigil.
    pub(crate) fn live_leader(&self) -> Option<NodeId> {
        self.leader.filter(|_| self.fresh)
    }

    /// Remembers an epoch heard of (I3).
    pub(crate) fn learn(&mut self, epoch: Epoch) {
        self.highest = self.highest.max(epoch);
    }

    /// Goes to `phase`, whose timer runs for `delay` in place of that of the phase before (I4).
    pub(crate) fn enter(&mut self, phase: Phase, delay: Delay, out: &mut Outbox<Self>) {
        if self.phase.timer() != phase.timer() {
            out.cancel_timer(self.phase.timer());
        }
        self.phase = phase;
        out.set_timer(phase.timer(), delay);
    }

    /// No coordinator is known.
    pub(crate) fn forget_leader(&mut self) {
        self.leader = None;
        self.appointed = false;
        self.fresh = false;
    }

    /// Returns `true` if no higher node is left whose answer this one would wait for. A node that
    /// is proved dead does not answer; one that is only reported gone may.
    pub(crate) fn is_unopposed(&self) -> bool {
        let silent = |&node| self.dead.contains(node);
        self.members.above().iter().all(silent) || self.config.skip_suspected && self.rank() == 0
    }

    /// How many higher nodes are not reported gone: how many have a better claim to lead.
    pub(crate) fn rank(&self) -> usize {
        let above = self.members.above().iter();
        above.filter(|&&node| !self.suspects.contains(node)).count()
    }

    /// When this node asks, after a hint that the coordinator is gone: one election's length after
    /// the next better node, so that normally only the best asks, and no later than by timeout.
    pub(crate) fn turn(&self) -> Delay {
        let timing = &self.config.timing;
        let election = self
            .config
            .answer_timeout()
            .saturating_add(timing.round_trip);
        let rank = u32::try_from(self.rank()).unwrap_or(u32::MAX);
        let first = election.saturating_mul(rank).min(timing.election_min);
        Delay::between(first, first.saturating_add(timing.round_trip / 2))
    }

    /// How long an answered node waits for COORDINATOR: the node that answered must ask, wait for
    /// the answer timeout and be heard. Longer, and drawn at random, once that has failed.
    pub(crate) fn patience(&self) -> Delay {
        let least = self.config.answer_timeout().saturating_mul(2);
        let extra = match self.attempts {
            0 => Duration::ZERO,
            attempt => self.config.timing.stagger(attempt).max,
        };
        Delay::between(least, least.saturating_add(extra))
    }

    /// How long a node that stepped down stays out if it hears of no successor: by then every
    /// other node has missed it, had time for an election, and been heard.
    pub(crate) fn time_out_of_elections(&self) -> Delay {
        let timing = &self.config.timing;
        let election = self.config.answer_timeout().saturating_mul(2);
        let least = timing.election_max.saturating_add(election);
        Delay::exactly(least.saturating_add(timing.heartbeat))
    }
}
