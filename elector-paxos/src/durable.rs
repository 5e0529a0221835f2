mod memory;

use core::fmt;

use elector_core::{Epoch, NodeId};
use serde::{Deserialize, Serialize};

pub(crate) use memory::Memory;

/// The state that must survive a crash: what the acceptor has promised and accepted, and numbers
/// that must not go back.
///
/// This state does not contain the leader of the epoch: a node that restarts learns the leader
/// again.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PaxosDurable {
    /// The newest epoch that this node has entered. A node enters an epoch when it accepts a
    /// proposal of the epoch, promises a ballot of the epoch for a handover, or learns from a
    /// message that a peer has entered the epoch. This node supports no leader of an older epoch
    /// any more. The epoch never goes back.
    pub epoch: Epoch,
    /// The instance to which `promised` and `accepted` belong. This instance is that of `epoch`, or
    /// a newer one, which may end without a decision. This node is no acceptor of older instances
    /// any more. The instance never goes back.
    pub instance: Epoch,
    /// The highest ballot that this node has promised in `instance`. If the node entered the
    /// instance without knowing what it had promised before a restart, this is an upper bound of
    /// its promises.
    pub promised: Option<Ballot>,
    /// The proposal with the highest ballot that this node has accepted in `instance`.
    pub accepted: Option<Proposal>,
    /// An upper bound of the counters of ballots in all instances: this node has promised no ballot
    /// with a higher counter, and has proposed no value with a higher counter. If `instance` is
    /// `epoch`, the node may have promised any ballot up to this counter in the next instance. The
    /// counter never goes back, so the node uses no ballot for two proposals.
    pub counter: u64,
}

impl PaxosDurable {
    /// Returns this state, moved above `floor` as
    /// [`raised`](elector_core::ElectionAlgorithm::raised) requires. If the node is not an acceptor
    /// of an instance above the floor already, it becomes an acceptor of the first such instance.
    /// The node has accepted nothing in that instance, but it may have promised any ballot up to
    /// its counter there. So it refuses these ballots.
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
/// use the same number, because a number contains the id of its proposer ("different proposers
/// choose their numbers from disjoint sets of numbers", section 2.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ballot {
    // The derived `Ord` compares the fields from top to bottom: the counter must stay first.
    /// A proposer chooses a counter that is higher than all counters that it has used or seen.
    pub counter: u64,
    /// The node that proposes with this ballot.
    pub node: NodeId,
}

impl Default for Ballot {
    /// Returns the ballot below all ballots of proposers.
    fn default() -> Self {
        Self {
            counter: 0,
            node: NodeId(0),
        }
    }
}

// Most messages of an election carry a ballot, so the short form `100.n1` keeps traces and
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
    // The derived `Ord` compares the fields from top to bottom: the ballot must stay first.
    /// The number of the proposal.
    pub ballot: Ballot,
    /// The node that will lead if this proposal is chosen.
    pub value: NodeId,
}

impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}={:?}", self.ballot, self.value)
    }
}
