use elector_core::{Epoch, Message, Purpose};
use serde::{Deserialize, Serialize};

/// What nodes say to each other. Every message carries the epoch of the newest tenure its sender
/// knows, so that the next winner can number its own above all of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BullyMessage {
    /// ELECTION, from a candidate to every higher node: is one of you alive?
    Election {
        /// The newest tenure that the sender knows: the one whose coordinator it misses.
        epoch: Epoch,
    },
    /// ANSWER, to a lower candidate: I am alive, leave it to me.
    Answer {
        /// The newest tenure that the sender knows.
        epoch: Epoch,
    },
    /// COORDINATOR, from the winner to every lower node, and to a lower candidate that asks while
    /// the coordinator lives.
    Coordinator {
        /// The tenure.
        epoch: Epoch,
        /// Whether the sender leads by a transfer: higher nodes let it be.
        appointed: bool,
    },
    /// From the coordinator to everybody, again and again: I am alive. The higher nodes learn the
    /// coordinator from it.
    Heartbeat {
        /// The tenure.
        epoch: Epoch,
        /// As in `Coordinator`.
        appointed: bool,
    },
    /// From a coordinator that has just stepped down, to the node that shall follow it. Not in the
    /// paper.
    Handover {
        /// The tenure that ended.
        epoch: Epoch,
        /// Whether the successor was named by a transfer: higher nodes let it be.
        appointed: bool,
    },
    /// To a coordinator of an older tenure, from a node that knows a newer one and no coordinator
    /// of it: number yourself anew. Not in the paper, which has no epochs.
    Outdated {
        /// The newest tenure that the sender knows.
        epoch: Epoch,
    },
}

impl Message for BullyMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Election { .. } => "Election",
            Self::Answer { .. } => "Answer",
            Self::Coordinator { .. } => "Coordinator",
            Self::Heartbeat { .. } => "Heartbeat",
            Self::Handover { .. } => "Handover",
            Self::Outdated { .. } => "Outdated",
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Self::Election { .. }
            | Self::Answer { .. }
            | Self::Coordinator { .. }
            | Self::Handover { .. }
            | Self::Outdated { .. } => Purpose::Election,
            Self::Heartbeat { .. } => Purpose::Liveness,
        }
    }
}
