use elector_core::{Epoch, NodeId};

use crate::{Ballot, PaxosDurable, Proposal};

/// How far beyond the ballots it has seen a node vouches for: some attempts of several proposers.
/// More would only make numbers larger after restarts.
const VOUCHED_AHEAD: u64 = 8;

/// The acceptor's memory: what is on disk, and one promise that need not be written, because
/// [`PaxosDurable::counter`] vouches for it.
///
/// When a node enters an epoch, which it writes down anyway, it vouches for a few ballots of the
/// next instance as well. A promise of one of these is kept like any other. A node that comes back
/// in the same epoch does not know which of them it has promised, and takes it that it was the
/// highest: it refuses them all. To refuse more than one must is always safe.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Memory {
    /// What is written.
    pub(crate) disk: PaxosDurable,
    next: Next,
}

/// What was promised in the instance after the present epoch, as long as that is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Next {
    /// Nothing; or it is written.
    Nothing,
    /// This ballot, for which the disk vouches.
    Promised(Ballot),
    /// Any of those for which the disk vouches: it is from before a restart.
    Unknown,
}

impl Ballot {
    /// What a node names that refuses all ballots up to this counter, because it does not know
    /// which of them it has promised before its restart.
    pub(super) fn up_to(counter: u64) -> Self {
        let node = NodeId(u64::MAX);
        Self { counter, node }
    }

    /// Returns `true` if a refusal names this ballot only as a bound: no node competes with it. (A
    /// member with the id `u64::MAX` looks like one; all that does is that others may ask again too
    /// soon.)
    pub(crate) fn is_bound(self) -> bool {
        self == Self::up_to(self.counter)
    }
}

impl Memory {
    pub(crate) fn restore(disk: PaxosDurable) -> Self {
        let next = if disk.instance > disk.epoch {
            Next::Nothing
        } else {
            Next::Unknown
        };
        Self { disk, next }
    }

    /// The newest instance and the highest ballot that this node knows to have promised.
    pub(crate) fn floor(&self) -> (Epoch, Option<Ballot>) {
        match self.next {
            Next::Promised(ballot) => (self.disk.epoch.next(), Some(ballot)),
            Next::Nothing | Next::Unknown => (self.disk.instance, self.disk.promised),
        }
    }

    /// The bound below which this ballot is, if the node may have promised a higher one and does
    /// not know.
    pub(crate) fn bound(&self, instance: Epoch, ballot: Ballot) -> Option<Ballot> {
        let unknown = self.next == Next::Unknown && instance == self.disk.epoch.next();
        let bound = Ballot::up_to(self.disk.counter);
        (unknown && ballot < bound).then_some(bound)
    }

    /// The proposal of the highest ballot accepted in `instance`, the newest.
    pub(crate) fn accepted(&self, instance: Epoch) -> Option<Proposal> {
        let accepted = self.disk.accepted;
        accepted.filter(|_| self.disk.instance == instance)
    }

    /// Makes a promise (I1). The ballot is at or above the [`floor`](Self::floor) and every
    /// [`bound`](Self::bound).
    pub(crate) fn promise(&mut self, instance: Epoch, ballot: Ballot) {
        let disk = &mut self.disk;
        let is_next = instance == disk.epoch.next() && instance > disk.instance;
        if is_next && ballot.counter <= disk.counter {
            self.next = Next::Promised(ballot);
            return;
        }
        if instance > disk.epoch {
            self.next = Next::Nothing;
        }
        self.open(instance);
        self.disk.promised = Some(ballot);
        self.disk.counter = self.disk.counter.max(ballot.counter);
    }

    /// Accepts a proposal of an instance that this node has entered.
    pub(crate) fn accept(&mut self, proposal: Proposal) {
        let disk = &mut self.disk;
        disk.promised = Some(proposal.ballot);
        disk.accepted = Some(proposal);
        disk.counter = disk.counter.max(proposal.ballot.counter);
    }

    /// Leaves the older epochs behind, and vouches for the first ballots of the instance after
    /// this one; `seen` is the highest counter that the node knows of.
    pub(crate) fn enter(&mut self, epoch: Epoch, seen: u64) {
        let promised = match self.next {
            _ if epoch != self.disk.epoch.next() => None,
            Next::Nothing => None,
            Next::Promised(ballot) => Some(ballot),
            Next::Unknown => Some(Ballot::up_to(self.disk.counter)),
        };
        self.next = Next::Nothing;
        self.open(epoch);
        let disk = &mut self.disk;
        if promised.is_some() {
            disk.promised = promised;
        }
        disk.epoch = epoch;
        disk.counter = disk.counter.max(seen.saturating_add(VOUCHED_AHEAD));
    }

    /// Becomes an acceptor of this instance, if it is newer than the one before, and of that one
    /// no more.
    fn open(&mut self, instance: Epoch) {
        let disk = &mut self.disk;
        if instance > disk.instance {
            disk.instance = instance;
            disk.promised = None;
            disk.accepted = None;
        }
    }
}
