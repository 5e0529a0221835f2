use elector_core::{Epoch, Message, Purpose};
use serde::{Deserialize, Serialize};

/// The messages between nodes. No message has a field for its sender, because the host of the
/// receiver (the program that runs the algorithm) authenticates the sender. Every message carries
/// the epoch of its sender, so the next winner can choose an epoch above all epochs that it has
/// received.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BullyMessage {
    /// ELECTION. A candidate asks every higher node: "are you alive?" A recovering node that got no
    /// answer from the higher nodes asks every lower node: "do you lead?"
    Election {
        /// The sender's epoch.
        epoch: Epoch,
    },
    /// ANSWER, to a lower candidate: "I am alive, leave the election to me".
    Answer {
        /// The newest epoch that the sender knows.
        epoch: Epoch,
    },
    /// COORDINATOR: "I lead". The winner sends this message to every lower node. A live coordinator
    /// sends it to any node that asks.
    Coordinator {
        /// The leader's epoch.
        epoch: Epoch,
        /// Whether the sender leads by a transfer. If so, nodes with higher ids do not try to take
        /// over from it.
        appointed: bool,
    },
    /// "I lead", from the coordinator to all nodes, periodically. The higher nodes learn the
    /// coordinator from this message.
    Heartbeat {
        /// The leader's epoch.
        epoch: Epoch,
        /// Whether the sender leads by a transfer, as in [`Coordinator`](Self::Coordinator).
        appointed: bool,
    },
    /// "Lead now": the leader of this epoch has stepped down in favour of the receiver, which leads
    /// a new epoch without an election. The paper has no such message.
    Handover {
        /// The epoch that the sender led.
        epoch: Epoch,
        /// Whether a transfer named the successor. If so, nodes with higher ids do not try to take
        /// over from it.
        appointed: bool,
    },
    /// "Move to an epoch above this one". A node that knows no coordinator to follow instead sends
    /// this message to a coordinator whose epoch is past, or is shared with another coordinator.
    /// The paper has no such message, because it has no epochs.
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
