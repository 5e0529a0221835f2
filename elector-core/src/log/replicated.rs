use super::{Entry, LogIndex};

/// The log of an algorithm that elects a leader, and whose leader also replicates a log
/// ([`ElectionAlgorithm::log`](crate::ElectionAlgorithm::log)).
///
/// The application gives a command to the leader with
/// [`Command::Propose`](crate::Command::Propose). The leader appends it to its log, and sends it to
/// the other nodes. When enough nodes have it on disk, it is committed.
pub trait ReplicatedLog {
    /// Returns the index of the last entry that this node knows to be committed. This index never
    /// goes back during a life of the node. After a restart it may be lower, because it need not be
    /// durable.
    ///
    /// A host may use the index only when the state behind it is durable: when
    /// [`Step::committed`](crate::Step::committed) has passed the gate.
    fn committed(&self) -> LogIndex;

    /// Returns the entry at this index; `None` if this node has no entry there. During a life of
    /// the node, an entry up to [`committed`](Self::committed) never changes. Any later entry may
    /// change or disappear. After a restart, the node may miss entries that it took for committed
    /// before, because a leader commits an entry as soon as a majority has it on disk, and the
    /// leader itself may not be a part of that majority. It gets these entries again.
    fn entry(&self, index: LogIndex) -> Option<&Entry>;
}
