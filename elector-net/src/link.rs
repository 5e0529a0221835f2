use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use elector_core::{Moment, NodeId, actor};
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    detector::{Detection, Detector},
    known_addresses::KnownAddresses,
    lock_proof::{LockClaim, LockTracker},
    outage::{Direction, Outage},
    wire::rejection::Rejection,
};

/// The state of one peer. The task that dials the peer, the task that reads from the peer, and
/// monitors share this state.
///
/// A *life* of a peer is one process of the peer, from its start to its end. A life has a random
/// number, which is never 0.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) node: NodeId,
    pub(crate) known_addresses: KnownAddresses,
    /// Whether this node's own connection to the peer is open.
    is_outgoing_open: AtomicBool,
    /// The number of the present life (process) of the peer, which is the life that the last
    /// handshake named; 0 before the first handshake.
    life: AtomicU64,
    /// The number of the last life (process) of the peer whose end is proved; 0 if no end is
    /// proved.
    dead_life: AtomicU64,
    /// The moment when a new life (process) of the peer last replaced a life whose end was not
    /// proved, in nanoseconds of this machine's clock; 0 if this never happened.
    unproved_change_ns: AtomicU64,
    /// The highest [`Mark`] that this node has set since the last sign of life of the peer; 0 if it
    /// has set none since then.
    mark: AtomicU8,
    /// The lock that the present process of the peer holds, and how the clock of the peer's machine
    /// differs from the clock of this machine; `None` before the first handshake.
    lock_tracker: Mutex<Option<LockTracker>>,
    detector: Mutex<Detector>,
    incoming: Mutex<Option<Incoming>>,
    /// Notified when the peer must be dialled now: this node has admitted a connection of the peer,
    /// or the address or the role of the peer has changed.
    pub(crate) alive: Notify,
    /// Whether the process of the peer has a watcher that can prove its death.
    pub(crate) has_watcher: AtomicBool,
    /// Notified when a proof arrives that a process of the peer has ended.
    proved: Notify,
    pub(crate) outage: Mutex<Outage>,
    /// Whether the log already says that the peer sends invalid data on the present connection.
    has_sent_garbage: AtomicBool,
    /// How often this node has connected to the peer.
    pub(crate) connections: AtomicU64,
    /// How often this node has marked the peer down, which means taken it for failed.
    pub(crate) suspicions: AtomicU64,
    /// How often this node has accepted a proof that a process of the peer has ended.
    pub(crate) proofs: AtomicU64,
}

/// How the life that a peer names in a handshake differs from the life that this node knew before.
/// A life is one process of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LifeChange {
    /// The peer names the same life (process) as before, or its first life.
    Unchanged,
    /// The peer names another life (process) than before. The life before may have ended, but its
    /// end is not proved.
    Unproved,
    /// The peer names another life (process) than before, and this new life proves that the life
    /// before has ended. There was no proof of this before.
    Proved,
}

/// What this node has reported to the algorithm about a peer that is marked down, which means taken
/// for failed. The mark of a peer can rise from `Suspected` to `Released`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    /// The peer may have failed. A voter still keeps its vigil: the time for which it supports no
    /// leader other than this peer.
    Suspected = 1,
    /// The peer was silent for longer than a lease, or its death is proved or taken as proved. So a
    /// voter keeps no vigil (time in which it supports no other leader) for this peer any more.
    Released = 2,
}

/// The connection that a peer has made to this node.
#[derive(Debug)]
struct Incoming {
    life: u64,
    /// Whether the roster, the list of the voters, names the peer's id with another disk than the
    /// disk of the connected process.
    has_other_disk: bool,
    closing: CancellationToken,
}

impl Link {
    pub(crate) fn new(node: NodeId, detection: Detection) -> Self {
        Self {
            node,
            known_addresses: KnownAddresses::default(),
            is_outgoing_open: AtomicBool::new(false),
            life: AtomicU64::new(0),
            dead_life: AtomicU64::new(0),
            unproved_change_ns: AtomicU64::new(0),
            mark: AtomicU8::new(0),
            lock_tracker: Mutex::new(None),
            detector: Mutex::new(Detector::new(detection)),
            incoming: Mutex::new(None),
            alive: Notify::new(),
            has_watcher: AtomicBool::new(false),
            proved: Notify::new(),
            outage: Mutex::new(Outage::new(actor::now())),
            has_sent_garbage: AtomicBool::new(false),
            connections: AtomicU64::new(0),
            suspicions: AtomicU64::new(0),
            proofs: AtomicU64::new(0),
        }
    }

    pub(crate) fn is_outgoing_open(&self) -> bool {
        self.is_outgoing_open.load(Ordering::Acquire)
    }

