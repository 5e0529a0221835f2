use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};
use core::{
    hash::{Hash, Hasher},
    time::Duration,
};

use elector_core::{
    Acks, Attempts, Delay, Epoch, Membership, NodeId, NodeSet, Outbox, Tally, Timing, View,
};
use serde::{Deserialize, Serialize};

use crate::{LogPosition, RaftConfig, RaftDurable};

/// One node's part in Raft's leader election. See the [crate](crate) for the algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Raft {
    pub(crate) rules: Arc<Rules>,
    pub(crate) durable: RaftDurable,
    pub(crate) part: Part,
    pub(crate) watch: Watch,
    /// The leader of the present term, once it is known; it stays after that leader has stepped
    /// down or was given up, because a term never has another.
    pub(crate) winner: Option<NodeId>,
    /// The elections in a row that this node took part in, as candidate or voter, and that no node
    /// won. Pre-votes do not count: they cannot split, so that a wider spread is no cure for their
    /// failing, and a cluster that was without a majority is not slow when it has one again.
    pub(crate) attempts: Attempts,
    /// Whether to let the next chance to campaign pass, after having resigned.
    pub(crate) sits_out: bool,
    /// The peers that hints say are gone, until they are heard again.
    pub(crate) suspects: NodeSet,
}

/// The timers of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RaftTimer {
    /// The first part of the election timeout, `election_min`: the leader may still be there.
    Vigil,
    /// The rest of the election timeout, random; when it ends, the node campaigns.
    Stagger,
    /// The second step of a candidacy: the candidate votes for itself.
    OwnVote,
    /// A leader's next round of heartbeats.
    Heartbeat,
    /// For how long a leader may be without a quorum.
    Quorum,
}

/// What a node is doing: the paper's states (figure 4), and the pre-candidate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Follower {
        leader: Option<NodeId>,
    },
    /// Asks whether it could win the next term. Its own term does not change.
    PreCandidate {
        granted: Tally,
        /// The votes of its own term, if it is still a candidate in that.
        votes: Tally,
    },
    /// Asks for votes for the term `election`, which becomes its own term when it votes for
    /// itself.
    Candidate {
        election: Epoch,
        votes: Tally,
    },
    Leader {
        acks: Acks,
        /// The peers heard from since the last time that they made a quorum.
        heard: NodeSet,
    },
}

/// Where the election timeout stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Watch {
    /// In the vigil after a sign of life of a leader: until it ends, this node helps nobody
    /// against that leader (with `check_quorum`; otherwise it only grants no pre-votes).
    Silent {
        /// Unknown after a restart: the node may have heard from anybody before it.
        leader: Option<NodeId>,
        /// The last request that was refused because of this silence. It is considered again when
        /// the silence ends: whoever was first to see the leader gone need not ask twice.
        asked: Option<Request>,
        /// Whether the host suspects that the leader is gone.
        suspected: bool,
    },
    /// In a vigil that nobody is owed.
    Vigil,
    /// In the random rest.
    Stagger,
    /// Not running: the node leads.
    Off,
}

/// A request of a peer for support in an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub(crate) from: NodeId,
    pub(crate) asks: Asks,
    /// The term of the election.
    pub(crate) term: Epoch,
    pub(crate) last_log: LogPosition,
}

/// What a [`Request`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Asks {
    PreVote,
    Vote,
    /// A vote, in the name of the leader of the term before, who has stepped down for it.
    Transfer,
}

/// What never changes in the life of a node.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) members: Membership,
    pub(crate) timing: Timing,
    pub(crate) pre_vote: bool,
    pub(crate) check_quorum: bool,
    /// For each member, by position: how many different priorities are above its own.
    levels: Vec<u32>,
}

// Equal rules hash alike, as they must. Model checkers hash millions of states of the same few
// nodes; there is nothing in the rules that tells two of those apart.
impl Hash for Rules {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.members.me().hash(state);
    }
}

impl Rules {
    pub(crate) fn new(config: &RaftConfig, members: Membership) -> Self {
        let priority = |node| config.priorities.get(node).copied().unwrap_or(0);
        let present: BTreeSet<u32> = members.nodes().iter().map(priority).collect();
        let above = |priority: u32| present.iter().filter(|&&other| other > priority).count();
        let level = |node| u32::try_from(above(priority(node))).unwrap_or(u32::MAX);
        Self {
            levels: members.nodes().iter().map(level).collect(),
            timing: config.timing,
            pre_vote: config.pre_vote,
            check_quorum: config.check_quorum,
            members,
        }
    }

    fn level(&self, node: NodeId) -> u32 {
        let place = self.members.position(node);
        place
            .and_then(|place| self.levels.get(place))
            .copied()
            .unwrap_or(0)
    }

