use alloc::{sync::Arc, vec::Vec};
use core::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    iter, mem,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::LogIndex;

/// The entries of a log, in the order of their indexes.
///
/// A clone is cheap, because it shares all entries with the original, and two logs that share their
/// last entry are equal without a comparison of the others. So an algorithm can keep its log in its
/// [durable state](crate::ElectionAlgorithm::Durable), which a driver compares and clones at each
/// step.
///
/// Appending takes constant time. Reading the entry that is n entries before the end takes a time
/// in the order of log n (Myers, "An applicative random-access stack", Information Processing
/// Letters 17, 1983).
#[derive(Clone)]
pub struct Log<T> {
    last: Option<Arc<Node<T>>>,
}

/// An entry with its index, and links to entries before it.
struct Node<T> {
    entry: T,
    index: LogIndex,
    /// A hash of this entry and of all entries before it. Two logs with different fingerprints have
    /// different entries.
    fingerprint: u64,
    before: Option<Arc<Self>>,
    /// A link over several entries. It makes reading by index fast.
    jump: Option<Arc<Self>>,
}

impl<T> Log<T> {
    /// Returns the index of the last entry; zero if there are no entries.
    #[must_use]
    pub fn last_index(&self) -> LogIndex {
        index_of(self.last.as_ref())
    }

    /// Returns the last entry.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.last.as_ref().map(|node| &node.entry)
    }

    /// Returns the entry at this index; `None` if the log has no such entry.
    #[must_use]
    pub fn get(&self, index: LogIndex) -> Option<&T> {
        self.node(index).map(|node| &node.entry)
    }

    /// Removes all entries after `last`.
    pub fn truncate(&mut self, last: LogIndex) {
        if last < self.last_index() {
            let kept = self.node(last).cloned();
            release(mem::replace(&mut self.last, kept));
        }
    }

    fn nodes(&self) -> impl Iterator<Item = &Arc<Node<T>>> {
        iter::successors(self.last.as_ref(), |node| node.before.as_ref())
    }

    /// Returns the entries from the last one to the first one.
    fn entries_back(&self) -> impl Iterator<Item = &T> {
        self.nodes().map(|node| &node.entry)
    }

    fn node(&self, index: LogIndex) -> Option<&Arc<Node<T>>> {
        if index == LogIndex::ZERO {
            return None;
        }
        let mut node = self.last.as_ref().filter(|last| index <= last.index)?;
        while node.index > index {
            let jump = node.jump.as_ref().filter(|jump| jump.index >= index);
            node = jump.or(node.before.as_ref())?;
        }
        Some(node)
    }
}

impl<T: Hash> Log<T> {
    /// Appends an entry, and returns its index.
    pub fn push(&mut self, entry: T) -> LogIndex {
        let index = self.last_index().next();
        let before = self.last.take();
        let mut hasher = Fnv(before.as_ref().map_or(FNV_OFFSET, |node| node.fingerprint));
        entry.hash(&mut hasher);
        // A node links over two links of the node before it, if these two are of equal length.
        // Otherwise it links to the node before it.
        let jump = before.as_ref().and_then(|node| {
            let (near, first) = (node.index, node.jump.as_ref());
            let second = first.and_then(|jump| jump.jump.as_ref());
            let lengths = (
                near.0 - index_of(first).0,
                index_of(first).0 - index_of(second).0,
            );
            match lengths.0 == lengths.1 {
                true => second.cloned(),
                false => Some(Arc::clone(node)),
            }
        });
        self.last = Some(Arc::new(Node {
            entry,
            index,
            fingerprint: hasher.finish(),
            before,
            jump,
        }));
        index
    }
}

impl<T: Clone + Hash> Log<T> {
    /// Returns at most `limit` entries, from the index `first` on.
    #[must_use]
    pub fn entries(&self, first: LogIndex, limit: usize) -> Vec<T> {
        let last = LogIndex(first.0.saturating_add(limit as u64)).previous();
        let Some(end) = self.node(last.min(self.last_index())) else {
            return Vec::new();
        };
        let back = iter::successors(Some(end), |node| node.before.as_ref());
        let back = back.take_while(|node| node.index >= first);
        let mut entries: Vec<T> = back.map(|node| node.entry.clone()).collect();
        entries.reverse();
        entries
    }

    /// Replaces the entry at `index`. Does nothing if the log has no such entry.
    pub fn replace(&mut self, index: LogIndex, entry: T) {
        if self.get(index).is_none() {
            return;
        }
        let after = self.entries(index.next(), usize::MAX);
        self.truncate(index.previous());
        self.push(entry);
        for entry in after {
            self.push(entry);
        }
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { last: None }
    }
}

impl<T: Eq> PartialEq for Log<T> {
    fn eq(&self, other: &Self) -> bool {
        let fingerprint = |log: &Self| log.last.as_ref().map(|node| node.fingerprint);
        if self.last_index() != other.last_index() || fingerprint(self) != fingerprint(other) {
            return false;
        }
        for (one, two) in self.nodes().zip(other.nodes()) {
            if Arc::ptr_eq(one, two) {
                return true; // All entries before this one are shared, too.
            }
            if one.entry != two.entry {
                return false;
            }
        }
        true
    }
}

