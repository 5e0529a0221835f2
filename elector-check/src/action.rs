use elector_core::{Command, NodeId};

use crate::state::Flight;

/// What may happen next. Nodes are named by position, and a timer by its place among those of its
/// node.
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
    /// What a node learns of a peer: a proof of its death, or a suspicion.
    Hint {
        node: usize,
        peer: NodeId,
        proves: bool,
    },
    Command {
        node: usize,
        command: Command,
    },
    Tick,
}

/// The node in this position.
pub(crate) fn id(node: usize) -> NodeId {
    NodeId(node as u64 + 1)
}

/// The position of this node.
pub(crate) fn position(id: NodeId) -> usize {
    usize::try_from(id.0).map_or(usize::MAX, |id| id.saturating_sub(1))
}
