use crate::wire::rejection::Rejection;

/// The reason why there is no connection with a peer in one direction, so that no messages can be
/// sent in that direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) kind: ReasonKind,
    /// The text for an operator: what is wrong, and what to do.
    pub(crate) text: String,
}

/// The kind of a reason. In one outage, only the first reason of each kind is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReasonKind {
    /// The name of the peer cannot be resolved.
    Lookup,
    /// The peer's process has ended, or no process listens at its address.
    NotRunning,
    /// The peer does not answer.
    NoAnswer,
    /// The peer makes no connection to this node.
    NoIncoming,
    /// The network does not lead to the peer, or this node itself has a fault.
    Fault,
    /// Another process or program answers at the peer's address.
    NotANode,
    /// The TLS handshake fails.
    Tls,
    /// The peer rejects this node. The fields are the values of the methods of [`Rejection`] with
    /// the same names.
    Rejected { is_temporary: bool, index: usize },
    /// This node rejects the peer. The fields are the values of the methods of [`Rejection`] with
    /// the same names.
    Rejecting { is_temporary: bool, index: usize },
}

impl ReasonKind {
    pub(crate) fn rejected(rejection: &Rejection) -> Self {
        Self::Rejected {
            is_temporary: rejection.is_temporary(),
            index: rejection.index(),
        }
    }

    pub(crate) fn rejecting(rejection: &Rejection) -> Self {
        Self::Rejecting {
            is_temporary: rejection.is_temporary(),
            index: rejection.index(),
        }
    }

    /// Returns `true` if this kind of reason is normal while a cluster starts: the peer may just
    /// not have been started yet.
    pub(super) fn is_temporary(self) -> bool {
        match self {
            Self::Lookup | Self::NotRunning | Self::NoAnswer | Self::NoIncoming | Self::Fault => {
                true
            }
            Self::NotANode | Self::Tls => false,
            Self::Rejected { is_temporary, .. } | Self::Rejecting { is_temporary, .. } => {
                is_temporary
            }
        }
    }
}

impl Reason {
    pub(crate) fn new(kind: ReasonKind, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { kind, text }
    }
}
