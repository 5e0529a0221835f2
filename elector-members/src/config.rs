use elector_core::{Configuration, DiskId, Membership, NodeId, NodeSet, Timing, TimingError};
use serde::{Deserialize, Serialize};

use crate::Roster;

/// The configuration of a node whose members can change. Only the configuration of the algorithm is
/// serialized: the other values can differ from node to node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MembersConfig<C> {
    /// The configuration of the election algorithm.
    pub algorithm: C,
    /// The voters of the first roster, for a node that has no roster on its disk. It is empty for a
    /// node that joins a running cluster. If it is empty and the field `joins` is `false`, the
    /// first roster has all nodes that the host (the program that runs the algorithm) knows.
    #[serde(skip)]
    pub first: NodeSet,
    /// Whether this node joins a running cluster: on an empty disk it starts without a roster, and
    /// becomes a voter when a change of the members has added it.
    #[serde(skip)]
    pub joins: bool,
    /// The random number of the disk of this node. Without this number, other nodes cannot
    /// distinguish a node that has lost its disk from a node that still has its disk.
    #[serde(skip)]
    pub disk: Option<DiskId>,
}

impl<C> From<C> for MembersConfig<C> {
    fn from(algorithm: C) -> Self {
        Self {
            algorithm,
            first: NodeSet::new(),
            joins: false,
            disk: None,
        }
    }
}

impl<C> MembersConfig<C> {
    /// Returns the roster with which a node starts on an empty disk. `universe` has all nodes that
    /// the host knows.
    #[must_use]
    pub fn first_roster(&self, universe: &Membership) -> Roster {
        if self.joins {
            Roster::default()
        } else if self.first.is_empty() {
            Roster::first(&universe.nodes().iter().copied().collect())
        } else {
            Roster::first(&self.first)
        }
    }
}

impl<C: Configuration> Configuration for MembersConfig<C> {
    fn timing(&self) -> &Timing {
        self.algorithm.timing()
    }

    fn timing_mut(&mut self) -> &mut Timing {
        self.algorithm.timing_mut()
    }

    fn validate(&self, members: &Membership) -> Result<(), TimingError> {
        match self.algorithm.validate(members) {
            // An option names a node that is no member. This node may become a member later.
            Err(TimingError::NoMember(_)) => Ok(()),
            result => result,
        }
    }

    fn never_leads(&self) -> bool {
        self.algorithm.never_leads()
    }

    fn set_never_leads(&mut self, never: bool) -> bool {
        self.algorithm.set_never_leads(never)
    }

    fn set_disk(&mut self, disk: DiskId, first: &[NodeId]) {
        self.disk = disk.known();
        self.first = first.iter().copied().collect();
        self.joins = first.is_empty();
    }
}
