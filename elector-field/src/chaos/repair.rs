use super::plan::Side;
use crate::path::Path;

/// The repair of a fault. Nodes are counted from 0.
#[derive(Clone, Copy, Debug)]
pub(super) enum Repair {
    /// Starts the node again when its process has ended. The second value is the time at which the
    /// process received the signal to end, in nanoseconds of [`now`](crate::witness::now).
    StartNode(usize, u64),
    /// Continues a node that was stopped, or its guardian (the process that kills the command
    /// before the lease ends) that was stopped.
    Resume(usize),
    /// Removes this fault from the paths that the side selects for the node.
    Paths(Path, Side, usize),
    StartProxy(usize),
    ThawDisk(usize),
    ReplaceDisk(usize),
}

impl Repair {
    /// Returns the node that is busy until this repair, which means that the node is down or
    /// stopped, or that its disk hangs or fails. `None` if no node is busy.
    pub(super) fn busy_node(self) -> Option<usize> {
        match self {
            Self::StartNode(node, _)
            | Self::Resume(node)
            | Self::ThawDisk(node)
            | Self::ReplaceDisk(node) => Some(node),
            Self::Paths(..) | Self::StartProxy(_) => None,
        }
    }
}