    /// Records that this node's own connection to the peer is open.
    pub(crate) fn outgoing_opened(&self) {
        self.is_outgoing_open.store(true, Ordering::Release);
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.has_sent_garbage.store(false, Ordering::Relaxed);
        self.record_success(Direction::Out);
        self.update_outage();
    }

    /// Records that this node's own connection to the peer is closed.
    pub(crate) fn outgoing_closed(&self) {
        self.is_outgoing_open.store(false, Ordering::Release);
        self.update_outage();
    }

    /// Returns the number of the present life (process) of the peer; 0 before the first handshake.
    pub(crate) fn life(&self) -> u64 {
        self.life.load(Ordering::Acquire)
    }

    /// Records the life (process) that the peer has named in a handshake, and the lock that this
    /// life says it holds. Returns how the life has changed. [`prove_dead`](Self::prove_dead)
    /// explains `silence`.
    pub(crate) fn learn_life(&self, life: u64, claim: LockClaim, silence: Duration) -> LifeChange {
        let now = actor::now();
        let mut tracker = lock(&self.lock_tracker);
        let known = self.life();
        if known == life {
            if let Some(tracker) = &mut *tracker {
                tracker.clock_received(claim.clock_ns, now);
            }
            return LifeChange::Unchanged;
        }
        let before = tracker.replace(LockTracker::new(claim, now));
        let has_ended = before.is_some_and(|before| before.is_ended_by(claim, now));
        let is_proved = has_ended && self.prove_dead(known, silence);
        self.life.store(life, Ordering::Release);
        match known {
            0 => LifeChange::Unchanged,
            _ if is_proved => LifeChange::Proved,
            _ => {
                if self.dead_life.load(Ordering::Acquire) != known {
                    self.unproved_change_ns
                        .store(now.nanos(), Ordering::Release);
                }
                LifeChange::Unproved
            }
        }
    }

    /// Takes a reading of the peer's clock in nanoseconds, which the present process of the peer
    /// has sent.
    pub(crate) fn clock_received(&self, clock_ns: u64) {
        if let Some(tracker) = &mut *lock(&self.lock_tracker) {
            tracker.clock_received(clock_ns, actor::now());
        }
    }

    /// Takes a proof that this life (process) of the peer has ended. Returns `true` if the
    /// algorithm must be notified: the life is the present one, this is the first proof of its end,
    /// and no lease of an earlier life can be left. An earlier life whose end is not proved may
    /// have a lease until `silence` has passed since its replacement: if a disk was copied, two
    /// lives of one node can run, and the death of one life does not prove the death of the other.
    pub(crate) fn prove_dead(&self, life: u64, silence: Duration) -> bool {
        if self.life() != life || self.dead_life.swap(life, Ordering::AcqRel) == life {
            return false;
        }
        self.proved.notify_waiters();
        let changed = Moment::from_nanos(self.unproved_change_ns.load(Ordering::Acquire));
        let passed = actor::now().saturating_since(changed);
        let is_valid = changed == Moment::ZERO || passed >= silence;
        if is_valid {
            self.proofs.fetch_add(1, Ordering::Relaxed);
            self.mark(Mark::Released);
        }
        is_valid
    }

    /// Waits for a proof that the present life (process) of the peer has ended, for at most this
    /// time. Returns `true` if there is a proof.
    pub(crate) async fn is_proved_dead_within(&self, limit: Duration) -> bool {
        // The future is created before the check, so a proof that arrives after the check ends the
        // wait.
        let proved = self.proved.notified();
        if !self.is_dead() {
            let _ = timeout(limit, proved).await;
        }
        self.is_dead()
    }

    /// Returns `true` if there is a proof that the present life (process) of the peer has ended.
    /// Data of this life that still arrives does not show that the peer is alive.
    fn is_dead(&self) -> bool {
        let life = self.life();
        life != 0 && self.dead_life.load(Ordering::Acquire) == life
    }

    /// Takes a sign of life, which is a handshake, a message or a pong of the peer. Returns `true`
    /// if the peer was marked down. Then the algorithm must be notified that the peer is reachable
    /// again.
    pub(crate) fn received(&self) -> bool {
        if self.is_dead() {
            return false;
        }
        self.detector().received(actor::now());
        self.clear_mark()
    }

    /// Takes the peer's answer to a ping that this node sent at `sent`, and measures the round
    /// trip.
    pub(crate) fn pong_received(&self, sent: Moment) {
        if !self.is_dead() {
            let round_trip = actor::now().saturating_since(sent);
            self.detector().round_trip_measured(round_trip);
        }
    }

