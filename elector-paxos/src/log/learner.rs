//! The learner: how a node gets chosen entries that it misses (section 2.3).

use alloc::vec::Vec;

use elector_core::{
    Delay, ElectionAlgorithm, NodeId, Outbox,
    log::{Entry, LogIndex},
};

use super::{MultiPaxos, MultiPaxosMessage, MultiPaxosTimer, Slot, replication::MAX_ENTRIES};

impl<E: ElectionAlgorithm> MultiPaxos<E> {
    /// Asks `from` for the chosen entries after the last one that this node knows.
    pub(super) fn fetch(&self, from: NodeId, out: &mut Outbox<Self>) {
        let first = self.committed.next();
        out.send(from, MultiPaxosMessage::Fetch { first });
    }

    /// Asks the leader what is chosen, until a peer has reported it. A node that restarts does not
    /// know the newest chosen entries, and the leader does not see the restart.
    pub(super) fn ask(&self, out: &mut Outbox<Self>) {
        if self.is_informed || self.proposer.is_some() {
            return;
        }
        let leader = self.election.view().leader;
        if let Some(leader) = leader.filter(|&leader| leader != self.members.me()) {
            self.fetch(leader, out);
        }
        out.set_timer(MultiPaxosTimer::Ask, Delay::exactly(self.heartbeat));
    }

    pub(super) fn on_fetch(&self, from: NodeId, first: LogIndex, out: &mut Outbox<Self>) {
        let first = first.max(LogIndex(1));
        let chosen = self.committed.0.saturating_sub(first.previous().0) as usize;
        let slots = self.log.entries(first, MAX_ENTRIES.min(chosen));
        out.send(
            from,
            MultiPaxosMessage::Learn {
                first,
                entries: slots.into_iter().map(|slot| slot.entry).collect(),
                committed: self.committed,
            },
        );
    }

    /// Stores chosen entries.
    pub(super) fn on_learn(
        &mut self,
        from: NodeId,
        first: LogIndex,
        entries: Vec<Entry>,
        committed: LogIndex,
        out: &mut Outbox<Self>,
    ) {
        self.is_informed = true;
        if first > self.committed.next() || self.is_proposing() {
            return; // Entries between are missing; or this node has all chosen entries.
        }
        let mut index = first;
        for entry in entries {
            if index > self.committed {
                let same = self.log.get(index).filter(|slot| slot.entry == entry);
                let ballot = same.map_or(self.durable.promised, |slot| slot.ballot);
                let slot = Slot { ballot, entry };
                match self.log.get(index) {
                    Some(_) => self.log.replace(index, slot),
                    None => _ = self.log.push(slot),
                }
                self.committed = index;
            }
            index = index.next();
        }
        if self.log != self.durable.log {
            self.store();
        }
        if self.committed < committed {
            self.fetch(from, out);
        }
        self.begin_phase_2(out);
    }
}
