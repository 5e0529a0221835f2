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

/// The state of one peer. It is shared by the task that dials the peer, the task that reads from
/// it, and monitors.
///
/// A *life* of a peer is one run of its process. It has a number that is never 0.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) node: NodeId,
    /// `host:port`.
    pub(crate) address: String,
    pub(crate) known_addresses: KnownAddresses,
    /// Whether this node's own connection to the peer is open.
    is_outgoing_open: AtomicBool,
    /// The present life: the one that the last handshake named. 0 before the first handshake.
    life: AtomicU64,
    /// The last life that is proved to have ended; 0 if there is none.
    dead_life: AtomicU64,
    /// When a new life last replaced one that was not proved to have ended; 0 if never.
    unproved_change_ns: AtomicU64,
    /// The highest [`Mark`] since the last sign of life; 0 if there is none.
    mark: AtomicU8,
    /// The lock and the clock of the present life.
    lock_tracker: Mutex<Option<LockTracker>>,
    detector: Mutex<Detector>,
    incoming: Mutex<Option<Incoming>>,
    /// Notified when the peer's own connection was admitted: it is alive and must be dialled now.
    pub(crate) alive: Notify,
    /// Whether the process of the peer has an observer that can prove its death.
    pub(crate) has_observer: AtomicBool,
    /// Notified when a life is proved to have ended.
    proved: Notify,
    pub(crate) outage: Mutex<Outage>,
    /// Whether the log already contains that the peer sends invalid data.
    has_sent_garbage: AtomicBool,
    /// How often a connection to the peer was made.
    pub(crate) connections: AtomicU64,
    /// How often the peer was marked down.
    pub(crate) suspicions: AtomicU64,
    /// How often a proof of death was accepted.
    pub(crate) proofs: AtomicU64,
}

/// How the life that a peer names in a handshake differs from the life that was known before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LifeChange {
    /// It is the same life, or the first one.
    Unchanged,
    /// It is another life. The life before may have ended.
    Unproved,
    /// It is another life, and it proves that the life before has ended. This was not known.
    Proved,
}

/// What the algorithm knows of a peer that is marked down. A suspected peer can be released later.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    /// The peer may have failed. It shortens no vigil.
    Suspected = 1,
    /// The peer was silent for longer than a lease, or its death is proved or taken as proved. No
    /// silence is owed to it any more.
    Released = 2,
}

/// The connection that a peer has made to this node.
#[derive(Debug)]
struct Incoming {
    life: u64,
    closing: CancellationToken,
}