    /// Removes the [`Mark`] of the peer. Returns `true` if there was a mark. The load comes first
    /// because this method is called for each received frame, and a load is cheaper than a swap.
    fn clear_mark(&self) -> bool {
        let was_marked =
            self.mark.load(Ordering::Acquire) != 0 && self.mark.swap(0, Ordering::AcqRel) != 0;
        if was_marked {
            self.update_outage();
        }
        was_marked
    }

    /// Returns the moment at which the peer will have been silent for too long; `None` if the peer
    /// is already marked [`Released`](Mark::Released), or before its first sign of life.
    pub(crate) fn silence_deadline(&self) -> Option<Moment> {
        if self.mark.load(Ordering::Acquire) >= Mark::Released as u8 {
            return None;
        }
        self.detector().deadline()
    }

    /// Marks the peer down. Returns `true` if the algorithm must be notified of this mark now.
    /// Until the next sign of life of the peer, the algorithm is notified of each mark only once,
    /// and is not notified of [`Suspected`](Mark::Suspected) after [`Released`](Mark::Released).
    pub(crate) fn mark(&self, mark: Mark) -> bool {
        let before = self.mark.fetch_max(mark as u8, Ordering::AcqRel);
        if before == 0 {
            self.suspicions.fetch_add(1, Ordering::Relaxed);
            let at_ns = actor::now().nanos();
            tracing::debug!(
                target: "elector_net::hint", peer = %self.node, at_ns, "peer marked down"
            );
            self.update_outage();
        }
        before < mark as u8
    }

    /// Admits a connection of the peer. This connection replaces the connection that was admitted
    /// before. The returned token is cancelled when another connection replaces this one.
    ///
    /// # Errors
    /// Returns an error if there is a proof that this life (process) has ended. Also returns an
    /// error if another process is connected and has sent something within `fresh`: then the new
    /// connection claims an id that is in use. The exception is a voter with the disk that the
    /// roster names: it replaces a process that has its id and another disk.
    pub(crate) fn admit_incoming(
        &self,
        life: u64,
        has_other_disk: bool,
        fresh: Duration,
    ) -> Result<CancellationToken, Rejection> {
        let last = self.detector().last();
        let is_fresh = last.is_some_and(|at| actor::now().saturating_since(at) < fresh);
        let mut incoming = lock(&self.incoming);
        if self.dead_life.load(Ordering::Acquire) == life {
            return Err(Rejection::Claimed(self.node));
        }
        if let Some(known) = &*incoming {
            // The roster, the list of the voters, names a disk for this id. The process with this
            // disk replaces a connected process that has the same id and another disk.
            let is_better = known.has_other_disk && !has_other_disk;
            if known.life != life && is_fresh && !is_better {
                return Err(Rejection::Claimed(self.node));
            }
            known.closing.cancel();
        }
        let closing = CancellationToken::new();
        *incoming = Some(Incoming {
            life,
            has_other_disk,
            closing: closing.clone(),
        });
        drop(incoming);
        self.record_success(Direction::In);
        self.update_outage();
        Ok(closing)
    }

    /// Records that the connection for which [`admit_incoming`](Self::admit_incoming) returned this
    /// token has ended.
    pub(crate) fn incoming_closed(&self, closing: &CancellationToken) {
        if closing.is_cancelled() {
            return; // Another connection has replaced it.
        }
        closing.cancel();
        let mut incoming = lock(&self.incoming);
        if incoming
            .as_ref()
            .is_some_and(|known| known.closing.is_cancelled())
        {
            *incoming = None;
        }
        drop(incoming);
        self.update_outage();
    }

    /// Returns `true` if the peer's own connection to this node is open.
    pub(crate) fn is_incoming_open(&self) -> bool {
        lock(&self.incoming).is_some()
    }

    /// Records that the peer has sent invalid data. Returns `true` the first time since this node
    /// has last connected to the peer.
    pub(crate) fn is_first_garbage(&self) -> bool {
        !self.has_sent_garbage.swap(true, Ordering::Relaxed)
    }

    fn record_success(&self, direction: Direction) {
        lock(&self.outage).record_success(direction, actor::now());
    }

    /// Begins or ends the outage of the peer, which is the time in which the peer is unreachable.
    /// This method is called after the state of a connection or the mark has changed.
    fn update_outage(&self) {
        let is_reachable = self.is_outgoing_open()
            && self.is_incoming_open()
            && self.mark.load(Ordering::Acquire) == 0;
        let mut outage = lock(&self.outage);
        if is_reachable {
            outage.end(actor::now());
        } else {
            outage.begin(actor::now());
        }
    }

    pub(crate) fn detector(&self) -> MutexGuard<'_, Detector> {
        lock(&self.detector)
    }
}

/// Locks a mutex, even if a thread panicked while it held the lock. This is correct because the
/// code that holds these locks leaves the data consistent at every point.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