impl<T: Eq> Eq for Log<T> {}

impl<T: Ord> PartialOrd for Log<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> Ord for Log<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other {
            return Ordering::Equal;
        }
        let lengths = self.last_index().cmp(&other.last_index());
        lengths.then_with(|| self.entries_back().cmp(other.entries_back()))
    }
}

impl<T> Hash for Log<T> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.last_index().hash(hasher);
        self.last.as_ref().map(|node| node.fingerprint).hash(hasher);
    }
}

impl<T: fmt::Debug> fmt::Debug for Log<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut nodes: Vec<_> = self.nodes().collect();
        nodes.reverse();
        let entries = nodes.into_iter().map(|node| (node.index, &node.entry));
        f.debug_map().entries(entries).finish()
    }
}

/// A log is serialized as the list of its entries.
impl<T: Serialize> Serialize for Log<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut entries: Vec<&T> = self.entries_back().collect();
        entries.reverse();
        entries.serialize(to)
    }
}

impl<'de, T: Deserialize<'de> + Hash> Deserialize<'de> for Log<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut log = Self::default();
        for entry in Vec::<T>::deserialize(from)? {
            log.push(entry);
        }
        Ok(log)
    }
}

impl<T> Drop for Log<T> {
    fn drop(&mut self) {
        release(self.last.take());
    }
}

/// Returns the index of an entry; zero without an entry.
fn index_of<T>(node: Option<&Arc<Node<T>>>) -> LogIndex {
    node.map_or(LogIndex::ZERO, |node| node.index)
}

/// Drops this entry and the entries before it that no other log shares. Without this function, the
/// drop of an entry would call the drop of the entry before it, and a long log would overflow the
/// stack.
fn release<T>(mut last: Option<Arc<Node<T>>>) {
    while let Some(mut node) = last.and_then(Arc::into_inner) {
        // `last` also keeps the entry behind `node.jump` alive, because that entry is before it.
        last = node.before.take();
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// The hash function FNV-1a with 64 bits. It gives the same result on all machines.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn log(entries: impl IntoIterator<Item = u64>) -> Log<u64> {
        let mut log = Log::default();
        for entry in entries {
            log.push(entry);
        }
        log
    }

    fn forward(log: &Log<u64>) -> Vec<u64> {
        log.entries(LogIndex(1), usize::MAX)
    }

    // Every entry must be found under its index, however the entries are linked.
    #[test]
    fn entries_are_found_by_their_index() {
        let log = log(1..=1000);
        for index in 1..=1000 {
            assert_eq!(log.get(LogIndex(index)), Some(&index));
        }
        assert_eq!(log.get(LogIndex::ZERO), None);
        assert_eq!(log.get(LogIndex(1001)), None);
        assert_eq!(log.entries(LogIndex(998), 2), [998, 999]);
        assert_eq!(log.entries(LogIndex(1000), 9), [1000]);
        assert_eq!(log.entries(LogIndex(1001), 9), [0; 0]);
        assert_eq!(forward(&log), (1..=1000).collect::<Vec<_>>());
    }

    // A follower overwrites what the leader does not have, and an acceptor replaces one value.
    #[test]
    fn entries_are_removed_and_replaced() {
        let mut changed = log(1..=10);
        changed.truncate(LogIndex(11));
        changed.truncate(LogIndex(7));
        assert_eq!(changed.last_index(), LogIndex(7));
        changed.replace(LogIndex(5), 50);
        assert_eq!(forward(&changed), [1, 2, 3, 4, 50, 6, 7]);
        changed.replace(LogIndex(8), 80);
        assert_eq!(changed.last(), Some(&7));
        changed.truncate(LogIndex::ZERO);
        assert_eq!(changed, Log::default());
    }

    // Model checkers compare and hash logs that were made in different ways.
    #[test]
    fn logs_with_the_same_entries_are_equal() {
        let hash = |log: &Log<u64>| {
            let mut hasher = Fnv(FNV_OFFSET);
            log.hash(&mut hasher);
            hasher.finish()
        };
        let mut other = log([1, 2, 9, 4]);
        assert!(other != log(1..=4) && hash(&other) != hash(&log(1..=4)));
        assert_eq!(other.cmp(&log(1..=4)), Ordering::Greater);
        other.replace(LogIndex(3), 3);
        assert!(other == log(1..=4) && hash(&other) == hash(&log(1..=4)));
    }

    // A log is stored as a list of entries, and its drop must not overflow the stack.
    #[test]
    fn a_long_log_is_stored_and_dropped() {
        let long = log(1..=300_000);
        let text = serde_json::to_string(&long).unwrap();
        assert_eq!(serde_json::from_str::<Log<u64>>(&text).unwrap(), long);
        let mut shared = long.clone();
        drop(long);
        shared.truncate(LogIndex(3));
        assert_eq!(forward(&shared), [1, 2, 3]);
    }
}
