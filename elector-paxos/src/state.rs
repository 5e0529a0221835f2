use alloc::sync::Arc;
use core::hash::{Hash, Hasher};

use elector_core::{
    Acks, Attempts, Delay, Epoch, Membership, NodeId, NodeSet, Outbox, Tally, Timing, View,
};
use serde::{Deserialize, Serialize};

use crate::{Ballot, Learning, PaxosConfig, PaxosDurable, Proposal, durable::Memory};

/// One node's part in the Paxos election: proposer, acceptor and learner at once. See the
/// [crate](crate) for the algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Paxos {
    pub(crate) rules: Arc<Rules>,
    pub(crate) memory: Memory,
    pub(crate) part: Part,
    pub(crate) watch: Watch,
    /// The leader of the present epoch, once it is known; it stays after that leader has stepped
    /// down or was given up, because an epoch never has another.
    pub(crate) decided: Option<NodeId>,
    /// The learner's count.
    pub(crate) count: Option<Count>,
    pub(crate) seen: Seen,
    /// The epoch that this life of the node began with. It may have led this one in an earlier
    /// life, so it does not lead it in this one.
    pub(crate) restored: Epoch,
    /// The instance in which this node proposes in the name of the leader before.
    pub(crate) handover: Option<Epoch>,
    /// The proposals in a row that this node has made and that elected no leader.
    pub(crate) attempts: Attempts,
    /// Whether to let the next chance to campaign pass, after having resigned.
    pub(crate) sits_out: bool,
    /// The peers that hints say are gone, until they are heard again.
    pub(crate) suspects: NodeSet,
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

/// What a node is doing, besides being an acceptor and a learner, which it always is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Follower {
        leader: Option<NodeId>,
    },
    Proposer(Campaign),
    Leader {
        acks: Acks,
        /// The peers heard from since the last time that they made a quorum.
        heard: NodeSet,
    },
}

/// A proposal under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Campaign {
    pub(crate) instance: Epoch,
    pub(crate) ballot: Ballot,
    /// How many proposals in a row have followed each other at once, up to this one.
    pub(crate) at_once: u32,
    pub(crate) phase: Phase,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    Prepare {
        promises: Tally,
        /// Those who refuse only because they do not know what they have promised before a
        /// restart: nothing else stands against a higher ballot.
        bounds: NodeSet,
        /// The highest proposal that those who promised have accepted.
        highest: Option<Proposal>,
        /// Whether the node's own promise is among the promises.
        own: bool,
    },
    Accept {
        value: NodeId,
        /// Who refused it. Acceptances are the learner's business.
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
    /// The newest instance that somebody is an acceptor of.
    pub(crate) instance: Epoch,
    /// The highest counter of a ballot. After a restart, the highest that the node may have
    /// promised.
    pub(crate) counter: u64,
}

/// Which of the timers for the next campaign runs, and why.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Watch {
    /// The vigil after a sign of life of a leader: until it ends, this node supports nobody
    /// against that leader.
    Silent {
        /// Unknown after a restart: the node may have heard from anybody before it.
        leader: Option<NodeId>,
        /// The last `Prepare` that was refused because of this silence. It is considered again
        /// when the silence ends: whoever was first to see the leader gone need not ask twice.
        asked: Option<Request>,
        /// Whether the host suspects that the leader is gone.
        suspected: bool,
    },
    /// A vigil that nobody is owed.
    Vigil,
    /// The random rest of the election timeout.
    Stagger,
    /// The wait for a proposal to come to a decision.
    Retry,
    /// None runs.
    Off,
}

impl Watch {
    fn timer(&self) -> Option<PaxosTimer> {
        match self {
            Self::Silent { .. } | Self::Vigil => Some(PaxosTimer::Vigil),
            Self::Stagger => Some(PaxosTimer::Stagger),
            Self::Retry => Some(PaxosTimer::Retry),
            Self::Off => None,
        }
    }
}

/// A `Prepare`, as it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub(crate) from: NodeId,
    pub(crate) instance: Epoch,
    pub(crate) ballot: Ballot,
    pub(crate) handover: bool,
}

/// What never changes in the life of a node.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) members: Membership,
    pub(crate) timing: Timing,
    pub(crate) learning: Learning,
    pub(crate) thrifty: bool,
    /// The counter of this node's first ballot.
    pub(crate) first_ballot: u64,
}

// Equal rules hash alike, as they must. Model checkers hash millions of states of the same few
// nodes; there is nothing in the rules that tells two of those apart.
impl Hash for Rules {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.members.me().hash(state);
    }
}

impl Rules {
    fn new(config: &PaxosConfig, members: Membership) -> Self {
        let first_ballot = config.first_ballot.get(&members.me());
        Self {
            timing: config.timing,
            learning: config.learning,
            thrifty: config.thrifty,
            first_ballot: first_ballot.copied().unwrap_or(1),
            members,
        }
    }

