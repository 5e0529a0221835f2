//! The follower: how a node stores the entries of a leader (the `AppendEntries` RPC of figure 2).

use alloc::vec::Vec;

use elector_core::{
    Epoch, Input, Moment, NodeId, Outbox,
    log::{Entry, LogIndex},
};

use super::{RaftLog, RaftLogMessage};
use crate::{LogPosition, RaftMessage};

impl RaftLog {
    /// Stores the entries that come after `previous` in the log of the leader `from`.
    pub(super) fn on_append(
        &mut self,
        from: NodeId,
        term: Epoch,
        (previous, entries): (LogPosition, Vec<Entry>),
        committed: LogIndex,
        out: &mut Outbox<Self>,
    ) {
        if !self.follows(from, term, out) {
            return;
        }
        let start = LogIndex(previous.index);
        if self.position(start) != Some(previous) {
            let last_possible = self.last_until(start, previous.term);
            out.send(
                from,
                RaftLogMessage::Conflict {
                    term,
                    previous: start,
                    last_possible,
                },
            );
            return;
        }
        let Some(matched) = self.append(start, entries) else {
            return; // Invalid: it contradicts a committed entry, or its terms go down.
        };
        self.is_informed = true;
        // L6: the entries after `matched` may still be those of an earlier leader.
        self.committed = self.committed.max(committed.min(matched));
        let committed = self.committed;
        out.send(
            from,
            RaftLogMessage::Stored {
                term,
                matched,
                committed,
            },
        );
    }

    /// Reports to the leader that this node does not know what is committed. A node that restarts
    /// has forgotten it, and the leader does not see the restart. In the first round of a new
    /// leader no report is needed, because the new leader sends an entry in the same step.
    pub(super) fn ask_for_commits(
        &self,
        from: NodeId,
        term: Epoch,
        is_first_round: bool,
        out: &mut Outbox<Self>,
    ) {
        let follows = term == self.term() && self.election.node.elected == Some(from);
        if follows && !self.is_informed && !is_first_round {
            out.send(
                from,
                RaftLogMessage::Stored {
                    term,
                    matched: LogIndex::ZERO,
                    committed: LogIndex::ZERO,
                },
            );
        }
    }

    /// Returns `true` if `from` leads this term and this node follows it. An `Append` of a newer
    /// term, or of a leader that this node does not know yet, has the effect of a heartbeat first.
    /// The timestamp of that heartbeat is zero, so the answer to it counts for no lease.
    fn follows(&mut self, from: NodeId, term: Epoch, out: &mut Outbox<Self>) -> bool {
        if term < self.term() {
            return false; // Stale: the sender learns the newer term from the election.
        }
        if term > self.term() || self.election.node.elected.is_none() {
            let message = RaftMessage::Heartbeat {
                term,
                sent: Moment::ZERO,
                announce: false,
            };
            self.elect(Input::Received { from, message }, out);
        }
        term == self.term() && self.election.node.elected == Some(from)
    }

    /// Makes the log equal to the leader's log from `start` to the last of `entries`, and returns
    /// the index of that entry. Entries that the log has already are left alone, so a message that
    /// is late or repeated removes nothing. Returns `None` if the entries cannot be those of a
    /// leader.
    fn append(&mut self, start: LogIndex, entries: Vec<Entry>) -> Option<LogIndex> {
        let mut index = start;
        for entry in entries {
            let before = self.position(index)?;
            if entry.epoch < before.term || entry.epoch > self.term() {
                return None; // L1
            }
            index = index.next();
            if self
                .log
                .get(index)
                .is_some_and(|own| own.epoch == entry.epoch)
            {
                continue; // L3: the entry is the same.
            }
            if index <= self.committed {
                return None; // L4
            }
            self.log.truncate(index.previous());
            self.log.push(entry);
        }
        if self.log != self.durable.log {
            self.store();
        }
        Some(index)
    }
}
