use alloc::vec::Vec;
use core::fmt;

use elector_core::{Epoch, NodeId};
use serde::{Deserialize, Serialize};

/// A number that its node gives once, also across restarts.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Serial {
    /// The life of the node, from 1.
    pub life: u64,
    /// Counts within the life, from 1.
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
    /// Against it.
    Backward,
}

impl Way {
    /// Both, for Hirschberg–Sinclair.
    pub const BOTH: [Self; 2] = [Self::Onward, Self::Backward];

    /// The other one.
    #[must_use]
    pub const fn reverse(self) -> Self {
        match self {
            Self::Onward => Self::Backward,
            Self::Backward => Self::Onward,
        }
    }
}

/// What a token is under way for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Errand {
    /// ELECTION of the Collect variant: gathers who is alive.
    Gather {
        /// The nodes that offered themselves so far, in the order met.
        ids: Vec<NodeId>,
    },
    /// ELECTION of Chang–Roberts: the origin stands for election.
    Contend,
    /// Tells all who leads the epoch of the token.
    Coordinator {
        /// The leader.
        leader: NodeId,
    },
    /// Hirschberg–Sinclair: the origin stands for election, against all within 2^level hops.
    Probe {
        /// How often the distance has doubled.
        level: u32,
        /// Where it is going.
        way: Way,
    },
    /// Hirschberg–Sinclair: nobody on the way of the probe outranks the origin.
    Reply {
        /// The level of the probe.
        level: u32,
        /// Where the reply is going: against its probe.
        way: Way,
    },
}

/// The course of a token: of the tokens of one origin on one course, only the newest matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Course {
    /// [`Errand::Gather`] or [`Errand::Contend`].
    Election,
    /// [`Errand::Coordinator`].
    Coordinator,
    /// [`Errand::Probe`].
    Probe(Way),
    /// [`Errand::Reply`].
    Reply(Way),
}

/// Names a token, all along its way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenId {
    /// The node that it set out from, and whose lap it is.
    pub origin: NodeId,
    /// Its course.
    pub course: Course,
    /// The number that its origin gave it.
    pub serial: Serial,
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            course,
            serial,
        } = self;
        write!(f, "{course:?} {origin:?}/{serial:?}")
    }
}

/// What travels round the ring, hop by acknowledged hop.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Token {
    /// The node that it set out from. Its lap ends there, or where that node is found silent.
    pub origin: NodeId,
    /// The number that its origin gave it.
    pub serial: Serial,
    /// The epoch that a COORDINATOR announces; with other errands the highest epoch met so far.
    pub epoch: Epoch,
    /// How many hops between live nodes it may still make. Never more than the ring has nodes, so
    /// no token travels for ever.
    pub left: u32,
    /// What it is under way for.
    pub errand: Errand,
}

impl Token {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> TokenId {
        let course = match self.errand {
            Errand::Gather { .. } | Errand::Contend => Course::Election,
            Errand::Coordinator { .. } => Course::Coordinator,
            Errand::Probe { way, .. } => Course::Probe(way),
            Errand::Reply { way, .. } => Course::Reply(way),
        };
        TokenId {
            origin: self.origin,
            course,
            serial: self.serial,
        }
    }

    /// Where it is going.
    #[must_use]
    pub fn way(&self) -> Way {
        match self.errand {
            Errand::Gather { .. } | Errand::Contend | Errand::Coordinator { .. } => Way::Onward,
            Errand::Probe { way, .. } | Errand::Reply { way, .. } => way,
        }
    }

    /// The name of its kind of message.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.errand {
            Errand::Gather { .. } | Errand::Contend => "Election",
            Errand::Coordinator { .. } => "Coordinator",
            Errand::Probe { .. } => "Probe",
            Errand::Reply { .. } => "Reply",
        }
    }
}

// Scenarios and traces read better with the fields of the errand among the others.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct(self.kind());
        text.field("origin", &self.origin)
            .field("serial", &self.serial)
            .field("epoch", &self.epoch)
            .field("left", &self.left);
        match &self.errand {
            Errand::Gather { ids } => text.field("ids", ids),
            Errand::Contend => &mut text,
            Errand::Coordinator { leader } => text.field("leader", leader),
            Errand::Probe { level, way } | Errand::Reply { level, way } => {
                text.field("level", level).field("way", way)
            }
        };
        text.finish()
    }
}
