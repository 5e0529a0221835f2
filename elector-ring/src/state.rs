use alloc::{sync::Arc, vec::Vec};
use core::time::Duration;

use elector_core::{Delay, Epoch, ExclusiveTimer, Membership, NodeId, NodeSet, Role, Timing, View};

use crate::{
    RingConfig, RingDurable, RingTimer, RingVariant, Serial, Token, Way, token::TokenBody,
    token_tracker::TokenTracker,
};

/// One node of the ring election, in all three variants. The [crate documentation](crate) explains
/// the algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ring {
    pub(crate) timing: Timing,
    pub(crate) variant: RingVariant,
    pub(crate) members: Membership,
    /// The peers in the order in which a token of this node visits them.
    onward: Arc<[NodeId]>,
    pub(crate) durable: RingDurable,
    /// The leader that this node follows, or this node itself if it leads.
    pub(crate) leader: Option<NodeId>,
    pub(crate) phase: Phase,
    /// The timers `Vigil`, `Stagger`, `Await`, `Lap` and `Heartbeat` of [`RingTimer`], which make
    /// this node act. Exactly one of them runs (invariant I6).
    pub(crate) timer: ExclusiveTimer<RingTimer>,
    /// The number of elections in a row, with this node as a participant, that elected no node.
    pub(crate) attempts: u32,
    /// The highest epoch that this node knows of. Tokens carry the highest epoch that they have
    /// met, so the winner's epoch is above the epochs of all nodes that the winner's token has
    /// visited.
    pub(crate) highest: Epoch,
    /// The number of [`Serial`]s that this node has given to its tokens since its last start.
    count: u64,
    /// Peers that did not acknowledge a token in time or that the host (the program that runs the
    /// algorithm) suspects, and from which this node has received nothing since.
    pub(crate) suspects: NodeSet,
    pub(crate) tokens: TokenTracker,
    /// Whether the COORDINATOR token of the present tenure (epoch and leader) has visited this
    /// node. If so, other nodes do not skip this node.
    pub(crate) has_seen_lap: bool,
    /// Whether this node, in the present tenure (epoch and leader) and since its last suspicion,
    /// has asked all suspected peers if they are alive.
    pub(crate) has_asked_suspects: bool,
    /// Whether this node has resigned, and offers itself for no election for a bounded time.
    pub(crate) has_resigned: bool,
}

/// The phase of an election, as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// The node follows a leader, or waits for one.
    Follower,
    /// The node holds an election, and its token is in flight.
    Initiator(Round),
    /// The node leads. `settled` becomes `true` when the lap of its COORDINATOR token must have
    /// ended.
    Leader { settled: bool },
}

/// The reason why an election starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Trigger {
    /// The leader has sent no heartbeat in time, or is suspected.
    Silence,
    /// The application has asked for an election. A heartbeat of the present leader does not end
    /// this election.
    Command,
}

/// An election that this node holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Round {
    /// The serial of the newest token of this election. Older tokens that come back do not count.
    pub(crate) serial: Serial,
    pub(crate) trigger: Trigger,
    /// Hirschberg–Sinclair: how often the distance of the probes has doubled in this election.
    pub(crate) level: u32,
    /// Hirschberg–Sinclair: whether a reply of this level has arrived in the direction `Onward`,
    /// and in the direction `Backward`.
    pub(crate) replied: [bool; 2],
}

impl Ring {
    pub(crate) fn new(config: &RingConfig, members: Membership, durable: RingDurable) -> Self {
        // `Configuration::validate` rejects an invalid order of the ring. If a host has not called
        // `validate`, the ascending order of ids replaces an invalid order.
        let order: &[NodeId] = if config.orders(&members) {
            &config.ring
        } else {
            members.nodes()
        };
        let (before, rest) = match order.iter().position(|&node| node == members.me()) {
            Some(place) => order.split_at(place),
            None => (order, [].as_slice()),
        };
        let onward: Vec<NodeId> = rest.iter().skip(1).chain(before).copied().collect();
        Self {
            timing: config.timing,
            variant: config.variant,
            onward: onward.into(),
            leader: None,
            phase: Phase::Follower,
            timer: ExclusiveTimer::stopped(),
            attempts: 0,
            highest: durable.epoch,
            count: 0,
            suspects: NodeSet::new(),
            tokens: TokenTracker::default(),
            has_seen_lap: false,
            has_asked_suspects: false,
            has_resigned: false,
            members,
            durable,
        }
    }

