use elector_core::{Epoch, Message, Purpose};
use serde::{Deserialize, Serialize};

/// What nodes say to each other. Every message carries the epoch of the newest tenure its sender
/// knows, so that the next winner can number its own above all of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BullyMessage {
    /// ELECTION, from a candidate to every higher node: is one of you alive? And from a node that
    /// recovers and gets no answer to every lower node: does one of you lead?
    Election {
        /// The newest tenure that the sender knows: the one whose coordinator it misses.
        epoch: Epoch,
    },
    /// ANSWER, to a lower candidate: I am alive, leave it to me.
    Answer {
        /// The newest tenure that the sender knows.
        epoch: Epoch,
    },
    /// COORDINATOR, from the winner to every lower node, and from a live coordinator to any that
    /// asks.
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
    /// To a coordinator whose epoch is over or is another's, from a node that hears of no better
    /// one: number yourself anew, above this. Not in the paper, which has no epochs.
    Outdated {
        /// The newest tenure that the sender knows.
        epoch: Epoch,
    },
}

impl Message for BullyMessage {
    fn epoch(&self) -> Option<Epoch> {
        Some(match *self {
            Self::Election { epoch }
            | Self::Answer { epoch }
            | Self::Coordinator { epoch, .. }
            | Self::Heartbeat { epoch, .. }
            | Self::Handover { epoch, .. }
            | Self::Outdated { epoch } => epoch,
        })
    }

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
