use alloc::{collections::BTreeSet, vec::Vec};
use core::hash::{Hash, Hasher};

use super::QuorumElection;
use crate::{Configuration as _, Delay, Membership, NodeId, NodeSet, Timing};

/// The members and the configuration of a node. Only
/// [`QuorumNode::reseat`](super::QuorumNode::reseat) replaces them.
#[derive(Debug, PartialEq, Eq)]
pub struct Rules<A: QuorumElection> {
    /// The members, seen from this node.
    pub members: Membership,
    /// The configuration of the algorithm on this node.
    pub config: A::Config,
    // For each member, by its position: the number of different priorities above the member's own.
    // Empty if the algorithm has no priorities.
    levels: Vec<u32>,
}

// Equal rules have equal hashes, as `Hash` requires. The hash of the node id is enough: a model
// checker hashes millions of states of the same few nodes, and one node has the same rules in all
// states, except after a change of the members.
impl<A: QuorumElection> Hash for Rules<A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.members.me().hash(state);
    }
}

impl<A: QuorumElection> Rules<A> {
    /// Creates rules in which all nodes have the same priority.
    #[must_use]
    pub fn new(config: &A::Config, members: Membership) -> Self {
        Self {
            levels: Vec::new(),
            config: config.clone(),
            members,
        }
    }

    /// Creates rules in which nodes of a higher priority campaign before nodes of a lower priority.
    #[must_use]
    pub fn with_priorities(
        config: &A::Config,
        members: Membership,
        priority: impl Fn(NodeId) -> u32,
    ) -> Self {
        let nodes = members.nodes().iter();
        let priorities: Vec<u32> = nodes.map(|&node| priority(node)).collect();
        let present: BTreeSet<u32> = priorities.iter().copied().collect();
        let above = |own: &u32| present.iter().filter(|&other| other > own).count();
        let level = |own| u32::try_from(above(own)).unwrap_or(u32::MAX);
        Self {
            levels: priorities.iter().map(level).collect(),
            ..Self::new(config, members)
        }
    }

    /// Returns the durations that all algorithms share.
    #[must_use]
    pub fn timing(&self) -> &Timing {
        self.config.timing()
    }

    /// Returns the stagger, which is the random part of the election timeout after the vigil. For
    /// each different priority above its own, a node waits longer by one spread (`election_max` -
    /// `election_min`), so that nodes of a higher priority campaign first.
    #[must_use]
    pub fn stagger(&self, attempt: u32) -> Delay {
        let timing = self.timing();
        // If `election_min` equals `election_max`, there is no spread. Even then, the nodes of one
        // priority need a round trip for their election before the nodes of the next priority
        // campaign.
        let step = timing
            .election_max
            .saturating_sub(timing.election_min)
            .max(timing.round_trip);
        let handicap = step.saturating_mul(self.level(self.members.me()));
        let Delay { min, max } = timing.stagger(attempt);
        Delay::between(min.saturating_add(handicap), max.saturating_add(handicap))
    }

    /// Returns `true` if the stagger of this attempt (the random part of the election timeout) can
    /// be long enough for one round trip per member, so that all members can campaign one after the
    /// other.
    #[must_use]
    pub fn has_room(&self, attempt: u32) -> bool {
        let members = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        let needed = self.timing().round_trip.saturating_mul(members);
        self.timing().stagger(attempt).max >= needed
    }

    /// Returns how many members campaign before this node when all nodes see at the same time that
    /// `leader` has failed. These are the members of a higher priority, and the members of the same
    /// priority that come sooner after the leader in the order of ids, in which the lowest id
    /// follows the highest. Suspects do not count.
    #[must_use]
    pub fn rank(&self, leader: NodeId, suspects: &NodeSet) -> u32 {
        let turn = |node: NodeId| (self.level(node), node <= leader, node);
        let own = turn(self.members.me());
        let first = self
            .members
            .peers()
            .filter(|&peer| peer != leader && !suspects.contains(peer) && turn(peer) < own);
        u32::try_from(first.count()).unwrap_or(u32::MAX)
    }

    /// Returns how long a node of this [`rank`](Self::rank) waits before it campaigns: one round
    /// trip for each node that goes first, plus a random part of up to half a round trip. If the
    /// wait for the other nodes is not shorter than `election_min`, the node waits for the whole
    /// election timeout instead.
    #[must_use]
    pub fn turn(&self, rank: u32) -> Delay {
        let timing = self.timing();
        let wait = timing.round_trip.saturating_mul(rank);
        if wait >= timing.election_min {
            return timing.election();
        }
        Delay::between(wait, wait.saturating_add(timing.round_trip / 2))
    }

    fn level(&self, node: NodeId) -> u32 {
        if self.levels.is_empty() {
            return 0;
        }
        let place = self.members.position(node);
        let level = place.and_then(|place| self.levels.get(place));
        level.copied().unwrap_or(0)
    }
}