    /// How many members go first when all see `leader` gone at once: those between it and this
    /// node in the ring of ids, but for those in `without`.
    pub(crate) fn rank(&self, leader: NodeId, without: &NodeSet) -> u32 {
        let turn = |node: NodeId| (node <= leader, node);
        let mine = turn(self.members.me());
        let first = self
            .members
            .peers()
            .filter(|&peer| peer != leader && !without.contains(peer) && turn(peer) < mine);
        u32::try_from(first.count()).unwrap_or(u32::MAX)
    }

    /// How long the node of this rank leaves the others alone after a hint: a round trip for each
    /// that goes first, or, once that is as long as the election timeout, simply that.
    pub(crate) fn turn(&self, rank: u32) -> Delay {
        let wait = self.timing.round_trip.saturating_mul(rank);
        if wait >= self.timing.election_min {
            return self.timing.election();
        }
        Delay::between(wait, wait.saturating_add(self.timing.round_trip / 2))
    }

    /// Whether the spread of this attempt is eight times what is configured, and all members would
    /// find room in it, each for a round trip.
    pub(crate) fn has_room(&self, attempt: u32) -> bool {
        let members = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        let needed = self.timing.round_trip.saturating_mul(members);
        attempt >= 4 && self.timing.stagger(attempt).max >= needed
    }

    /// How long a proposal may take: the two round trips that it needs, and a random time on top,
    /// wider with each attempt, so that of two proposers that beat each other one gets through
    /// ("Paxos Made Simple", section 2.4: progress needs a distinguished proposer).
    pub(crate) fn patience(&self, attempt: u32) -> Delay {
        let proposal = self.timing.round_trip.saturating_mul(2);
        let spread = self.timing.stagger(attempt).max;
        Delay::between(proposal, proposal.saturating_add(spread))
    }
}

impl Paxos {
    pub(crate) fn new(config: &PaxosConfig, members: Membership, durable: PaxosDurable) -> Self {
        // It may have acknowledged a heartbeat just before its crash, and the leader may still
        // count on that.
        let watch = if durable == PaxosDurable::default() {
            Watch::Vigil
        } else {
            Watch::Silent {
                leader: None,
                asked: None,
                suspected: false,
            }
        };
        Self {
            rules: Arc::new(Rules::new(config, members)),
            part: Part::Follower { leader: None },
            watch,
            decided: None,
            count: None,
            seen: Seen {
                instance: durable.instance,
                counter: durable.counter,
            },
            restored: durable.epoch,
            handover: None,
            attempts: Attempts::new(),
            sits_out: false,
            suspects: NodeSet::new(),
            memory: Memory::restore(durable),
        }
    }

    pub(crate) fn present(&self) -> View {
        match self.part {
            Part::Follower { leader } => View::following(self.epoch(), leader),
            Part::Proposer(_) => View::campaigning(self.epoch()),
            Part::Leader { .. } => View::leading(self.epoch(), self.me()),
        }
    }

    pub(crate) fn me(&self) -> NodeId {
        self.rules.members.me()
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.memory.disk.epoch
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

    /// Leaves the older epochs behind: the only place where the epoch changes. The watch stays as
    /// it is: silence is owed to a leader for a time, not for an epoch.
    pub(crate) fn enter(&mut self, epoch: Epoch, out: &mut Outbox<Self>) {
        self.step_down(out);
        self.memory.enter(epoch, self.seen.counter);
        self.decided = None;
        let outlived = match &self.part {
            Part::Proposer(campaign) => campaign.instance < epoch,
            Part::Follower { .. } | Part::Leader { .. } => true,
        };
        if outlived {
            self.part = Part::Follower { leader: None };
        }
    }

    /// Stops leading, in the same epoch. It never leads that one again: it knows the decision, and
    /// only news of a decision makes a leader.
    pub(crate) fn step_down(&mut self, out: &mut Outbox<Self>) {
        if !self.leads() {
            return;
        }
        out.cancel_timer(PaxosTimer::Heartbeat);
        out.cancel_timer(PaxosTimer::Quorum);
        self.part = Part::Follower { leader: None };
        self.keep(Watch::Vigil, out);
    }

    /// Starts this wait from its beginning, in place of the one before.
    pub(crate) fn keep(&mut self, watch: Watch, out: &mut Outbox<Self>) {
        let delay = match &watch {
            Watch::Silent { .. } | Watch::Vigil | Watch::Off => self.rules.timing.vigil(),
            Watch::Stagger => self.rules.timing.stagger(self.attempts.count()),
            Watch::Retry => self.rules.patience(self.attempts.count()),
        };
        self.keep_for(delay, watch, out);
    }

    /// The same, for as long as this.
    pub(crate) fn keep_for(&mut self, delay: Delay, watch: Watch, out: &mut Outbox<Self>) {
        let (old, new) = (self.watch.timer(), watch.timer());
        if let Some(timer) = old
            && old != new
        {
            out.cancel_timer(timer);
        }
        if let Some(timer) = new {
            out.set_timer(timer, delay);
        }
        self.watch = watch;
    }

    /// The search for a leader has ended.
    pub(crate) fn settle(&mut self) {
        self.attempts.settle();
        self.handover = None;
        self.sits_out = false;
    }

    /// The leader of the present epoch is known from now on.
    pub(crate) fn decide(&mut self, leader: NodeId) {
        self.decided = Some(leader);
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
