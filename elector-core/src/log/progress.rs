use super::LogIndex;

/// What a leader knows about the log of another node, and what it has sent to that node. Raft and
/// Multi-Paxos use it in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Progress {
    /// The last entry that the node has on its disk, as the leader has it.
    pub matched: LogIndex,
    /// The next entry that the leader sends.
    pub next: LogIndex,
    /// The last entry that the node knows to be committed.
    pub committed: LogIndex,
    /// How often [`is_overdue`](Self::is_overdue) was called since the last answer that made
    /// progress, while the node did not have all entries.
    overdue: u8,
}

impl Progress {
    /// The maximum number of entries in a message.
    pub const MAX_ENTRIES: usize = 64;

    /// The maximum number of entries that a leader sends to a node without an answer.
    const MAX_IN_FLIGHT: usize = 256;

    /// Entries are sent again after this number of intervals without an answer. So an answer has
    /// one whole interval at least.
    const OVERDUE: u8 = 2;

    /// Creates the progress of a node that has the entries up to `matched`, and gets the entry
    /// `next` next.
    #[must_use]
    pub const fn new(matched: LogIndex, next: LogIndex) -> Self {
        Self {
            matched,
            next,
            committed: LogIndex::ZERO,
            overdue: 0,
        }
    }

    /// Returns how many entries the leader may send now in a message.
    #[must_use]
    pub fn room(&self) -> usize {
        let in_flight = self.next.0.saturating_sub(self.matched.next().0) as usize;
        Self::MAX_ENTRIES.min(Self::MAX_IN_FLIGHT.saturating_sub(in_flight))
    }

    /// Handles the answer that the node has the entries up to `matched`, and knows those up to
    /// `committed` to be committed.
    pub fn on_answer(&mut self, matched: LogIndex, committed: LogIndex) {
        self.committed = committed;
        if matched > self.matched {
            self.matched = matched;
            self.restart();
        }
        self.next = self.next.max(self.matched.next());
    }

    /// Begins to wait for the next answer.
    pub fn restart(&mut self) {
        self.overdue = 0;
    }

    /// Returns `true` if the leader must send again what is not answered. The leader calls this
    /// method once in each heartbeat interval. `last` is the index of its last entry.
    pub fn is_overdue(&mut self, last: LogIndex) -> bool {
        self.overdue = if self.matched < last {
            self.overdue + 1
        } else {
            0
        };
        let is_overdue = self.overdue == Self::OVERDUE;
        if is_overdue {
            self.restart();
        }
        is_overdue
    }
}
