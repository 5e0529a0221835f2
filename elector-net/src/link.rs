use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use elector_core::{NodeId, actor, nanos};
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    detector::{Detection, Detector},
    outage::{Direction, Outage},
    places::Places,
    successor::{Hold, Holding},
    wire::refusal::Refusal,
};

/// What is known of one peer, shared between the task that dials it, the one that reads it, and
/// whoever looks on.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) node: NodeId,
    /// `host:port`.
    pub(crate) address: String,
    pub(crate) places: Places,
    /// Whether this node's own connection to it is open.
    up: AtomicBool,
    /// The life that it was last met in; 0 before it was.
    life: AtomicU64,
    /// The life that is proved to be over, 0 if none is.
    buried: AtomicU64,
    /// When another life was met last although the one before was not proved to be over; 0: never.
    replaced: AtomicU64,
    /// What the algorithm was told since it was last heard: see [`Told`].
    told: AtomicU8,
    /// Of the present life.
    holding: Mutex<Option<Holding>>,
    detector: Mutex<Detector>,
    incoming: Mutex<Option<Incoming>>,
    /// Its connection came in: it lives, and is to be dialled now.
    pub(crate) alive: Notify,
    /// Whether the process of the peer has a companion that can prove its death.
    pub(crate) has_companion: AtomicBool,
    /// Notified when a life is proved to be over.
    proved: Notify,
    pub(crate) outage: Mutex<Outage>,
    /// Whether the log has it that the peer sends what is no message.
    has_garbage: AtomicBool,
    /// How often a connection to it was made.
    pub(crate) connections: AtomicU64,
    /// How often the algorithm was told that it is gone.
    pub(crate) suspicions: AtomicU64,
    /// How often that was proved.
    pub(crate) proofs: AtomicU64,
}

/// What the life of a peer that is met tells of the one that it was known in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// It is the same, or the first.
    Again,
    /// That it may be over.
    Another,
    /// That it is over, which was not known.
    Proof,
}

