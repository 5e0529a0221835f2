//! The leader: how it replicates its log (section 5.3), and when an entry is committed.

use alloc::vec::Vec;

use elector_core::{
    Delay, Epoch, NodeId, Outbox,
    log::{Entry, EntryKind, LogIndex, Request},
};

use super::{
    RaftLog, RaftLogMessage, RaftLogTimer,
    state::{Leadership, Mode, Progress},
};
use crate::LogPosition;

/// The maximum number of entries in a message.
const MAX_ENTRIES: usize = 64;

/// The maximum number of entries that a leader sends to a follower without an answer.
const MAX_IN_FLIGHT: usize = 256;

/// A leader sends entries again when they were not answered while the timer `Resend` elapsed this
/// many times. So an answer has one heartbeat interval at least.
const OVERDUE: u8 = 2;

impl RaftLog {
    /// Begins the tenure of this node. It appends an entry of its own term first, because only
    /// such an entry commits the entries of earlier terms (L5).
    pub(super) fn begin_leadership(&mut self, term: Epoch, out: &mut Outbox<Self>) {
        let next = self.log.last_index().next();
        let progress = Progress {
            matched: LogIndex::ZERO,
            next,
            committed: LogIndex::ZERO,
            mode: Mode::Probing { is_sent: false },
            overdue: 0,
        };
        let followers = self.members.peers().map(|peer| (peer, progress.clone()));
        self.leadership = Some(Leadership {
            term,
            followers: followers.collect(),
        });
        out.set_timer(RaftLogTimer::Resend, Delay::exactly(self.heartbeat));
        self.append_own(EntryKind::NoOp, out);
    }

    /// Ends the tenure of this node. It stores the entries that it has sent and not stored yet,
    /// because some of them may be committed.
    pub(super) fn end_leadership(&mut self, out: &mut Outbox<Self>) {
        if self.leadership.take().is_some() {
            out.cancel_timer(RaftLogTimer::Store);
            out.cancel_timer(RaftLogTimer::Resend);
            if self.log != self.durable.log {
                self.store();
            }
        }
    }

    /// Appends a command of the application.
    pub(super) fn propose(&mut self, request: Request, out: &mut Outbox<Self>) {
        match request.check(self.log.last_index(), self.committed) {
            Ok(()) => self.append_own(EntryKind::Command(request), out),
            Err(refusal) => out.refuse(refusal),
        }
    }

    /// Returns `true` if this node leads, and the log of the follower `peer` may not have all its
    /// entries.
    pub(super) fn is_behind(&self, peer: NodeId) -> bool {
        let last = self.log.last_index();
        let leadership = self.leadership.as_ref();
        let progress = leadership.and_then(|leadership| leadership.followers.get(&peer));
        progress.is_some_and(|progress| progress.matched < last)
    }

    /// Appends an entry, and sends it. This node stores it in its next step, so that its own write
    /// overlaps with those of its followers.
    fn append_own(&mut self, kind: EntryKind, out: &mut Outbox<Self>) {
        let epoch = self.term();
        self.log.push(Entry { epoch, kind });
        out.set_timer(RaftLogTimer::Store, Delay::ZERO);
        for peer in self.members.clone().peers() {
            self.send_entries(peer, out);
        }
    }

    pub(super) fn store_own(&mut self) {
        if self.leadership.is_some() {
            self.store();
            self.commit();
        }
    }

    /// Sends the entries that come next to a follower, if flow control allows it.
    fn send_entries(&mut self, to: NodeId, out: &mut Outbox<Self>) {
        let last = self.log.last_index();
        while let Some(progress) = self.progress(to)
            && progress.next <= last
        {
            let next = progress.next;
            let in_flight = (next.0 - progress.matched.next().0) as usize;
            let limit = match &mut progress.mode {
                Mode::Probing { is_sent: true } => return,
                Mode::Probing { is_sent } => {
                    *is_sent = true;
                    MAX_ENTRIES
                }
                Mode::Streaming => MAX_ENTRIES.min(MAX_IN_FLIGHT.saturating_sub(in_flight)),
            };
            let mut sent = self.log.entries(next, limit);
            if sent.is_empty() {
                return; // Too many entries are in flight.
            }
            Entry::fit(&mut sent);
            if let Some(progress) = self.progress(to)
                && progress.mode == Mode::Streaming
            {
                progress.next = LogIndex(next.0 + sent.len() as u64);
            }
            self.send_append(to, next, sent, out);
        }
    }

