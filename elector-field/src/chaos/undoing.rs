use super::plan::Side;
use crate::path::Path;

/// What is to be undone, of which node.
#[derive(Clone, Copy, Debug)]
pub(super) enum Undoing {
    /// Its process was to end at this time.
    Start(usize, u64),
    Continue(usize),
    Heal(Path, Side, usize),
    Proxy(usize),
    Release(usize),
    Mend(usize),
}

impl Undoing {
    /// The node that is down, or stopped, or waits for its disk, or has none, until then.
    pub(super) fn busy(self) -> Option<usize> {
        match self {
            Self::Start(node, _)
            | Self::Continue(node)
            | Self::Release(node)
            | Self::Mend(node) => Some(node),
            Self::Heal(..) | Self::Proxy(_) => None,
        }
    }
}
