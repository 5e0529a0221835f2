use alloc::vec::Vec;
use core::fmt;

use elector_core::{Epoch, NodeId};
use serde::{Deserialize, Serialize};

/// A number that a node gives to its token. The node uses it for one token only, or for the two
/// probes of one level ([`TokenBody::Probe`]), even across restarts.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Serial {
    /// The number of times that the node had started when it created the token, from 1.
    pub life: u64,
    /// The number of serials that the node had used since that start, including this one.
    pub count: u64,
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.life, self.count)
    }
}

/// A direction on the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Way {
    /// In the order of the ring.
    Onward,
    /// Against the order of the ring.
    Backward,
}

impl Way {
    /// Both directions.
    pub const BOTH: [Self; 2] = [Self::Onward, Self::Backward];

    /// Returns the other direction.
    #[must_use]
    pub const fn reverse(self) -> Self {
        match self {
            Self::Onward => Self::Backward,
            Self::Backward => Self::Onward,
        }
    }
}

/// The purpose of a token, and the data that it carries for this purpose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TokenBody {
    /// The ELECTION token of the Collect variant: collects the ids of live nodes.
    Gather {
        /// The nodes that have offered themselves for election so far, in the order of the visits.
        ids: Vec<NodeId>,
    },
    /// The ELECTION token of Chang–Roberts: the origin is a candidate.
    Contend,
    /// The COORDINATOR token: announces the leader of the token's epoch.
    Coordinator {
        /// The node that leads the token's epoch.
        leader: NodeId,
    },
    /// Hirschberg–Sinclair: the origin is a candidate among all nodes within 2^level hops.
    Probe {
        /// How often the distance has doubled: the probe visits up to 2^level nodes.
        level: u32,
        /// The direction of the probe.
        way: Way,
    },
    /// Hirschberg–Sinclair: no node on the way of the probe has a higher id than the origin.
    Reply {
        /// The level of the probe that this token answers.
        level: u32,
        /// The direction of the reply, opposite to that of its probe.
        way: Way,
    },
}

/// The purpose and the direction of a token, without its data. Of the tokens with the same origin
/// and the same course, only the newest token counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Course {
    /// [`TokenBody::Gather`] or [`TokenBody::Contend`].
    Election,
    /// [`TokenBody::Coordinator`].
    Coordinator,
    /// [`TokenBody::Probe`].
    Probe(Way),
    /// [`TokenBody::Reply`].
    Reply(Way),
}

/// Identifies a token on its whole way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenId {
    /// The node that created the token.
    pub origin: NodeId,
    /// The purpose and the direction of the token.
    pub course: Course,
    /// The number that the origin gave to the token.
    pub serial: Serial,
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}/{:?}", self.course, self.origin, self.serial)
    }
}

/// A message that goes round the ring, from node to node. The receiver of each hop acknowledges it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Token {
    /// The node that created the token. The lap ends at the origin. If the origin is dead, the lap
    /// ends at the last live node before the origin.
    pub origin: NodeId,
    /// The number that the origin gave to the token.
    pub serial: Serial,
    /// In a COORDINATOR token, the epoch of the leader that the token announces. In other tokens,
    /// the highest epoch that the visited nodes know.
    pub epoch: Epoch,
    /// How many more hops between live nodes the token may make. This number is never more than the
    /// number of nodes, so no token goes round forever.
    pub left: u32,
    /// The purpose of the token.
    pub body: TokenBody,
}

impl Token {
    /// Returns the id of the token.
    #[must_use]
    pub fn id(&self) -> TokenId {
        let course = match self.body {
            TokenBody::Gather { .. } | TokenBody::Contend => Course::Election,
            TokenBody::Coordinator { .. } => Course::Coordinator,
            TokenBody::Probe { way, .. } => Course::Probe(way),
            TokenBody::Reply { way, .. } => Course::Reply(way),
        };
        TokenId {
            origin: self.origin,
            course,
            serial: self.serial,
        }
    }

    /// Returns the direction of the token.
    #[must_use]
    pub fn way(&self) -> Way {
        match self.body {
            TokenBody::Gather { .. } | TokenBody::Contend | TokenBody::Coordinator { .. } => {
                Way::Onward
            }
            TokenBody::Probe { way, .. } | TokenBody::Reply { way, .. } => way,
        }
    }

    /// Returns the name of the message kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.body {
            TokenBody::Gather { .. } | TokenBody::Contend => "Election",
            TokenBody::Coordinator { .. } => "Coordinator",
            TokenBody::Probe { .. } => "Probe",
            TokenBody::Reply { .. } => "Reply",
        }
    }
}

// Scenarios and traces are easier to read if the fields of the body are among the other fields.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct(self.kind());
        text.field("origin", &self.origin)
            .field("serial", &self.serial)
            .field("epoch", &self.epoch)
            .field("left", &self.left);
        match &self.body {
            TokenBody::Gather { ids } => text.field("ids", ids),
            TokenBody::Contend => &mut text,
            TokenBody::Coordinator { leader } => text.field("leader", leader),
            TokenBody::Probe { level, way } | TokenBody::Reply { level, way } => {
                text.field("level", level).field("way", way)
            }
        };
        text.finish()
    }
}
