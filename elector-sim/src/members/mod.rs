//! Changes of the members in a simulated cluster: the disks of its nodes, the operators that ask
//! for changes, and the rosters on all disks.

mod operators;
mod rosters;

use std::fmt;

use elector_core::{DiskId, ElectionAlgorithm, Membership, NodeId, NodeSet};
use elector_members::{MembersConfig, MembersDurable, Roster};

pub use operators::MembersOutcome;
pub(crate) use operators::Operators;

use crate::Setup;

/// How the simulator reads the roster (the durable list of voters) and the disk id of a node, and
/// how it changes the disk id. An algorithm whose members are fixed has no roster and no disk id.
pub struct MembersAccess<A: ElectionAlgorithm> {
    roster: fn(&A::Durable) -> &Roster,
    first_roster: fn(&A::Config, &Membership) -> Roster,
    disk: fn(&A::Config) -> Option<DiskId>,
    set_disk: fn(&mut A::Config, DiskId),
}

impl<A, C, D> MembersAccess<A>
where
    A: ElectionAlgorithm<Config = MembersConfig<C>, Durable = MembersDurable<D>>,
{
    /// Creates the access for an algorithm with the configuration and the durable state of
    /// [`Members`](elector_members::Members), which is the wrapper that changes members.
    #[must_use]
    pub fn new() -> Self {
        Self {
            roster: |durable| &durable.roster,
            first_roster: |config, universe| config.first_roster(universe),
            disk: |config| config.disk,
            set_disk: |config, disk| config.disk = Some(disk),
        }
    }
}

impl<A: ElectionAlgorithm> MembersAccess<A> {
    /// Returns the roster in the durable state of a node. If the node has not written a roster yet,
    /// its version is 0.
    pub(crate) fn roster(self, durable: &A::Durable) -> &Roster {
        (self.roster)(durable)
    }

    /// Returns the roster with which a node starts if its disk is empty.
    pub(crate) fn first_roster(self, config: &A::Config, universe: &Membership) -> Roster {
        (self.first_roster)(config, universe)
    }

    pub(crate) fn disk(self, config: &A::Config) -> Option<DiskId> {
        (self.disk)(config)
    }

    pub(crate) fn set_disk(self, config: &mut A::Config, disk: DiskId) {
        (self.set_disk)(config, disk);
    }
}

impl<A, C, D> Default for MembersAccess<A>
where
    A: ElectionAlgorithm<Config = MembersConfig<C>, Durable = MembersDurable<D>>,
{
    fn default() -> Self {
        Self::new()
    }
}

// Derived implementations of `Clone` and `Copy` would require that the algorithm `A` is `Copy`.
impl<A: ElectionAlgorithm> Clone for MembersAccess<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: ElectionAlgorithm> Copy for MembersAccess<A> {}

impl<A: ElectionAlgorithm> fmt::Debug for MembersAccess<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MembersAccess")
    }
}

impl<A: ElectionAlgorithm> Setup<A> {
    /// Creates the setup of a cluster whose members can change, with defaults for everything else.
    /// The nodes `1..=voters` vote at the beginning. The next `spares` nodes can become voters.
    /// Each node has a disk of its own.
    #[must_use]
    pub fn with_members<C: Clone, D>(voters: u64, spares: u64, algorithm: &C) -> Self
    where
        A: ElectionAlgorithm<Config = MembersConfig<C>, Durable = MembersDurable<D>>,
    {
        let mut setup = Self::new(voters.saturating_add(spares));
        let first: NodeSet = (1..=voters).map(NodeId).collect();
        let config = |disk| MembersConfig {
            first: first.clone(),
            disk,
            ..MembersConfig::from(algorithm.clone())
        };
        let of_node = |&node: &NodeId| (node, config(Some(disk_id(node, 0))));
        setup.configs = setup.nodes.iter().map(of_node).collect();
        setup.config = config(None);
        setup.members = Some(MembersAccess::new());
        setup
    }
}

/// Returns the id of a disk of this node. `number` is 0 for the first disk of a node. For a later
/// disk it is the number of disks that were replaced so far in the whole cluster, this disk
/// included.
pub(crate) fn disk_id(node: NodeId, number: u64) -> DiskId {
    DiskId::from(u128::from(number) << 64 | u128::from(node.0))
}
