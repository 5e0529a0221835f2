//! The learner: how a node gets chosen entries that it misses (section 2.3).

use alloc::vec::Vec;

use elector_core::{
    Delay, ElectionAlgorithm, NodeId, Outbox,
    log::{Entry, LogIndex, Progress},
};

use super::{MultiPaxos, MultiPaxosMessage, MultiPaxosTimer, Slot};

impl<E: ElectionAlgorithm> MultiPaxos<E> {
    /// Asks `from` for the chosen entries after the last one that this node knows, unless it has
    /// asked within the last heartbeat interval and got nothing new. So a node that is behind has
    /// one request in flight.
    pub(super) fn fetch(&mut self, from: NodeId, out: &mut Outbox<Self>) {
        let now = out.now();
        let is_waiting = |asked| now.saturating_since(asked) < self.heartbeat;
        if !self.fetched.is_some_and(is_waiting) {
            self.fetched = Some(now);
            let first = self.committed.next();
            out.send(from, MultiPaxosMessage::Fetch { first });
        }
    }

    /// Sets the timer `Ask`, unless it runs.
    pub(super) fn ask_later(&mut self, out: &mut Outbox<Self>) {
        if self.asked_at.is_none() {
            self.asked_at = Some(self.committed);
            out.set_timer(MultiPaxosTimer::Ask, Delay::exactly(self.heartbeat));
        }
    }

    /// Asks the leader what is chosen, if this node has not learnt it from a proposer since it
    /// started, or if it has had entries for a while that it does not know to be chosen: the
    /// proposer may believe that this node knows it. For example, a restarted node has forgotten
    /// the newest chosen entries, and the proposer does not see the restart.
    pub(super) fn ask(&mut self, out: &mut Outbox<Self>) {
        let is_unchanged = self.asked_at.take() == Some(self.committed);
        if self.is_informed && self.committed == self.log.last_index() {
            return;
        }
        let leader = self.election.view().leader;
        let leader = leader.filter(|&leader| leader != self.members.me());
        if let Some(leader) = leader.filter(|_| is_unchanged || !self.is_informed) {
            self.fetch(leader, out);
        }
        self.ask_later(out);
    }

    /// Sends chosen entries. A proposer also notes what the other node knows to be chosen, and so
    /// sends it an `Accept` until that node has reported that it knows all.
    pub(super) fn on_fetch(&mut self, from: NodeId, first: LogIndex, out: &mut Outbox<Self>) {
        let first = first.max(LogIndex(1));
        let known = first.previous();
        if known >= self.committed {
            return self.inform(from, known, out);
        }
        let chosen = (self.committed.0 - known.0) as usize;
        let slots = self.log.entries(first, Progress::MAX_ENTRIES.min(chosen));
        let mut entries: Vec<Entry> = slots.into_iter().map(|slot| slot.entry).collect();
        Entry::fit(&mut entries);
        if !entries.is_empty() {
            self.inform_later(from, known);
            let committed = self.committed;
            out.send(
                from,
                MultiPaxosMessage::Learn {
                    first,
                    entries,
                    committed,
                },
            );
        }
    }

    /// Stores chosen entries. If the sender has more of them, asks for these. A message without new
    /// entries asks for nothing, so that messages do not multiply.
    pub(super) fn on_learn(
        &mut self,
        from: NodeId,
        first: LogIndex,
        entries: Vec<Entry>,
        committed: LogIndex,
        out: &mut Outbox<Self>,
    ) {
        let known = self.committed;
        if first > known.next() || self.is_proposing() {
            return; // Entries between are missing; or this node has all chosen entries.
        }
        let mut index = first;
        for entry in entries {
            if index > self.committed {
                let same = self.log.get(index).filter(|slot| slot.entry == entry);
                let ballot = same.map_or(self.durable.promised, |slot| slot.ballot);
                self.put(index, Slot { ballot, entry });
                self.committed = index;
            }
            index = index.next();
        }
        if self.log != self.durable.log {
            self.store();
        }
        if self.committed > known {
            self.fetched = None;
            if self.committed < committed {
                self.fetch(from, out);
            }
            self.begin_phase_2(out);
        }
    }
}
