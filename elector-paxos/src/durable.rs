mod memory;

use core::fmt;

use elector_core::{Epoch, NodeId};
use serde::{Deserialize, Serialize};

pub(crate) use memory::Memory;

/// What a node must still know after a crash: the acceptor's memory, and two numbers that must
/// not go back.
///
/// Which leader was decided is not in it: a node that comes back learns that anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PaxosDurable {
    /// The newest epoch in which this node has accepted a leader or learned one. It supports no
    /// leader of an older epoch any more. Never goes back.
    pub epoch: Epoch,
    /// The instance that `promised` and `accepted` are about: `epoch`, or a newer one that nobody
    /// may win. This node is no acceptor of older ones any more. Never goes back.
    pub instance: Epoch,
    /// The highest ballot promised in `instance`; or a bound of it, if the node entered that
    /// without knowing what it had promised before a restart.
    pub promised: Option<Ballot>,
    /// The proposal of the highest ballot accepted in `instance`.
    pub accepted: Option<Proposal>,
    /// This node has promised no ballot with a higher counter, and proposed nothing with one of its
    /// own, in any instance. If `instance` is `epoch`, it may have promised any up to this counter
    /// in the one after. Never goes back, so that nothing is proposed twice with one ballot.
    pub counter: u64,
}

impl PaxosDurable {
    /// See [`raised`](elector_core::ElectionAlgorithm::raised). The node becomes an acceptor of the
    /// instance above the floor, in which it has accepted nothing. It may have promised any ballot
    /// up to its counter there, and refuses these.
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

/// The number of a proposal: higher ones overrule lower ones. No two proposers ever use the same,
/// because their ids are part of it ("different proposers choose their numbers from disjoint sets
/// of numbers", section 2.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ballot {
    // The derived order compares the fields from the top: the counter must stay first.
    /// Each proposer chooses one higher than all it has used or seen.
    pub counter: u64,
    /// The proposer.
    pub node: NodeId,
}

// Every message of an election carries one; `100.n1` keeps traces and scenarios readable.
impl fmt::Debug for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_bound() {
            write!(f, "{}.any", self.counter)
        } else {
            write!(f, "{}.{:?}", self.counter, self.node)
        }
    }
}

/// A ballot and the value proposed in it: the node that is to lead.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Proposal {
    // The derived order compares the fields from the top: the ballot must stay first.
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
