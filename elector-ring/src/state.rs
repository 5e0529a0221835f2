use alloc::{sync::Arc, vec::Vec};
use core::time::Duration;

use elector_core::{Delay, Epoch, ExclusiveTimer, Membership, NodeId, NodeSet, Role, Timing, View};

use crate::{
    RingConfig, RingDurable, RingTimer, RingVariant, Serial, Token, Way, passages::Passages,
    token::Errand,
};

/// A node of a ring election: [`elector_core::ElectionAlgorithm`] in all three variants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ring {
    pub(crate) timing: Timing,
    pub(crate) variant: RingVariant,
    pub(crate) members: Membership,
    /// The peers in the order in which a token that leaves here meets them.
    onward: Arc<[NodeId]>,
    pub(crate) durable: RingDurable,
    /// Whom this node follows, or itself.
    pub(crate) leader: Option<NodeId>,
    pub(crate) phase: Phase,
    /// The timers that make this node act; see [`RingTimer`]. One of them runs (I6).
    pub(crate) timer: ExclusiveTimer<RingTimer>,
    /// Elections in a row that elected no node, as far as this node took part.
    pub(crate) attempts: u32,
    /// The highest epoch heard of. Tokens carry it, so the winner's epoch is above all of them.
    pub(crate) highest: Epoch,
    /// Serials given in this life.
    count: u64,
    /// Peers that were silent, or hinted at, and were not heard since.
    pub(crate) suspects: NodeSet,
    pub(crate) passages: Passages,
    /// Whether the COORDINATOR lap of the present tenure came by here: others do not skip this
    /// node then.
    pub(crate) met: bool,
    /// Whether this node has asked all that it suspects, in the present tenure, whether they live.
    pub(crate) mended: bool,
    /// Whether this node has resigned, and offers itself in no election for a time.
    pub(crate) resigned: bool,
}

/// What a node does in the election.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Follows a leader, or waits for one.
    Follower,
    /// Has a token of its own under way.
    Initiator(Round),
    /// Leads. `settled` once its COORDINATOR lap must have ended.
    Leader { settled: bool },
}

/// What an election begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Trigger {
    /// A leader is missed.
    Silence,
    /// The application asks for it: a leader that is heard meanwhile does not end it.
    Command,
}

/// An election that this node holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Round {
    /// That of its newest token; older ones that come home count for nothing.
    pub(crate) serial: Serial,
    pub(crate) trigger: Trigger,
    /// Hirschberg–Sinclair: how often the distance has doubled.
    pub(crate) level: u32,
    /// Hirschberg–Sinclair: the ways from which the reply of this level has come.
    pub(crate) replied: [bool; 2],
}

impl Ring {
    pub(crate) fn new(config: &RingConfig, members: Membership, durable: RingDurable) -> Self {
        // `Configuration::validate` refuses an order that is none; the ids stand in for one here.
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
            passages: Passages::default(),
            met: false,
            mended: false,
            resigned: false,
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

    /// The election that this node holds, if this is its newest token (I5).
    pub(crate) fn round(&mut self, serial: Serial) -> Option<&mut Round> {
        match &mut self.phase {
            Phase::Initiator(round) if round.serial == serial => Some(round),
            Phase::Initiator(_) | Phase::Follower | Phase::Leader { .. } => None,
        }
    }

    /// I5: a serial that no other token of this node has.
    pub(crate) fn next_serial(&mut self) -> Serial {
        self.count = self.count.saturating_add(1);
        Serial {
            life: self.durable.life,
            count: self.count,
        }
    }

    /// A token of this node's own, good for one lap.
    pub(crate) fn own_token(&self, serial: Serial, errand: Errand) -> Token {
        Token {
            origin: self.me(),
            serial,
            epoch: self.highest,
            left: self.size(),
            errand,
        }
    }

    /// n.
    pub(crate) fn size(&self) -> u32 {
        u32::try_from(self.members.len()).unwrap_or(u32::MAX)
    }

    /// The next node for a token to go to: the first that is not suspected on its way, `after` that
    /// node if one was tried already. The origin is asked even if it is suspected, since a lap
    /// that ends early loses an election; beyond it no token goes.
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

    /// How many nodes that may still live stand between `leader` and this node, onward: its rank
    /// among those that miss the leader.
    pub(crate) fn rank_behind(&self, leader: NodeId) -> u32 {
        let between = self.onward.iter().rev().take_while(|&&node| node != leader);
        let live = between.filter(|&&node| !self.suspects.contains(node));
        u32::try_from(live.count()).unwrap_or(u32::MAX)
    }

    /// How long one lap may take, if every hop is as slow as a dead node is skipped.
    pub(crate) fn lap(&self) -> Duration {
        self.timing.round_trip.saturating_mul(self.size())
    }

    /// How long an election of another may take: its lap and that of its COORDINATOR.
    pub(crate) fn two_laps(&self) -> Delay {
        Delay::exactly(self.lap().saturating_mul(2))
    }

    /// How long a leader that was announced may take to be heard: its own COORDINATOR may have the
    /// whole lap before it.
    pub(crate) fn first_vigil(&self) -> Delay {
        Delay::exactly(self.timing.election_min.saturating_add(self.lap()))
    }

    /// The random rest of the election timeout. On a large ring a token needs long to reach those
    /// that must not start another: the spread is half a round trip, one hop, for every node, so
    /// that the first is not much later and most hear of it in time.
    pub(crate) fn stagger(&self) -> Delay {
        let spread = self.timing.stagger(self.attempts).max.max(self.lap() / 2);
        Delay::between(Duration::ZERO, spread)
    }
}