/// What the algorithm is told of a peer. A peer that was suspected can fall silent after that.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told {
    /// It may be gone: no silence ends.
    Suspected = 1,
    /// It was silent for longer than a lease, or is trusted to have died: no silence is owed to it.
    Free = 2,
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
            places: Places::default(),
            up: AtomicBool::new(false),
            life: AtomicU64::new(0),
            buried: AtomicU64::new(0),
            replaced: AtomicU64::new(0),
            told: AtomicU8::new(0),
            holding: Mutex::new(None),
            detector: Mutex::new(Detector::new(detection)),
            incoming: Mutex::new(None),
            alive: Notify::new(),
            has_companion: AtomicBool::new(false),
            proved: Notify::new(),
            outage: Mutex::new(Outage::new(actor::now().nanos())),
            has_garbage: AtomicBool::new(false),
            connections: AtomicU64::new(0),
            suspicions: AtomicU64::new(0),
            proofs: AtomicU64::new(0),
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }

    pub(crate) fn set_up(&self, up: bool) {
        self.up.store(up, Ordering::Release);
        if up {
            self.connections.fetch_add(1, Ordering::Relaxed);
            self.has_garbage.store(false, Ordering::Relaxed);
            self.mend(Direction::Out);
        }
        self.look();
    }

    /// The life that the peer is known to live.
    pub(crate) fn life(&self) -> u64 {
        self.life.load(Ordering::Acquire)
    }

    /// Meets the peer in this life, which says this; what that tells of the life before. See
    /// [`bury`](Self::bury) for `silence`.
    pub(crate) fn meet(&self, life: u64, hold: Hold, silence: Duration) -> Met {
        let now = actor::now().nanos();
        let mut holding = lock(&self.holding);
        let known = self.life();
        if known == life {
            if let Some(holding) = &mut *holding {
                holding.ticked(hold.clock_ns, now);
            }
            return Met::Again;
        }
        let before = holding.replace(Holding::new(hold, now));
        let is_over = before.is_some_and(|before| before.is_over(hold, now));
        let is_proof = is_over && self.bury(known, silence);
        self.life.store(life, Ordering::Release);
        match known {
            0 => Met::Again,
            _ if is_proof => Met::Proof,
            _ => {
                if self.buried.load(Ordering::Acquire) != known {
                    self.replaced.store(now, Ordering::Release);
                }
                Met::Another
            }
        }
    }

    /// The present life has said what its clock shows.
    pub(crate) fn ticked(&self, clock_ns: u64) {
        if let Some(holding) = &mut *lock(&self.holding) {
            holding.ticked(clock_ns, actor::now().nanos());
        }
    }

    /// This life is proved to be over. Returns `true` if it is the present one, this is news, and
    /// no lease of a life before can be left, after a silence of this length: a copied disk gives
    /// two lives to one node, and the death of one says nothing of the other.
    pub(crate) fn bury(&self, life: u64, silence: Duration) -> bool {
        if self.life() != life || self.buried.swap(life, Ordering::AcqRel) == life {
            return false;
        }
        self.proved.notify_waiters();
        let replaced = self.replaced.load(Ordering::Acquire);
        let passed = actor::now().nanos().saturating_sub(replaced);
        let is_proof = replaced == 0 || passed >= nanos(silence);
        if is_proof {
            self.proofs.fetch_add(1, Ordering::Relaxed);
            self.tell(Told::Free);
        }
        is_proof
    }

    /// Waits until the present life is proved to be over, or this limit has passed. Returns `true`
    /// if it is proved.
    pub(crate) async fn is_proved_dead_within(&self, limit: Duration) -> bool {
        // A proof that comes after this line wakes it.
        let proved = self.proved.notified();
        if !self.is_buried() {
            let _ = timeout(limit, proved).await;
        }
        self.is_buried()
    }

    /// Whether the present life is proved to be over: what is left of it on the way is no sign of
    /// life.
    fn is_buried(&self) -> bool {
        let life = self.life();
        life != 0 && self.buried.load(Ordering::Acquire) == life
    }

    /// A sign of life. Returns `true` if the algorithm was told that the peer is gone, and is to be
    /// told now that it is back.
    pub(crate) fn heard(&self) -> bool {
        if self.is_buried() {
            return false;
        }
        let now = actor::now().nanos();
        self.detector().heard(now);
        self.is_back()
    }

    /// Its answer to a ping that was sent at `sent`. Returns the same as [`heard`](Self::heard).
    pub(crate) fn answered(&self, sent: u64) -> bool {
        if self.is_buried() {
            return false;
        }
        let now = actor::now().nanos();
        {
            let mut detector = self.detector();
            detector.heard(now);
            detector.answered(now.saturating_sub(sent));
        }
        self.is_back()
    }

    /// Looks first, as each frame that arrives comes here.
    fn is_back(&self) -> bool {
        let is_back =
            self.told.load(Ordering::Acquire) != 0 && self.told.swap(0, Ordering::AcqRel) != 0;
        if is_back {
            self.look();
        }
        is_back
    }

    pub(crate) fn excuse(&self, now: u64) {
        self.detector().excuse(now);
    }

    /// When it will have been silent for too long; `None` if the algorithm was told already.
    pub(crate) fn due(&self) -> Option<u64> {
        if self.told.load(Ordering::Acquire) >= Told::Free as u8 {
            return None;
        }
        self.detector().due()
    }

    /// Returns `true` if the algorithm is to be told this now: each once an outage, and a suspicion
    /// only before what is more.
    pub(crate) fn tell(&self, what: Told) -> bool {
        let before = self.told.fetch_max(what as u8, Ordering::AcqRel);
        if before == 0 {
            self.suspicions.fetch_add(1, Ordering::Relaxed);
            let at_ns = actor::now().nanos();
            tracing::debug!(target: "elector_net::hint", peer = %self.node, at_ns, "it is gone");
            self.look();
        }
        before < what as u8
    }

    /// When it was last heard, how long its answers take, and how long it may be
    /// silent.
    pub(crate) fn measured(&self) -> (Option<u64>, Option<Duration>, Duration) {
        let detector = self.detector();
        (detector.last(), detector.round_trip(), detector.patience())
    }

    /// Lets a connection of the peer in, in the place of the one before; the token is cancelled
    /// when it is replaced in its turn.
    ///
    /// # Errors
    /// If a process with another life is connected, and was heard of late: the newcomer claims an
    /// id that is in use.
    pub(crate) fn claim(&self, life: u64, fresh: Duration) -> Result<CancellationToken, Refusal> {
        let heard = self.detector().last();
        let now = actor::now().nanos();
        let is_fresh = heard.is_some_and(|at| now.saturating_sub(at) < nanos(fresh));
        let mut incoming = lock(&self.incoming);
        if self.buried.load(Ordering::Acquire) == life {
            return Err(Refusal::Claimed(self.node));
        }
        if let Some(known) = &*incoming {
            if known.life != life && is_fresh {
                return Err(Refusal::Claimed(self.node));
            }
            known.closing.cancel();
        }
        let closing = CancellationToken::new();
        *incoming = Some(Incoming {
            life,
            closing: closing.clone(),
        });
        drop(incoming);
        self.mend(Direction::In);
        self.look();
        Ok(closing)
    }

    /// The connection that was let in with this token has ended.
    pub(crate) fn left(&self, closing: &CancellationToken) {
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
        self.look();
    }

    /// Whether its own connection to this node is open.
    pub(crate) fn is_heard(&self) -> bool {
        lock(&self.incoming).is_some()
    }

    /// Whether it is news that the peer sends what is no message.
    pub(crate) fn is_news_of_garbage(&self) -> bool {
        !self.has_garbage.swap(true, Ordering::Relaxed)
    }

    fn mend(&self, direction: Direction) {
        lock(&self.outage).mend(direction, actor::now().nanos());
    }

    /// Finds out whether the peer is reachable, after something has changed.
    fn look(&self) {
        let is_reachable =
            self.is_up() && self.is_heard() && self.told.load(Ordering::Acquire) == 0;
        let now = actor::now().nanos();
        let mut outage = lock(&self.outage);
        if is_reachable {
            outage.end(now);
        } else {
            outage.begin(now);
        }
    }

    fn detector(&self) -> MutexGuard<'_, Detector> {
        lock(&self.detector)
    }
}

/// What is guarded stays whole, whoever panics.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