    /// Sends these entries, the first of which has the index `first`.
    fn send_append(
        &self,
        to: NodeId,
        first: LogIndex,
        entries: Vec<Entry>,
        out: &mut Outbox<Self>,
    ) {
        let message = RaftLogMessage::Append {
            term: self.term(),
            previous: self.position(first.previous()).unwrap_or_default(),
            entries,
            committed: self.committed,
        };
        out.send(to, message);
    }

    fn progress(&mut self, follower: NodeId) -> Option<&mut Progress> {
        self.leadership.as_mut()?.followers.get_mut(&follower)
    }

    /// Returns the progress of a follower, if it has answered this tenure of this node.
    fn answered(&mut self, from: NodeId, term: Epoch) -> Option<&mut Progress> {
        let leadership = self.leadership.as_mut()?;
        if leadership.term != term {
            return None; // Stale: it answers another tenure.
        }
        leadership.followers.get_mut(&from)
    }

    pub(super) fn on_stored(
        &mut self,
        from: NodeId,
        term: Epoch,
        (matched, committed): (LogIndex, LogIndex),
        out: &mut Outbox<Self>,
    ) {
        let last = self.log.last_index();
        let Some(progress) = self.answered(from, term) else {
            return;
        };
        if matched > last {
            return; // Invalid: this node has sent no such entry.
        }
        progress.committed = committed;
        if matched > progress.matched {
            progress.overdue = 0;
            progress.matched = matched;
        }
        progress.next = progress.next.max(progress.matched.next());
        progress.mode = Mode::Streaming;
        self.commit();
        self.send_entries(from, out);
    }

    /// Handles the question of a follower, which knows nothing to be committed: it may have
    /// restarted, and what was on its way to it is lost.
    pub(super) fn on_ask(&mut self, from: NodeId, term: Epoch, out: &mut Outbox<Self>) {
        if let Some(progress) = self.answered(from, term) {
            progress.committed = LogIndex::ZERO;
            progress.probe_again();
            self.send_entries(from, out);
        }
    }

    /// Continues before the entry in which the logs differ: with the last entry of this log that is
    /// not after the last possible entry of the follower. So each answer skips all entries of a
    /// term.
    pub(super) fn on_conflict(
        &mut self,
        from: NodeId,
        term: Epoch,
        (previous, last_possible): (LogIndex, LogPosition),
        out: &mut Outbox<Self>,
    ) {
        let Some(progress) = self.answered(from, term) else {
            return;
        };
        let is_probing = progress.mode != Mode::Streaming;
        if is_probing && progress.next.previous() != previous {
            return; // Stale: it answers an earlier message.
        }
        if previous <= progress.matched {
            return; // Stale: the logs are known to be equal there.
        }
        let equal = self.last_until(LogIndex(last_possible.index), last_possible.term);
        if let Some(progress) = self.progress(from) {
            progress.overdue = 0;
            progress.mode = Mode::Probing { is_sent: false };
            progress.next = LogIndex(equal.index).max(progress.matched).next();
        }
        self.send_entries(from, out);
    }

    /// Sends again what followers have not answered, and what is committed to followers that do not
    /// know it.
    pub(super) fn resend(&mut self, out: &mut Outbox<Self>) {
        if self.leadership.is_none() {
            return; // Stale: this tenure has ended.
        }
        out.set_timer(RaftLogTimer::Resend, Delay::exactly(self.heartbeat));
        let (last, committed) = (self.log.last_index(), self.committed);
        for peer in self.members.clone().peers() {
            let Some(progress) = self.progress(peer) else {
                continue; // Not a follower of this tenure.
            };
            if progress.matched == last {
                progress.overdue = 0;
                if progress.committed < committed {
                    self.send_append(peer, last.next(), Vec::new(), out);
                }
                continue;
            }
            progress.overdue += 1;
            if progress.overdue == OVERDUE {
                progress.overdue = 0;
                progress.probe_again();
                self.send_entries(peer, out);
            }
        }
    }

    /// Finds out which entries are committed: a majority, of which this node may be one, has them
    /// on disk.
    fn commit(&mut self) {
        let Some(leadership) = &self.leadership else {
            return;
        };
        let stored = leadership.followers.values().map(|it| it.matched);
        let stored = stored.chain([self.durable.log.last_index()]);
        let Some(index) = self.members.reached_by_majority(stored) else {
            return; // There is a value for each node.
        };
        let has_own_term = self
            .log
            .get(index)
            .is_some_and(|entry| entry.epoch == leadership.term); // L5
        if has_own_term && index > self.committed {
            self.committed = index;
        }
    }
}