impl Link {
    pub(crate) fn new(node: NodeId, address: String, detection: Detection) -> Self {
        Self {
            node,
            address,
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
            has_observer: AtomicBool::new(false),
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

    /// Notes that this node's own connection to the peer is open.
    pub(crate) fn outgoing_opened(&self) {
        self.is_outgoing_open.store(true, Ordering::Release);
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.has_sent_garbage.store(false, Ordering::Relaxed);
        self.record_success(Direction::Out);
        self.update_outage();
    }

    /// Notes that this node's own connection to the peer is closed.
    pub(crate) fn outgoing_closed(&self) {
        self.is_outgoing_open.store(false, Ordering::Release);
        self.update_outage();
    }

    /// Returns the present life of the peer; 0 before the first handshake.
    pub(crate) fn life(&self) -> u64 {
        self.life.load(Ordering::Acquire)
    }

    /// Learns the life that the peer has named in a handshake, together with its claim to a lock.
    /// Returns how the life has changed. See [`prove_dead`](Self::prove_dead) for `silence`.
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

    /// Takes the reading of its clock that the present life has sent.
    pub(crate) fn clock_received(&self, clock_ns: u64) {
        if let Some(tracker) = &mut *lock(&self.lock_tracker) {
            tracker.clock_received(clock_ns, actor::now());
        }
    }

    /// Takes a proof that this life has ended. Returns `true` if the algorithm must be notified:
    /// the life is the present one, the proof is the first one, and no lease of an earlier life can
    /// be left after a silence of this length. A copied disk gives two lives to one node, and the
    /// death of one does not prove the death of the other.
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

    /// Waits until the present life is proved to have ended, at most for this time. Returns `true`
    /// if it is proved.
    pub(crate) async fn is_proved_dead_within(&self, limit: Duration) -> bool {
        // Created before the check, so a proof that arrives after the check ends the wait.
        let proved = self.proved.notified();
        if !self.is_dead() {
            let _ = timeout(limit, proved).await;
        }
        self.is_dead()
    }

    /// Returns `true` if the present life is proved to have ended. Data of it that is still on the
    /// way is not a sign of life.
    fn is_dead(&self) -> bool {
        let life = self.life();
        life != 0 && self.dead_life.load(Ordering::Acquire) == life
    }

    /// Takes a sign of life. Returns `true` if the peer was marked, so that the algorithm must be
    /// notified that the peer is back.
    pub(crate) fn received(&self) -> bool {
        if self.is_dead() {
            return false;
        }
        self.detector().received(actor::now());
        self.clear_mark()
    }

    /// Takes the answer to a ping that was sent at `sent`.
    pub(crate) fn pong_received(&self, sent: Moment) {
        if !self.is_dead() {
            let round_trip = actor::now().saturating_since(sent);
            self.detector().round_trip_measured(round_trip);
        }
    }

    /// Returns `true` if there was a mark. The load comes first because each received frame gets
    /// here, and a load is cheaper than a swap.
    fn clear_mark(&self) -> bool {
        let was_marked =
            self.mark.load(Ordering::Acquire) != 0 && self.mark.swap(0, Ordering::AcqRel) != 0;
        if was_marked {
            self.update_outage();
        }
        was_marked
    }

    /// Returns when the peer will have been silent for too long; `None` if it is released already.
    pub(crate) fn silence_deadline(&self) -> Option<Moment> {
        if self.mark.load(Ordering::Acquire) >= Mark::Released as u8 {
            return None;
        }
        self.detector().deadline()
    }

    /// Marks the peer down. Returns `true` if the algorithm must be notified now: it is notified of
    /// each mark once in an outage, and not of a suspicion after the peer was released.
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

    /// Admits a connection of the peer in place of the one before. The returned token is cancelled
    /// when the connection itself is replaced.
    ///
    /// # Errors
    /// If this life is proved to have ended. Also, if a process with another life is connected and
    /// has sent something within `fresh`: then the newcomer claims an id that is in use.
    pub(crate) fn admit_incoming(
        &self,
        life: u64,
        fresh: Duration,
    ) -> Result<CancellationToken, Rejection> {
        let last = self.detector().last();
        let is_fresh = last.is_some_and(|at| actor::now().saturating_since(at) < fresh);
        let mut incoming = lock(&self.incoming);
        if self.dead_life.load(Ordering::Acquire) == life {
            return Err(Rejection::Claimed(self.node));
        }
        if let Some(known) = &*incoming {
            if known.life != life && is_fresh {
                return Err(Rejection::Claimed(self.node));
            }
            known.closing.cancel();
        }
        let closing = CancellationToken::new();
        *incoming = Some(Incoming {
            life,
            closing: closing.clone(),
        });
        drop(incoming);
        self.record_success(Direction::In);
        self.update_outage();
        Ok(closing)
    }

    /// Notes that the connection that was admitted with this token has ended.
    pub(crate) fn incoming_closed(&self, closing: &CancellationToken) {
        if closing.is_cancelled() {
            return; // It was replaced.
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

    /// Notes that the peer has sent invalid data. Returns `true` the first time since this node has
    /// connected to the peer.
    pub(crate) fn is_first_garbage(&self) -> bool {
        !self.has_sent_garbage.swap(true, Ordering::Relaxed)
    }

    fn record_success(&self, direction: Direction) {
        lock(&self.outage).record_success(direction, actor::now());
    }

    /// Begins or ends the outage, after something has changed.
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

/// Locks a mutex even if a thread panicked while it held the lock: the code under these locks
/// leaves the data consistent at every point.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
