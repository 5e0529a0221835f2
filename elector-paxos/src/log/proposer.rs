//! The proposer: how a node that leads gets the right to propose (phase 1).

use alloc::{collections::BTreeMap, vec::Vec};

use elector_core::{
    Delay, ElectionAlgorithm, Epoch, NodeId, Outbox,
    log::{Entry, EntryKind, LogIndex, Progress, Request},
};

use super::{
    MultiPaxos, MultiPaxosMessage, MultiPaxosTimer, Slot,
    state::{Phase, Preparation, Promise, Proposals, Proposer},
};
use crate::Ballot;

/// A rejected proposer waits for up to 2^6 round trips at most.
const MAX_DOUBLINGS: u32 = 6;

impl<E: ElectionAlgorithm> MultiPaxos<E> {
    pub(super) fn is_proposing(&self) -> bool {
        let phase = self.proposer.as_ref().map(|proposer| &proposer.phase);
        matches!(phase, Some(Phase::Proposing(_)))
    }

    /// Begins the tenure of this node in this epoch.
    pub(super) fn begin_proposer(&mut self, epoch: Epoch, out: &mut Outbox<Self>) {
        self.proposer = Some(Proposer {
            epoch,
            ballot: Ballot::default(),
            phase: Phase::Paused,
            waiting: Vec::new(),
            rejections: 0,
        });
        out.set_timer(MultiPaxosTimer::Resend, Delay::exactly(self.heartbeat));
        self.retry(out);
    }

    /// Ends the tenure of this node.
    pub(super) fn end_proposer(&mut self, out: &mut Outbox<Self>) {
        if self.proposer.is_some() {
            self.keep_proposals();
            self.proposer = None;
            out.cancel_timer(MultiPaxosTimer::Store);
            out.cancel_timer(MultiPaxosTimer::Resend);
            out.cancel_timer(MultiPaxosTimer::Retry);
        }
    }

    /// Stores the entries that this node has proposed and not stored yet, because some of them may
    /// be chosen.
    fn keep_proposals(&mut self) {
        if self.log != self.durable.log {
            self.store();
        }
    }

    /// Takes a ballot above all that this node has promised, and sends it. This node promises its
    /// ballot itself in the next step, so that its own write overlaps with those of the acceptors.
    pub(super) fn retry(&mut self, out: &mut Outbox<Self>) {
        let above = self.durable.promised.counter.saturating_add(1);
        let Some(proposer) = &mut self.proposer else {
            return; // Stale: this node does not lead any more.
        };
        proposer.ballot = Ballot {
            counter: above
                .max(proposer.ballot.counter.saturating_add(1))
                .max(proposer.epoch.0),
            node: self.members.me(),
        };
        proposer.phase = Phase::Preparing(Preparation::default());
        let ballot = proposer.ballot;
        out.broadcast(&MultiPaxosMessage::Prepare { ballot });
        out.set_timer(MultiPaxosTimer::Store, Delay::ZERO);
    }

    /// The second step of a ballot or of a proposal: stores what this node has sent before.
    pub(super) fn store_own(&mut self, out: &mut Outbox<Self>) {
        let Some(proposer) = &mut self.proposer else {
            return; // Stale: this node does not lead any more.
        };
        match &mut proposer.phase {
            Phase::Paused => {}
            Phase::Preparing(_) => self.promise_own(out),
            Phase::Proposing(proposals) => {
                proposals.stored = self.log.last_index();
                self.store();
                self.commit();
            }
        }
    }

    fn promise_own(&mut self, out: &mut Outbox<Self>) {
        let (promise, me) = (self.own_promise(), self.members.me());
        let Some(proposer) = &mut self.proposer else {
            return; // Only a proposer has a ballot.
        };
        if proposer.ballot < self.durable.promised {
            return self.pause(out); // P1
        }
        self.durable.promised = proposer.ballot;
        if let Phase::Preparing(preparation) = &mut proposer.phase {
            preparation.promises.insert(me, promise); // P2
        }
        self.begin_phase_2(out);
    }

    pub(super) fn on_promise(
        &mut self,
        from: NodeId,
        ballot: Ballot,
        promise: Promise,
        out: &mut Outbox<Self>,
    ) {
        if let Some(proposer) = &mut self.proposer
            && proposer.ballot == ballot
            && let Phase::Preparing(preparation) = &mut proposer.phase
        {
            preparation.promises.insert(from, promise);
            self.begin_phase_2(out);
        }
    }

