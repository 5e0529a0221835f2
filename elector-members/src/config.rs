use elector_core::{Configuration, Membership, NodeSet, Timing, TimingError};
use serde::{Deserialize, Serialize};

use crate::DiskId;

/// The configuration of a node whose members can change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MembersConfig<C> {
    /// The configuration of the election algorithm.
    pub algorithm: C,
    /// The voters of the first roster, for a node that has no roster on its disk. Empty for a node
    /// that joins a running cluster. The empty set means all nodes that the host knows, if the
    /// field `joins` is `false`.
    pub first: NodeSet,
    /// Whether this node joins a running cluster: on an empty disk it starts without a roster, and
    /// becomes a voter when a change of the members has added it.
    pub joins: bool,
    /// The random number of the disk of this node. Without it, a node that has lost its disk is not
    /// distinguished from a node that still has it.
    pub disk: Option<DiskId>,
}

impl<C: Configuration> Configuration for MembersConfig<C> {
    fn timing(&self) -> &Timing {
        self.algorithm.timing()
    }

    fn timing_mut(&mut self) -> &mut Timing {
        self.algorithm.timing_mut()
    }

    fn validate(&self, members: &Membership) -> Result<(), TimingError> {
        if !self.first.iter().all(|node| members.contains(node)) {
            return Err(TimingError::Option(
                "first names a node that is not in the cluster: name members only",
            ));
        }
        self.algorithm.validate(members)
    }
}
