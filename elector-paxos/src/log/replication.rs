//! Phase 2: how a proposer sends its entries, and when they are chosen.

use alloc::vec::Vec;

use elector_core::{
    Delay, ElectionAlgorithm, NodeId, Outbox,
    log::{Entry, LogIndex, Progress},
};

use super::{
    MultiPaxos, MultiPaxosMessage, MultiPaxosTimer,
    state::{Phase, Proposals, Proposer},
};
use crate::Ballot;

impl<E: ElectionAlgorithm> MultiPaxos<E> {
    /// Sends new entries to all acceptors, and stores them in the next step.
    pub(super) fn send_all(&mut self, out: &mut Outbox<Self>) {
        if self.log != self.durable.log {
            out.set_timer(MultiPaxosTimer::Store, Delay::ZERO);
        }
        for peer in self.members.clone().peers() {
            self.send_entries(peer, out);
        }
    }

    fn proposals(&mut self) -> Option<(Ballot, &mut Proposals)> {
        let proposer = self.proposer.as_mut()?;
        match &mut proposer.phase {
            Phase::Proposing(proposals) => Some((proposer.ballot, proposals)),
            Phase::Paused | Phase::Preparing(_) => None,
        }
    }

    /// Sends the entries that come next to an acceptor, as far as the window allows it.
    fn send_entries(&mut self, to: NodeId, out: &mut Outbox<Self>) {
        loop {
            let Some(progress) = self.progress(to) else {
                return; // Not an acceptor of this ballot.
            };
            let (next, room) = (progress.next, progress.room());
            let slots = self.log.entries(next, room);
            if slots.is_empty() {
                return; // Nothing is left, or too many slots are in flight.
            }
            let mut entries: Vec<Entry> = slots.into_iter().map(|slot| slot.entry).collect();
            Entry::fit(&mut entries);
            if let Some(progress) = self.progress(to) {
                progress.next = LogIndex(next.0 + entries.len() as u64);
            }
            self.send_accept(to, next, entries, out);
        }
    }

    fn progress(&mut self, acceptor: NodeId) -> Option<&mut Progress> {
        self.proposals()?.1.acceptors.get_mut(&acceptor)
    }

    fn send_accept(
        &mut self,
        to: NodeId,
        first: LogIndex,
        entries: Vec<Entry>,
        out: &mut Outbox<Self>,
    ) {
        let committed = self.committed;
        if let Some((ballot, proposals)) = self.proposals() {
            let message = MultiPaxosMessage::Accept {
                ballot,
                start: proposals.start,
                first,
                entries,
                committed,
            };
            out.send(to, message);
        }
    }

    pub(super) fn on_accepted(
        &mut self,
        from: NodeId,
        ballot: Ballot,
        (matched, committed): (LogIndex, LogIndex),
        out: &mut Outbox<Self>,
    ) {
        let last = self.log.last_index();
        let own = self.proposals().map(|(ballot, _)| ballot);
        if own != Some(ballot) || matched > last {
            return; // Stale: it answers another ballot. Or invalid: there is no such slot.
        }
        let Some(progress) = self.progress(from) else {
            return; // Not an acceptor of this ballot.
        };
        progress.on_answer(matched, committed);
        self.commit();
        self.send_entries(from, out);
    }

    /// Sends again what was not answered, and what is chosen to acceptors that do not know it.
    pub(super) fn resend(&mut self, out: &mut Outbox<Self>) {
        let Some(proposer) = &self.proposer else {
            return; // Stale: this node does not lead any more.
        };
        out.set_timer(MultiPaxosTimer::Resend, Delay::exactly(self.heartbeat));
        match &proposer.phase {
            Phase::Paused => {}
            Phase::Preparing(_) => self.prepare_again(out),
            Phase::Proposing(_) => {
                for peer in self.members.clone().peers() {
                    self.resend_to(peer, out);
                }
            }
        }
    }

    /// Sends `Prepare` again to the nodes that have not promised. If this node misses entries that
    /// a promise reports as chosen, and has got none since the timer elapsed last, the nodes that
    /// have them may be down. Then it drops their promises, and asks these nodes again: the
    /// promises of a majority that is left suffice (P2).
    fn prepare_again(&mut self, out: &mut Outbox<Self>) {
        let (me, committed) = (self.members.me(), self.committed);
        let Some(Proposer {
            ballot,
            phase: Phase::Preparing(preparation),
            ..
        }) = &mut self.proposer
        else {
            return; // This node is not in phase 1.
        };
        let promises = &mut preparation.promises;
        let is_behind = promises
            .values()
            .any(|promise| promise.committed > committed);
        if is_behind && preparation.behind_at == Some(committed) {
            promises.retain(|&node, promise| node == me || promise.committed <= committed);
        }
        preparation.behind_at = is_behind.then_some(committed);
        for peer in self
            .members
            .peers()
            .filter(|peer| !promises.contains_key(peer))
        {
            out.send(peer, MultiPaxosMessage::Prepare { ballot: *ballot });
        }
        self.begin_phase_2(out);
    }

    /// Notes that an acceptor knows only the entries up to `known` to be chosen.
    pub(super) fn inform_later(&mut self, acceptor: NodeId, known: LogIndex) {
        if let Some(progress) = self.progress(acceptor) {
            progress.committed = known;
        }
    }

    /// Sends an acceptor that asks, and knows the entries up to `known`, what is chosen.
    pub(super) fn inform(&mut self, acceptor: NodeId, known: LogIndex, out: &mut Outbox<Self>) {
        self.inform_later(acceptor, known);
        let last = self.log.last_index();
        self.send_accept(acceptor, last.next(), Vec::new(), out);
    }

    fn resend_to(&mut self, peer: NodeId, out: &mut Outbox<Self>) {
        let (last, committed) = (self.log.last_index(), self.committed);
        let Some(progress) = self.progress(peer) else {
            return; // Not an acceptor of this ballot.
        };
        if progress.is_overdue(last) {
            progress.next = progress.matched.next();
            self.send_entries(peer, out);
        } else if progress.matched == last && progress.committed < committed {
            self.send_accept(peer, last.next(), Vec::new(), out);
        }
    }

    /// Finds out which entries are chosen: a majority, of which this node may be one, has accepted
    /// them with the ballot of this node.
    pub(super) fn commit(&mut self) {
        let Some(proposer) = &mut self.proposer else {
            return; // Only a proposer chooses entries.
        };
        let Phase::Proposing(proposals) = &proposer.phase else {
            return; // Only phase 2 chooses entries.
        };
        let accepted = proposals.acceptors.values().map(|it| it.matched);
        let accepted = accepted.chain([proposals.stored]);
        if let Some(index) = self.members.reached_by_majority(accepted)
            && index > self.committed
        {
            self.committed = index;
            proposer.rejections = 0;
        }
    }
}
