//! The leader: how it replicates its log (section 5.3), and when an entry is committed.

use alloc::vec::Vec;

use elector_core::{
    Delay, Epoch, NodeId, Outbox,
    log::{Entry, EntryKind, LogIndex, Progress, Request},
};

use super::{
    RaftLog, RaftLogMessage, RaftLogTimer,
    state::{Follower, Leadership, Mode},
};
use crate::LogPosition;

impl RaftLog {
    /// Begins the tenure of this node. It appends an entry of its own term first, because only
    /// such an entry commits the entries of earlier terms (L5).
    pub(super) fn begin_leadership(&mut self, term: Epoch, out: &mut Outbox<Self>) {
        let next = self.log.last_index().next();
        let follower = Follower {
            progress: Progress::new(LogIndex::ZERO, next),
            mode: Mode::Probing { is_sent: false },
        };
        let followers = self.members.peers().map(|peer| (peer, follower.clone()));
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
        let follower = leadership.and_then(|leadership| leadership.followers.get(&peer));
        follower.is_some_and(|follower| follower.progress.matched < last)
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
        while let Some(Follower { progress, mode }) = self.follower(to)
            && progress.next <= last
        {
            let next = progress.next;
            let limit = match mode {
                Mode::Probing { is_sent: true } => return,
                Mode::Probing { is_sent } => {
                    *is_sent = true;
                    Progress::MAX_ENTRIES
                }
                Mode::Streaming => progress.room(),
            };
            let mut sent = self.log.entries(next, limit);
            if sent.is_empty() {
                return; // Too many entries are in flight.
            }
            Entry::fit(&mut sent);
            if let Some(follower) = self.follower(to)
                && follower.mode == Mode::Streaming
            {
                follower.progress.next = LogIndex(next.0 + sent.len() as u64);
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

    fn follower(&mut self, peer: NodeId) -> Option<&mut Follower> {
        self.leadership.as_mut()?.followers.get_mut(&peer)
    }

    /// Returns the follower that has sent an answer, if it answers this tenure of this node.
    fn answered(&mut self, from: NodeId, term: Epoch) -> Option<&mut Follower> {
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
        let Some(follower) = self.answered(from, term) else {
            return;
        };
        if matched > last {
            return; // Invalid: this node has sent no such entry.
        }
        follower.progress.on_answer(matched, committed);
        follower.mode = Mode::Streaming;
        self.commit();
        self.send_entries(from, out);
    }

    /// Handles the question of a follower, which knows nothing to be committed: it may have
    /// restarted, and what was on its way to it is lost.
    pub(super) fn on_ask(&mut self, from: NodeId, term: Epoch, out: &mut Outbox<Self>) {
        if let Some(follower) = self.answered(from, term) {
            follower.progress.committed = LogIndex::ZERO;
            follower.probe_again();
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
        let Some(Follower { progress, mode }) = self.answered(from, term) else {
            return;
        };
        let is_probing = *mode != Mode::Streaming;
        if is_probing && progress.next.previous() != previous {
            return; // Stale: it answers an earlier message.
        }
        if previous <= progress.matched {
            return; // Stale: the logs are known to be equal there.
        }
        let equal = self.last_until(LogIndex(last_possible.index), last_possible.term);
        if let Some(Follower { progress, mode }) = self.follower(from) {
            progress.restart();
            progress.next = LogIndex(equal.index).max(progress.matched).next();
            *mode = Mode::Probing { is_sent: false };
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
            let Some(follower) = self.follower(peer) else {
                continue; // Not a follower of this tenure.
            };
            let progress = &mut follower.progress;
            if progress.is_overdue(last) {
                follower.probe_again();
                self.send_entries(peer, out);
            } else if progress.matched == last && progress.committed < committed {
                self.send_append(peer, last.next(), Vec::new(), out);
            }
        }
    }

    /// Finds out which entries are committed: a majority, of which this node may be one, has them
    /// on disk.
    fn commit(&mut self) {
        let Some(leadership) = &self.leadership else {
            return;
        };
        let stored = leadership.followers.values().map(|it| it.progress.matched);
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
