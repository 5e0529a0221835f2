use core::fmt;

use elector_core::{Epoch, Message, Purpose};
use serde::{Deserialize, Serialize};

use crate::{Token, TokenId};

/// The messages between nodes. No message has a field for its sender, because the host of the
/// receiver (the program that runs the algorithm) authenticates the sender.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RingMessage {
    /// One hop of a token. The body of the token determines the kind of the message: `Election`,
    /// `Coordinator`, `Probe` or `Reply`.
    Token(Token),
    /// "The token has arrived, do not skip me": the answer of a node that receives a token.
    HopAck {
        /// The token that has arrived.
        token: TokenId,
    },
    /// "I lead".
    Heartbeat {
        /// The leader's epoch.
        epoch: Epoch,
        /// Whether the lap of the COORDINATOR token that announced this leader must have ended by
        /// now. If so, the token has skipped each node that it has not visited.
        settled: bool,
    },
    /// "Lead now": the leader of this epoch has stepped down in favour of the receiver, which leads
    /// a new epoch without an election.
    Handover {
        /// The epoch that the sender led.
        epoch: Epoch,
    },
    /// "I am alive, do not skip me any more". A node that was skipped or has restarted sends this
    /// message. The message can also ask whether the receiver is alive.
    Present {
        /// Whether the receiver must answer, because the sender suspects the receiver.
        ask: bool,
    },
}

impl Message for RingMessage {
    fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Token(token) => Some(token.epoch),
            Self::Heartbeat { epoch, .. } | Self::Handover { epoch } => Some(*epoch),
            Self::HopAck { .. } | Self::Present { .. } => None,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Token(token) => token.kind(),
            Self::HopAck { .. } => "HopAck",
            Self::Heartbeat { .. } => "Heartbeat",
            Self::Handover { .. } => "Handover",
            Self::Present { .. } => "Present",
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Self::Token(_) | Self::HopAck { .. } | Self::Handover { .. } => Purpose::Election,
            Self::Heartbeat { .. } | Self::Present { .. } => Purpose::Liveness,
        }
    }
}

// A token has the short form `Election { .. }` instead of `Token(Election { .. })`.
impl fmt::Debug for RingMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(token) => token.fmt(f),
            Self::HopAck { token } => f.debug_struct("HopAck").field("token", token).finish(),
            Self::Heartbeat { epoch, settled } => f
                .debug_struct("Heartbeat")
                .field("epoch", epoch)
                .field("settled", settled)
                .finish(),
            Self::Handover { epoch } => f.debug_struct("Handover").field("epoch", epoch).finish(),
            Self::Present { ask } => f.debug_struct("Present").field("ask", ask).finish(),
        }
    }
}

/// The timers of a node. After the start exactly one of the first five timers runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RingTimer {
    /// The first part of the election timeout, `election_min`. When it ends, this node has received
    /// no sign of life of a leader in this time.
    Vigil,
    /// The second, random part of the election timeout. When it ends, the node starts an election.
    Stagger,
    /// When this timer elapses, this node has waited for the result of another node's election for
    /// the time of two laps (two ways of a token round the ring).
    Await,
    /// When this timer elapses, the node's own token has not come back in the time that a lap, or a
    /// probe and its reply, may take.
    Lap,
    /// When this timer elapses, a leader sends its next heartbeat.
    Heartbeat,
    /// When this timer elapses, the COORDINATOR token that announced this leader must have finished
    /// its lap round the ring.
    Settle,
    /// When this timer elapses, a node that has resigned offers itself for elections again.
    Aside,
    /// When this timer elapses, the receiver of this token has not acknowledged the token in time.
    Hop(TokenId),
}

impl RingTimer {
    /// Returns `true` for the timers that make a node act in an election. After the start, exactly
    /// one of these timers runs.
    pub(crate) fn drives_node(self) -> bool {
        match self {
            Self::Vigil | Self::Stagger | Self::Await | Self::Lap | Self::Heartbeat => true,
            Self::Settle | Self::Aside | Self::Hop(_) => false,
        }
    }
}
