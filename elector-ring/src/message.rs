use core::fmt;

use elector_core::{Epoch, Message, Purpose};
use serde::{Deserialize, Serialize};

use crate::{Token, TokenId};

/// What nodes say to each other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RingMessage {
    /// One hop of a token. Its kind is that of the errand: `Election`, `Coordinator`, `Probe` or
    /// `Reply`.
    Token(Token),
    /// The token has arrived: do not skip me.
    HopAck {
        /// The token.
        token: TokenId,
    },
    /// The sender leads.
    Heartbeat {
        /// The epoch that it leads.
        epoch: Epoch,
        /// Its COORDINATOR lap must have ended by now: whoever has not met it was skipped.
        settled: bool,
    },
    /// Lead after me.
    Handover {
        /// The epoch that the sender has led until now.
        epoch: Epoch,
    },
    /// The sender is alive: do not skip me again. Said by a node that was skipped, or that has
    /// restarted.
    Present {
        /// The sender took the receiver for dead, and would know better.
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

// A token shows as what it is for: `Election { .. }`, not `Token(Election { .. })`.
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

/// The timers of a node. Of the first five exactly one runs, once the node has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RingTimer {
    /// The leader, or anybody who might be, has been silent too long.
    Vigil,
    /// The random rest of the election timeout: elect.
    Stagger,
    /// The election of another has come to nothing.
    Await,
    /// The own token should have come home.
    Lap,
    /// The leader is due to be heard.
    Heartbeat,
    /// The COORDINATOR lap that announced this leader must have ended.
    Settle,
    /// A node that resigned has sat out long enough.
    Aside,
    /// A hop was not acknowledged.
    Hop(TokenId),
}

impl RingTimer {
    /// Whether it is one of those of which exactly one runs.
    pub(crate) fn makes_act(self) -> bool {
        match self {
            Self::Vigil | Self::Stagger | Self::Await | Self::Lap | Self::Heartbeat => true,
            Self::Settle | Self::Aside | Self::Hop(_) => false,
        }
    }
}
