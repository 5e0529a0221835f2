use elector_core::{Epoch, Message, Purpose};
use serde::{Deserialize, Serialize};

/// The messages between nodes. The sender is never a field, because hosts authenticate it. Every
/// message carries the newest epoch that its sender knows, so the next winner can choose an epoch
/// above all of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BullyMessage {
    /// ELECTION from a candidate to every higher node: "is one of you alive?" Also from a
    /// recovering node that got no answer to every lower node: "does one of you lead?"
    Election {
        /// The newest epoch that the sender knows: the one of the coordinator that is silent.
        epoch: Epoch,
    },
    /// ANSWER, to a lower candidate: "I am alive, leave the election to me".
    Answer {
        /// The newest epoch that the sender knows.
        epoch: Epoch,
    },
    /// COORDINATOR, from the winner to every lower node, and from a live coordinator to any node
    /// that asks.
    Coordinator {
        /// The leader's epoch.
        epoch: Epoch,
        /// Whether the sender leads by a transfer. Then higher nodes do not contest it.
        appointed: bool,
    },
    /// "I lead", from the coordinator to all nodes, periodically. The higher nodes learn the
    /// coordinator from it.
    Heartbeat {
        /// The leader's epoch.
        epoch: Epoch,
        /// As in [`Coordinator`](Self::Coordinator).
        appointed: bool,
    },
    /// "Lead now": the leader of this epoch has stepped down in favour of the receiver, which leads
    /// a new epoch without an election. Not in the paper.
    Handover {
        /// The epoch that the sender led.
        epoch: Epoch,
        /// Whether a transfer named the successor. Then higher nodes do not contest it.
        appointed: bool,
    },
    /// "Move to an epoch above this one", to a coordinator whose epoch is past or shared, from a
    /// node that has no better coordinator. Not in the paper, which has no epochs.
    Outdated {
        /// The newest epoch that the sender knows.
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
