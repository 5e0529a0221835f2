use elector_core::{Epoch, NodeId};

use crate::{Ballot, PaxosDurable, Proposal};

/// When a node enters an epoch, it writes a counter that is this much higher than the highest
/// counter that it has seen. The written counter vouches for ballots of the next instance: the node
/// may promise ballots up to this counter without another write. The number is enough for some
/// attempts of several proposers. A larger number would only make ballots larger after restarts.
const VOUCHED_AHEAD: u64 = 8;

/// The acceptor's memory: the state on disk, and one promise that need not be written, because
/// [`PaxosDurable::counter`] vouches for it.
///
/// A node that enters an epoch must write the epoch anyway. The same write vouches for a few
/// ballots of the next instance: the written counter covers a promise of any of these ballots, so
/// such a promise needs no other write. A running node keeps such a promise like any other promise.
/// A node that restarts in the same epoch does not know which of these ballots it has promised. It
/// assumes that it has promised the highest of them, and refuses them all. It is always safe to
/// refuse more than necessary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Memory {
    /// The state on disk.
    pub(crate) disk: PaxosDurable,
    next: Next,
}

/// The promise that is not written to disk. It belongs to the instance after the present epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Next {
    /// There is no promise in the instance after the present epoch, or the promise is on disk.
    Nothing,
    /// The node has promised this ballot, for which the counter on disk vouches.
    Promised(Ballot),
    /// Before its restart, the node may have promised any ballot for which the counter on disk
    /// vouches.
    Unknown,
}

impl Ballot {
    /// Returns the bound that a node names when it refuses all ballots up to this counter, because
    /// it does not know which of them it has promised before its restart.
    pub(super) fn up_to(counter: u64) -> Self {
        let node = NodeId(u64::MAX);
        Self { counter, node }
    }

    /// Returns `true` if this ballot is only a bound that a refusal names, and not the ballot of a
    /// rival. (A ballot of a member with the id `u64::MAX` looks like a bound. As a result, a
    /// proposer that loses to such a ballot may propose again too soon.)
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

    /// Returns the newest instance of which this node is an acceptor, and the highest ballot that
    /// this node has promised in it, as far as the node knows.
    pub(crate) fn floor(&self) -> (Epoch, Option<Ballot>) {
        match self.next {
            Next::Promised(ballot) => (self.disk.epoch.next(), Some(ballot)),
            Next::Nothing | Next::Unknown => (self.disk.instance, self.disk.promised),
        }
    }

    /// Returns an upper bound of the promises that this node may have made in `instance` before a
    /// restart, if `ballot` is below this bound.
    pub(crate) fn bound(&self, instance: Epoch, ballot: Ballot) -> Option<Ballot> {
        let unknown = self.next == Next::Unknown && instance == self.disk.epoch.next();
        let bound = Ballot::up_to(self.disk.counter);
        (unknown && ballot < bound).then_some(bound)
    }

    /// Returns the proposal with the highest ballot that this node has accepted in `instance`, if
    /// there is one.
    pub(crate) fn accepted(&self, instance: Epoch) -> Option<Proposal> {
        let accepted = self.disk.accepted;
        accepted.filter(|_| self.disk.instance == instance)
    }

    /// Makes a promise (invariant I1). The ballot must be at or above the [`floor`](Self::floor)
    /// and the [`bound`](Self::bound).
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

    /// Enters a newer epoch, and writes a counter that vouches for the first ballots of the
    /// instance after it (see [`VOUCHED_AHEAD`]). `seen` is the highest counter that this node has
    /// seen.
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

    /// If `instance` is newer than the present instance, becomes an acceptor of `instance`, and of
    /// no older instance any more.
    fn open(&mut self, instance: Epoch) {
        let disk = &mut self.disk;
        if instance > disk.instance {
            disk.instance = instance;
            disk.promised = None;
            disk.accepted = None;
        }
    }
}
