use elector_core::{Command, ElectionAlgorithm, NodeId};

use crate::state::State;

/// What may happen next. Nodes are told by position; a message by its place in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action<T> {
    Deliver { envelope: usize },
    Elapse { node: usize, timer: T },
    Crash { node: usize },
    Restart { node: usize },
    Suspect { node: usize, peer: NodeId },
    Command { node: usize, command: Command },
}

/// The node in this position.
pub(crate) fn id(node: usize) -> NodeId {
    NodeId(node as u64 + 1)
}

/// The position of this node.
pub(crate) fn position(id: NodeId) -> usize {
    usize::try_from(id.0).map_or(usize::MAX, |id| id.saturating_sub(1))
}

/// Puts into words how `action` led from one state to the next.
pub(crate) fn tell<A: ElectionAlgorithm>(
    before: &State<A>,
    action: &Action<A::Timer>,
    after: &State<A>,
) -> String {
    let mut line = match *action {
        Action::Deliver { envelope } => match before.network.envelopes().get(envelope) {
            Some(sent) => format!("{:?} <- {:?} {:?}", sent.to, sent.from, sent.message),
            None => String::new(),
        },
        Action::Elapse { node, timer } => format!("{:?} elapsed {timer:?}", id(node)),
        Action::Crash { node } => format!("{:?} crashed", id(node)),
        Action::Restart { node } => format!("{:?} restarted", id(node)),
        Action::Suspect { node, peer } => format!("{:?} suspects {peer:?}", id(node)),
        Action::Command { node, command } => format!("{:?} told {command:?}", id(node)),
    };
    for (old, new) in before.nodes.iter().zip(&after.nodes) {
        let (old, new) = (old.view(), new.view());
        if let Some(view) = new.filter(|_| old != new) {
            line += &format!("; view epoch {} leader ", view.epoch);
            line += &view
                .leader
                .map_or_else(|| "-".into(), |id| format!("{id:?}"));
            line += &format!(" role {}", view.role);
        }
    }
    if let Some(breach) = after.breach {
        line += &format!("; {breach}");
    }
    line
}
