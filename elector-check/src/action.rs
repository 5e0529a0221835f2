use elector_core::NodeId;

use crate::state::Flight;

/// Something that may happen next in the cluster. A node is identified by its position, from 0, and
/// a timer by its index among the timers of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Deliver {
        flight: Flight,
    },
    Elapse {
        node: usize,
        timer: usize,
    },
    Crash {
        node: usize,
    },
    Restart {
        node: usize,
    },
    /// A node suspects a peer.
    Suspect {
        node: usize,
        peer: NodeId,
    },
    /// A node gets a proof that a peer is dead.
    Prove {
        node: usize,
        peer: NodeId,
    },
    Command {
        node: usize,
        command: Request,
    },
    Tick,
}

/// A command of the application. A change of the members is given by its index in
/// [`CheckConfig::changes`](crate::CheckConfig::changes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Campaign,
    Resign,
    TransferTo(NodeId),
    Change(usize),
}

/// Returns the id of the node at this position. Position 0 has the id 1.
pub(crate) fn id(node: usize) -> NodeId {
    NodeId(node as u64 + 1)
}

/// Returns the position of the node with this id, from 0.
pub(crate) fn position(id: NodeId) -> usize {
    usize::try_from(id.0).map_or(usize::MAX, |id| id.saturating_sub(1))
}
