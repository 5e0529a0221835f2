mod memory;

use core::fmt;

use elector_core::{Epoch, NodeId};
use serde::{Deserialize, Serialize};

pub(crate) use memory::Memory;

/// The state that must survive a crash: the acceptor's memory, and two numbers that must not go
/// back.
///
/// The leader of the epoch is not in it: a node that comes back learns the leader again.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PaxosDurable {
    /// The newest epoch in which this node has accepted or learned a leader. It supports no leader
    /// of an older epoch any more. Never goes back.
    pub epoch: Epoch,
    /// The instance of `promised` and `accepted`: `epoch`, or a newer instance, which may end
    /// without a decision. This node is no acceptor of older instances any more. Never goes back.
    pub instance: Epoch,
    /// The highest ballot promised in `instance`. It is an upper bound if the node entered the
    /// instance without knowing what it had promised before a restart.
    pub promised: Option<Ballot>,
    /// The proposal of the highest ballot accepted in `instance`.
    pub accepted: Option<Proposal>,
    /// An upper bound of counters in all instances: this node has promised no ballot with a higher
    /// counter, and has proposed nothing with a higher counter. If `instance` is `epoch`, it may
    /// have promised any ballot up to this counter in the next instance. Never goes back, so
    /// nothing is proposed twice with one ballot.
    pub counter: u64,
}

impl PaxosDurable {
    /// See [`raised`](elector_core::ElectionAlgorithm::raised). The node becomes an acceptor of the
    /// instance above the floor, in which it has accepted nothing. It may have promised any ballot
    /// up to its counter in that instance, so it refuses these ballots.
    pub(crate) fn raised(&self, floor: Epoch) -> Option<Self> {
        let mut raised = self.clone();
        if raised.epoch <= floor {
            raised.epoch = floor.checked_next()?;
            if raised.instance < raised.epoch {
                raised.instance = raised.epoch;
                raised.promised = Some(Ballot::up_to(self.counter));
                raised.accepted = None;
            }
        }
        Some(raised)
    }
}

/// The number of a proposal: a higher number has priority over a lower one. No two proposers ever
/// use the same number, because their ids are part of it ("different proposers choose their numbers
/// from disjoint sets of numbers", section 2.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ballot {
    // The derived order compares the fields from top to bottom: the counter must stay first.
    /// A proposer chooses a counter that is higher than all it has used or seen.
    pub counter: u64,
    /// The proposer.
    pub node: NodeId,
}

// Every message of an election carries a ballot, so the short form `100.n1` keeps traces and
// scenarios readable.
impl fmt::Debug for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_bound() {
            write!(f, "{}.any", self.counter)
        } else {
            write!(f, "{}.{:?}", self.counter, self.node)
        }
    }
}

/// A ballot and the value that is proposed with it: the node that will lead.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Proposal {
    // The derived order compares the fields from top to bottom: the ballot must stay first.
    /// The number of the proposal.
    pub ballot: Ballot,
    /// Its value.
    pub value: NodeId,
}

impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}={:?}", self.ballot, self.value)
    }
}
