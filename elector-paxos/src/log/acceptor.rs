//! The acceptor: what a node promises and accepts.

use alloc::vec::Vec;

use elector_core::{
    ElectionAlgorithm, NodeId, Outbox,
    log::{Entry, LogIndex},
};

use super::{MultiPaxos, MultiPaxosMessage, Slot, state::Accepting};
use crate::Ballot;

impl<E: ElectionAlgorithm> MultiPaxos<E> {
    pub(super) fn on_prepare(&mut self, from: NodeId, ballot: Ballot, out: &mut Outbox<Self>) {
        if ballot.node != from || !self.promise(from, ballot, out) {
            return;
        }
        let promise = self.own_promise();
        out.send(
            from,
            MultiPaxosMessage::Promise {
                ballot,
                committed: promise.committed,
                accepted: promise.accepted,
            },
        );
    }

    /// Promises this ballot of another node. If this node has promised a higher one, rejects the
    /// ballot and returns `false` (P1). A lower ballot of this node itself ends.
    fn promise(&mut self, from: NodeId, ballot: Ballot, out: &mut Outbox<Self>) -> bool {
        let promised = self.durable.promised;
        if ballot < promised {
            out.send(from, MultiPaxosMessage::Reject { ballot, promised });
            return false;
        }
        if ballot > promised {
            self.yield_to(ballot, out);
            self.durable.promised = ballot;
        }
        true
    }

    /// Accepts the entries of a ballot, as far as no entry before them is missing, and reports up
    /// to where this node has accepted the entries of this ballot.
    pub(super) fn on_accept(
        &mut self,
        from: NodeId,
        ballot: Ballot,
        (start, first): (LogIndex, LogIndex),
        entries: Vec<Entry>,
        committed: LogIndex,
        out: &mut Outbox<Self>,
    ) {
        if ballot.node != from || !self.promise(from, ballot, out) {
            return;
        }
        if self.committed.next() < start {
            return self.fetch(from, out);
        }
        self.is_informed = true;
        self.accepting = self.accepted_with(ballot, start);
        let matched = self.accepting.matched;
        if first <= matched.next() && !self.accept(ballot, first, entries) {
            return; // Stale: a higher ballot has chosen another entry. Or invalid.
        }
        let matched = self.accepting.matched;
        // P3: entries after `matched` may be those of a lower ballot.
        self.committed = self.committed.max(committed.min(matched));
        if self.log != self.durable.log {
            self.store();
        }
        if self.committed < self.log.last_index() {
            self.ask_later(out);
        }
        let committed = self.committed;
        out.send(
            from,
            MultiPaxosMessage::Accepted {
                ballot,
                matched,
                committed,
            },
        );
    }

    /// Returns what this node has accepted with this ballot, whose first slot is `start`.
    fn accepted_with(&self, ballot: Ballot, start: LogIndex) -> Accepting {
        let known = match self.accepting.ballot == ballot {
            true => self.accepting.matched,
            false => start.previous(),
        };
        let mut matched = known.max(self.committed);
        while self
            .log
            .get(matched.next())
            .is_some_and(|slot| slot.ballot == ballot)
        {
            matched = matched.next();
        }
        Accepting { ballot, matched }
    }

    /// Accepts entries that begin at the slot `first`. Returns `false` if one of them differs from
    /// an entry that is accepted with this ballot, or that is chosen.
    fn accept(&mut self, ballot: Ballot, first: LogIndex, entries: Vec<Entry>) -> bool {
        let mut index = first;
        for entry in entries {
            if index > self.accepting.matched {
                self.put(index, Slot { ballot, entry });
                self.accepting.matched = index;
            } else if self.log.get(index).is_some_and(|slot| slot.entry != entry) {
                return false; // P4
            }
            index = index.next();
        }
        true
    }

    /// Stores an entry in a slot, which is at most one after the last one.
    pub(super) fn put(&mut self, index: LogIndex, slot: Slot) {
        match self.log.get(index) {
            Some(present) if *present == slot => {}
            Some(_) => self.log.replace(index, slot),
            None => _ = self.log.push(slot),
        }
    }
}
