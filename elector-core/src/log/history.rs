use alloc::{collections::BTreeMap, vec::Vec};

use super::{Entry, LogIndex, ReplicatedLog};
use crate::{NodeId, invariants::InvariantViolation as Violation};

/// The committed entries of a run, as a checker outside of the cluster has seen them. A host that
/// checks a replicated log shows it each node whose last committed entry has changed. Crashes of
/// nodes do not change the history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogHistory {
    /// The committed entries from index 1 on, and for each the node that was the first to take it
    /// for committed.
    committed: Vec<(NodeId, Entry)>,
    /// For each node, the last committed index that it has shown in its present life.
    shown: BTreeMap<NodeId, LogIndex>,
}

impl LogHistory {
    /// Creates an empty history.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            committed: Vec::new(),
            shown: BTreeMap::new(),
        }
    }

    /// Returns the committed entries, from index 1 on.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.committed.iter().map(|(_, entry)| entry)
    }

    /// Records that the process of `node` has ended. It may take fewer entries for committed when
    /// it runs again.
    pub fn ended(&mut self, node: NodeId) {
        self.shown.remove(&node);
    }

    /// Records that `node` takes the entries of its log up to `to` for committed. Returns the first
    /// violation that this causes. Compares the entries that are new on this node, and the last one
    /// that the node has shown before.
    pub fn committed(
        &mut self,
        node: NodeId,
        to: LogIndex,
        log: &dyn ReplicatedLog,
    ) -> Option<Violation> {
        let shown = self.shown.entry(node).or_default();
        let from = *shown;
        if to < from {
            return Some(Violation::CommittedWentBack { node, from, to });
        }
        *shown = to;
        let mut index = from.max(LogIndex(1));
        while index <= to {
            let Some(found) = log.entry(index) else {
                return Some(Violation::CommittedMissing { node, index });
            };
            match self.committed.get(index.previous().0 as usize) {
                Some((_, committed)) if committed == found => {}
                Some(&(first, _)) => {
                    return Some(Violation::CommittedTwice {
                        index,
                        first,
                        second: node,
                    });
                }
                // The node shows its entries in order, so this one is the next one of all.
                None => self.committed.push((node, found.clone())),
            }
            index = index.next();
        }
        None
    }
}
