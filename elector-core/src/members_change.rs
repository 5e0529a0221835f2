use core::{fmt, num::ParseIntError, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Epoch, NodeSet};

/// The name of a roster, which is the list of the nodes that vote. It consists of the epoch of the
/// leader that made the roster, and the version of the roster.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct RosterId {
    /// The epoch of the leader that made the roster; zero for the first roster.
    pub created: Epoch,
    /// The version of the roster: 1 for the first roster.
    pub version: u64,
}

impl RosterId {
    /// Stands for the roster of a node that runs an earlier release, which does not know rosters.
    pub const EARLIER_RELEASE: Self = Self {
        created: Epoch(0),
        version: 0,
    };
}

/// Reads the form that [`Display`](fmt::Display) writes, such as `7.2` for epoch 7 and version 2.
impl FromStr for RosterId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (created, version) = text.split_once('.').unwrap_or((text, ""));
        Ok(Self {
            created: Epoch(created.parse()?),
            version: version.parse()?,
        })
    }
}

impl fmt::Display for RosterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created, self.version)
    }
}

/// A command to change the members of a cluster while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MembersChange {
    /// The nodes that vote after the change.
    pub goal: NodeSet,
    /// Nodes of the goal that come back with a new disk. The roster (the list of the nodes that
    /// vote) names the disk id of each voter. A node with another disk is no voter any more,
    /// because the lost disk kept its votes. So the command must say explicitly that the node may
    /// vote with its new disk.
    pub readmit: NodeSet,
    /// Change only the roster (the list of the nodes that vote) with this id. If the cluster has
    /// another roster, the leader refuses the command. If a change is in progress in this roster,
    /// the new goal replaces the goal of that change.
    pub if_roster: Option<RosterId>,
}

impl MembersChange {
    /// Creates a change to these voters, no matter which roster the cluster has when it gets the
    /// command. The change readmits no node with a new disk.
    #[must_use]
    pub fn to(goal: NodeSet) -> Self {
        Self {
            goal,
            ..Self::default()
        }
    }
}

/// Lists the nodes of the goal, as in `1,2,3`.
impl fmt::Display for MembersChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, node) in self.goal.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{node}")?;
        }
        Ok(())
    }
}
