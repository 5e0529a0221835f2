use crate::wire::refusal::Refusal;

/// Why nothing is exchanged with a peer, in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) kind: Kind,
    /// For an operator: what it is, and what to do about it.
    pub(crate) text: String,
}

/// Reasons of one kind are told once in an outage. The number is that of a [`Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its name is not known, or the name servers do not answer.
    Name,
    /// Its process has ended, or no process listens there.
    Gone,
    /// It does not answer.
    Mute,
    /// It does not make a connection of its own.
    Absent,
    /// The network does not lead there, or this node has a fault of its own.
    Fault,
    /// Something else answers there.
    NoNode,
    /// The TLS handshake fails.
    Tls,
    /// The peer rejects this node.
    Rejected { may_pass: bool, number: usize },
    /// This node rejects the peer.
    Rejecting { may_pass: bool, number: usize },
}

impl Kind {
    pub(crate) fn rejected(refusal: &Refusal) -> Self {
        Self::Rejected {
            may_pass: refusal.may_pass(),
            number: refusal.index(),
        }
    }

    pub(crate) fn rejecting(refusal: &Refusal) -> Self {
        Self::Rejecting {
            may_pass: refusal.may_pass(),
            number: refusal.index(),
        }
    }

    /// Whether it may be that the peer has not been started yet.
    pub(super) fn may_pass(self) -> bool {
        match self {
            Self::Name | Self::Gone | Self::Mute | Self::Absent | Self::Fault => true,
            Self::NoNode | Self::Tls => false,
            Self::Rejected { may_pass, .. } | Self::Rejecting { may_pass, .. } => may_pass,
        }
    }
}

impl Reason {
    pub(crate) fn new(kind: Kind, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { kind, text }
    }
}