    pub(crate) fn me(&self) -> NodeId {
        self.members.me()
    }

    pub(crate) fn current_view(&self) -> View {
        View {
            epoch: self.durable.epoch,
            leader: self.leader,
            role: match self.phase {
                Phase::Follower => Role::Follower,
                Phase::Initiator(_) => Role::Candidate,
                Phase::Leader { .. } => Role::Leader,
            },
        }
    }

    pub(crate) fn leads(&self) -> bool {
        matches!(self.phase, Phase::Leader { .. })
    }

    /// Returns the election that this node holds, if `serial` is the serial of the newest token of
    /// this election (invariant I5).
    pub(crate) fn round(&mut self, serial: Serial) -> Option<&mut Round> {
        match &mut self.phase {
            Phase::Initiator(round) if round.serial == serial => Some(round),
            Phase::Initiator(_) | Phase::Follower | Phase::Leader { .. } => None,
        }
    }

    /// Returns a serial that this node has not used before (invariant I5).
    pub(crate) fn next_serial(&mut self) -> Serial {
        self.count = self.count.saturating_add(1);
        Serial {
            life: self.durable.life,
            count: self.count,
        }
    }

    /// Returns a new token of this node with enough hops for one lap.
    pub(crate) fn own_token(&self, serial: Serial, body: TokenBody) -> Token {
        Token {
            origin: self.me(),
            serial,
            epoch: self.highest,
            left: self.size(),
            body,
        }
    }

    /// Returns the number of nodes in the ring.
    pub(crate) fn size(&self) -> u32 {
        u32::try_from(self.members.len()).unwrap_or(u32::MAX)
    }

    /// Returns the next node for a token: the first node in the direction of the token that is not
    /// suspected. If the node `after` did not acknowledge the token, the search begins behind that
    /// node. The origin gets the token even if the origin is suspected, since the election has no
    /// result if its token does not reach the origin. No token goes beyond its origin.
    pub(crate) fn next(&self, token: &Token, after: Option<NodeId>) -> Option<NodeId> {
        match token.way() {
            Way::Onward => self.first(self.onward.iter(), token.origin, after),
            Way::Backward => self.first(self.onward.iter().rev(), token.origin, after),
        }
    }

    fn first<'a>(
        &self,
        mut ahead: impl Iterator<Item = &'a NodeId>,
        origin: NodeId,
        after: Option<NodeId>,
    ) -> Option<NodeId> {
        if let Some(tried) = after {
            if tried == origin {
                return None;
            }
            ahead.find(|&&node| node == tried);
        }
        ahead
            .find(|&&node| node == origin || !self.suspects.contains(node))
            .copied()
    }

    /// Returns the number of nodes between `leader` and this node, in the order of the ring, that
    /// are not suspected. This number is the node's rank after a suspicion of the leader: nodes
    /// with a lower rank start elections sooner.
    pub(crate) fn rank_behind(&self, leader: NodeId) -> u32 {
        let between = self.onward.iter().rev().take_while(|&&node| node != leader);
        let live = between.filter(|&&node| !self.suspects.contains(node));
        u32::try_from(live.count()).unwrap_or(u32::MAX)
    }

    /// Returns the longest time of one lap of a token round the ring: every hop takes a whole hop
    /// timeout.
    pub(crate) fn lap(&self) -> Duration {
        self.timing.round_trip.saturating_mul(self.size())
    }

    /// Returns the longest time of another node's election: the lap of the election token, and the
    /// lap of the COORDINATOR token.
    pub(crate) fn two_laps(&self) -> Delay {
        Delay::exactly(self.lap().saturating_mul(2))
    }

    /// Returns the longest time until the first heartbeat of a leader that a COORDINATOR has
    /// announced. The COORDINATOR may need a whole lap to reach the leader.
    pub(crate) fn first_vigil(&self) -> Delay {
        Delay::exactly(self.timing.election_min.saturating_add(self.lap()))
    }

    /// Returns the random part of the election timeout. On a large ring a token takes long to reach
    /// the nodes that must not start another election. So the spread is at least half a
    /// `round_trip` (about the time of one hop) times the number of nodes. The node with the
    /// shortest wait starts with little delay, and its token reaches most other nodes before they
    /// start an election.
    pub(crate) fn stagger(&self) -> Delay {
        let spread = self.timing.stagger(self.attempts).max.max(self.lap() / 2);
        Delay::between(Duration::ZERO, spread)
    }
}
