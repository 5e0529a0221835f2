use super::plan::Side;
use crate::path::Path;

/// The repair of a fault. Nodes are counted from 0.
#[derive(Clone, Copy, Debug)]
pub(super) enum Repair {
    /// Starts the node again. Its process received the signal to end at this time.
    StartNode(usize, u64),
    /// Continues a stopped process.
    Resume(usize),
    /// Removes this fault from these paths of the node.
    Paths(Path, Side, usize),
    StartProxy(usize),
    ThawDisk(usize),
    ReplaceDisk(usize),
}

impl Repair {
    /// Returns the node that is down or stopped, or whose disk hangs or fails, until this repair.
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