    /// How long a node waits, its vigil over, before it campaigns.
    pub(crate) fn stagger(&self, attempt: u32) -> Delay {
        let timing = &self.timing;
        // With a fixed timeout there is no spread; an election must still fit in between.
        let step = timing
            .election_max
            .saturating_sub(timing.election_min)
            .max(timing.round_trip);
        let handicap = step.saturating_mul(self.level(self.members.me()));
        later(timing.stagger(attempt), handicap)
    }

    /// Whether all members would find room in the spread of this attempt, each for a round trip.
    pub(crate) fn has_room(&self, attempt: u32) -> bool {
        let members = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        let needed = self.timing.round_trip.saturating_mul(members);
        self.timing.stagger(attempt).max >= needed
    }

    /// How many members go first when all see `leader` gone at once: better ones, then those that
    /// come sooner after it in the ring of ids, but for those in `without`.
    pub(crate) fn rank(&self, leader: NodeId, without: &NodeSet) -> u32 {
        let members = &self.members;
        let turn = |node: NodeId| (self.level(node), node <= leader, node);
        let mine = turn(members.me());
        let first = members
            .peers()
            .filter(|&peer| peer != leader && !without.contains(peer) && turn(peer) < mine);
        u32::try_from(first.count()).unwrap_or(u32::MAX)
    }

    /// How long the node of this rank leaves the others alone after a hint: a round trip for each
    /// that goes first, or, once that is as long as the election timeout, simply that.
    pub(crate) fn turn(&self, rank: u32) -> Delay {
        let timing = &self.timing;
        let wait = timing.round_trip.saturating_mul(rank);
        if wait >= timing.election_min {
            return timing.election();
        }
        Delay::between(wait, wait.saturating_add(timing.round_trip / 2))
    }
}

fn later(delay: Delay, by: Duration) -> Delay {
    Delay::between(delay.min.saturating_add(by), delay.max.saturating_add(by))
}

impl Raft {
    pub(crate) fn new(config: &RaftConfig, members: Membership, durable: RaftDurable) -> Self {
        let rules = Rules::new(config, members);
        // It may have acknowledged a heartbeat just before its crash, and the leader may still
        // count on that.
        let may_owe_silence = rules.check_quorum && durable != RaftDurable::default();
        let watch = if may_owe_silence {
            Watch::Silent {
                leader: None,
                asked: None,
                suspected: false,
            }
        } else {
            Watch::Vigil
        };
        Self {
            rules: Arc::new(rules),
            durable,
            part: Part::Follower { leader: None },
            watch,
            winner: None,
            attempts: Attempts::new(),
            sits_out: false,
            suspects: NodeSet::new(),
        }
    }

    pub(crate) fn present(&self) -> View {
        let term = self.term();
        match self.part {
            Part::Follower { leader } => View::following(term, leader),
            Part::PreCandidate { .. } | Part::Candidate { .. } => View::campaigning(term),
            Part::Leader { .. } => View::leading(term, self.me()),
        }
    }

    pub(crate) fn me(&self) -> NodeId {
        self.rules.members.me()
    }

    pub(crate) fn term(&self) -> Epoch {
        self.durable.term
    }

    pub(crate) fn leads(&self) -> bool {
        matches!(self.part, Part::Leader { .. })
    }

    pub(crate) fn follows(&self, peer: NodeId) -> bool {
        matches!(self.part, Part::Follower { leader } if leader == Some(peer))
    }

    /// Whether there was a sign of life of a leader within `election_min`. A leader is one.
    pub(crate) fn has_fresh_leader(&self) -> bool {
        self.leads() || matches!(self.watch, Watch::Silent { .. })
    }

    /// Enters a higher term: the only place where the term changes, and with it, in the same
    /// record, the vote. It leaves the watch alone: silence is owed to a leader for a time, not
    /// for a term.
    pub(crate) fn enter(&mut self, term: Epoch, vote: Option<NodeId>) {
        self.durable.term = term;
        self.durable.voted_for = vote;
        self.winner = None;
    }

    /// "If RPC request or response contains term T > currentTerm: set currentTerm = T, convert to
    /// follower" (figure 2). Whatever this node was doing ends first.
    pub(crate) fn adopt(&mut self, term: Epoch, out: &mut Outbox<Self>) {
        self.step_down(out);
        self.enter(term, None);
    }

    /// Becomes a follower that knows no leader, in the same term.
    pub(crate) fn step_down(&mut self, out: &mut Outbox<Self>) {
        if self.leads() {
            out.cancel_timer(RaftTimer::Heartbeat);
            if self.rules.check_quorum {
                out.cancel_timer(RaftTimer::Quorum);
            }
            self.keep_vigil(Watch::Vigil, out);
        }
        self.part = Part::Follower { leader: None };
    }

    /// Starts the election timeout from its beginning.
    pub(crate) fn keep_vigil(&mut self, watch: Watch, out: &mut Outbox<Self>) {
        if self.watch == Watch::Stagger {
            out.cancel_timer(RaftTimer::Stagger);
        }
        self.watch = watch;
        out.set_timer(RaftTimer::Vigil, self.rules.timing.vigil());
    }
}