    /// Begins phase 2 if a majority has promised and this node has all entries that are chosen. If
    /// it misses some, it fetches them first.
    pub(super) fn begin_phase_2(&mut self, out: &mut Outbox<Self>) {
        let majority = self.members.majority();
        let Some(Proposer {
            ballot,
            phase: Phase::Preparing(Preparation { promises, .. }),
            ..
        }) = &self.proposer
        else {
            return; // This node is not in phase 1.
        };
        if promises.len() < majority || !promises.contains_key(&self.members.me()) {
            return; // P2
        }
        let ahead = promises.iter().max_by_key(|(_, promise)| promise.committed);
        if let Some((&node, promise)) = ahead
            && promise.committed > self.committed
        {
            return self.fetch(node, out);
        }
        let chosen = self.committed;
        let entries = recovered(promises, chosen);
        let ballot = *ballot;
        self.log.truncate(chosen);
        for entry in entries {
            self.log.push(Slot { ballot, entry });
        }
        self.propose_all(chosen, out);
    }

    /// Proposes all slots after `chosen`, and the requests that wait.
    fn propose_all(&mut self, chosen: LogIndex, out: &mut Outbox<Self>) {
        let progress = Progress::new(chosen, chosen.next());
        let acceptors = self.members.peers().map(|peer| (peer, progress.clone()));
        let proposals = Proposals {
            start: chosen.next(),
            stored: chosen,
            acceptors: acceptors.collect(),
        };
        let Some(proposer) = &mut self.proposer else {
            return; // Only a proposer proposes.
        };
        proposer.phase = Phase::Proposing(proposals);
        let waiting = core::mem::take(&mut proposer.waiting);
        for request in waiting {
            self.append(request);
        }
        self.send_all(out);
    }

    /// Proposes a command of the application, now or when phase 2 begins.
    pub(super) fn propose(&mut self, request: Request, out: &mut Outbox<Self>) {
        let waiting = self
            .proposer
            .as_ref()
            .map_or(0, |it| it.waiting.len() as u64);
        let last = LogIndex(self.log.last_index().0 + waiting);
        if let Err(refusal) = request.check(last, self.committed) {
            out.refuse(refusal);
        } else if self.is_proposing() {
            self.append(request);
            self.send_all(out);
        } else if let Some(proposer) = &mut self.proposer {
            proposer.waiting.push(request);
        }
    }

    fn append(&mut self, request: Request) {
        let Some(proposer) = &self.proposer else {
            return; // Only a proposer appends.
        };
        let (epoch, ballot) = (proposer.epoch, proposer.ballot);
        let kind = EntryKind::Command(request);
        let entry = Entry { epoch, kind };
        self.log.push(Slot { ballot, entry });
    }

    pub(super) fn on_reject(&mut self, ballot: Ballot, promised: Ballot, out: &mut Outbox<Self>) {
        let is_current = self
            .proposer
            .as_ref()
            .is_some_and(|own| own.ballot == ballot);
        if is_current && promised > ballot {
            self.pause(out);
            if let Some(proposer) = &mut self.proposer {
                // The next ballot is above the one that has won.
                proposer.ballot.counter = proposer.ballot.counter.max(promised.counter);
            }
        }
    }

    /// Ends the ballot of this node, because it promises a higher one.
    pub(super) fn yield_to(&mut self, ballot: Ballot, out: &mut Outbox<Self>) {
        if self
            .proposer
            .as_ref()
            .is_some_and(|own| own.ballot < ballot)
        {
            self.pause(out);
        }
    }

    /// Ends the ballot of this node, which was rejected. If the node still leads after a random
    /// time, it takes a higher ballot. The time grows with each rejection, so that two nodes that
    /// believe that they lead do not reject each other for ever.
    fn pause(&mut self, out: &mut Outbox<Self>) {
        self.keep_proposals();
        let Some(proposer) = &mut self.proposer else {
            return; // Only a proposer has a ballot.
        };
        if proposer.phase == Phase::Paused {
            return; // The timer runs already.
        }
        proposer.phase = Phase::Paused;
        proposer.rejections = proposer.rejections.saturating_add(1);
        let factor = 1 << proposer.rejections.min(MAX_DOUBLINGS);
        let longest = self.round_trip.saturating_mul(factor);
        out.cancel_timer(MultiPaxosTimer::Store);
        out.set_timer(
            MultiPaxosTimer::Retry,
            Delay::between(self.round_trip, longest),
        );
    }
}

/// Returns, for each slot after `chosen` that a promise names, the accepted entry with the highest
/// ballot (P2). There is no slot without an entry between them, because each promise names entries
/// without gaps, and begins at most one slot after `chosen`.
fn recovered(promises: &BTreeMap<NodeId, Promise>, chosen: LogIndex) -> Vec<Entry> {
    let slots = (chosen.next().0..).map_while(|index| {
        let accepted = promises.values().filter_map(|promise| {
            let place = index.checked_sub(promise.committed.next().0)?;
            promise.accepted.get(usize::try_from(place).ok()?)
        });
        let newest = accepted.max_by_key(|slot| slot.ballot);
        newest.map(|slot| slot.entry.clone())
    });
    slots.collect()
}
