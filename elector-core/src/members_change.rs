use core::{fmt, num::ParseIntError, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Epoch, NodeSet};

/// The name of a roster, the list of the nodes that vote: the epoch of the leader that made it, and
/// its version.
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

/// Reads the form that [`Display`](fmt::Display) writes: `7.2`.
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
    /// Nodes of the goal that come back with a new disk, not the one that the roster names. A node
    /// is not a voter any more when its disk is lost, because the disk kept its votes.
    pub readmit: NodeSet,
    /// Change only this roster. If the cluster has another roster, the command is refused. If a
    /// change is in progress in this roster, the new goal replaces the goal of that change.
    pub if_roster: Option<RosterId>,
}

impl MembersChange {
    /// Creates the change of any roster to these voters, without nodes that come back.
    #[must_use]
    pub fn to(goal: NodeSet) -> Self {
        Self {
            goal,
            ..Self::default()
        }
    }
}

/// Lists the goal, as in `1,2,3`.
impl fmt::Display for MembersChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, node) in self.goal.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{node}")?;
        }
        Ok(())
    }
}
