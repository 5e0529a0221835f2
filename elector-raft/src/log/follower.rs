//! The follower: how a node stores the entries of a leader (the `AppendEntries` RPC of figure 2).

use alloc::vec::Vec;

use elector_core::{
    Epoch, Input, Moment, NodeId, Outbox,
    log::{Entry, LogIndex},
};

use super::{RaftLog, RaftLogMessage, state::ASK_AFTER};
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
        self.unsure = 0;
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

    /// Asks the leader what is committed, if this node has had entries that it does not know to be
    /// committed for some heartbeats: the leader may believe that this node knows it. For example,
    /// a restarted node has forgotten it, and the leader does not see the restart. In the first
    /// round of a new leader no question is needed, because the new leader sends an entry in the
    /// same step.
    pub(super) fn ask_for_commits(
        &mut self,
        from: NodeId,
        term: Epoch,
        is_first_round: bool,
        out: &mut Outbox<Self>,
    ) {
        let follows = term == self.term() && self.election.node.elected == Some(from);
        if !follows || is_first_round || self.committed == self.log.last_index() {
            return;
        }
        self.unsure = self.unsure.saturating_add(1);
        if self.unsure >= ASK_AFTER {
            self.unsure = 0;
            out.send(from, RaftLogMessage::Ask { term });
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
        let mut newest = self.position(start)?.term;
        for entry in &entries {
            if entry.epoch < newest || entry.epoch > self.term() {
                return None; // L1
            }
            newest = entry.epoch;
        }
        let mut index = start;
        for entry in entries {
            index = index.next();
            if self
                .log
                .get(index)
                .is_some_and(|own| own.epoch == entry.epoch)
            {
                continue; // L3: the entry is the same.
            }
            if index <= self.committed {
                return None; // L4: only entries after the committed ones are removed below.
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
