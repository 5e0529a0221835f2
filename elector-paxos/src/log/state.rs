use alloc::{collections::BTreeMap, vec::Vec};
use core::time::Duration;

use elector_core::{
    Configuration as _, ElectionAlgorithm, Epoch, Membership, Moment, NodeId,
    log::{Log, LogIndex, Progress, Request},
};
use serde::{Deserialize, Serialize};

use super::{MultiPaxosDurable, Slot};
use crate::Ballot;

/// One node of Multi-Paxos over the election `E`. The [module documentation](super) explains the
/// protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MultiPaxos<E: ElectionAlgorithm> {
    pub(super) members: Membership,
    pub(super) heartbeat: Duration,
    pub(super) round_trip: Duration,
    pub(super) election: E,
    pub(super) durable: MultiPaxosDurable<E::Durable>,
    /// The log of this node. The log of a proposer may have entries that its durable log gets in
    /// the next step; all other logs are equal to the durable one.
    pub(super) log: Log<Slot>,
    pub(super) committed: LogIndex,
    /// Whether a proposer has reported in this life of the node what is chosen.
    pub(super) is_informed: bool,
    /// The last chosen entry that this node knew when it set the timer `Ask`; `None` if that timer
    /// does not run.
    pub(super) asked_at: Option<LogIndex>,
    /// When this node has asked for chosen entries, if it has got no new ones since.
    pub(super) fetched: Option<Moment>,
    /// What this node has accepted with the last ballot.
    pub(super) accepting: Accepting,
    /// The state that this node has only while it leads.
    pub(super) proposer: Option<Proposer>,
}

/// The timers of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MultiPaxosTimer<T> {
    /// A timer of the election.
    Election(T),
    /// Begins the second step of a ballot or of a proposal: the proposer promises its own ballot,
    /// or accepts its own entries. Its length is zero.
    Store,
    /// When it ends, a proposer sends again what was not answered.
    Resend,
    /// When it ends, a proposer whose ballot was rejected takes a higher one.
    Retry,
    /// When it ends, a node that may not know what is chosen asks the leader.
    Ask,
}

/// What an acceptor has accepted with one ballot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Accepting {
    pub(super) ballot: Ballot,
    /// All slots from the first one of the ballot up to this one are accepted with this ballot, or
    /// are known to be chosen.
    pub(super) matched: LogIndex,
}

/// The state of a node that leads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Proposer {
    /// The epoch that the node leads.
    pub(super) epoch: Epoch,
    pub(super) ballot: Ballot,
    pub(super) phase: Phase,
    /// The requests that arrived before phase 2 began.
    pub(super) waiting: Vec<Request>,
    /// How often a ballot was rejected in this tenure.
    pub(super) rejections: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// The ballot was rejected. The proposer waits before it takes a higher one.
    Paused,
    /// Phase 1.
    Preparing(Preparation),
    /// Phase 2.
    Proposing(Proposals),
}

/// The state of phase 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Preparation {
    /// The promises so far. The proposer's own promise is among them when it is stored.
    pub(super) promises: BTreeMap<NodeId, Promise>,
    /// The last chosen entry that the proposer knew when the timer `Resend` elapsed, while it
    /// missed entries that a promise reports as chosen.
    pub(super) behind_at: Option<LogIndex>,
}

/// What a node reports in phase 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Promise {
    pub(super) committed: LogIndex,
    /// The accepted entries after `committed`.
    pub(super) accepted: Vec<Slot>,
}

/// The state of phase 2.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Proposals {
    /// The first slot of the ballot.
    pub(super) start: LogIndex,
    /// The last slot that the proposer has accepted itself.
    pub(super) stored: LogIndex,
    /// For each acceptor, which entries of this ballot it has accepted, or knows to be chosen.
    pub(super) acceptors: BTreeMap<NodeId, Progress>,
}

impl<E: ElectionAlgorithm> MultiPaxos<E> {
    pub(super) fn new(
        config: &E::Config,
        members: Membership,
        durable: MultiPaxosDurable<E::Durable>,
    ) -> Self {
        let timing = config.timing();
        Self {
            heartbeat: timing.heartbeat,
            round_trip: timing.round_trip,
            election: E::restore(config, members.clone(), durable.election.clone()),
            log: durable.log.clone(),
            committed: durable.committed,
            is_informed: false,
            asked_at: None,
            fetched: None,
            accepting: Accepting::default(),
            proposer: None,
            durable,
            members,
        }
    }

    /// Makes the log of this node durable in this step.
    pub(super) fn store(&mut self) {
        self.durable.log = self.log.clone();
        self.durable.committed = self.committed;
    }

    /// Returns the accepted entries after the last chosen one.
    pub(super) fn own_promise(&self) -> Promise {
        Promise {
            committed: self.committed,
            accepted: self.log.entries(self.committed.next(), usize::MAX),
        }
    }
}
