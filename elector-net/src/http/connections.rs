use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::metrics::Usage;

/// The connections that are open, so that those that say nothing cannot keep others out: when there
/// are as many as there may be, the one that has been quiet for longest makes room.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    usage: Usage,
    open: Mutex<Open>,
    /// One more than there may be connections: the next one, which another makes room for.
    sockets: Arc<Semaphore>,
}

/// Leave to have one more socket open. One that makes room is not closed yet when it is told to:
/// without this, sockets could be more than connections, and take the process's last descriptors.
#[derive(Debug)]
pub(super) struct Room {
    _permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    places: BTreeMap<u64, State>,
}

#[derive(Debug)]
struct State {
    /// Requests that are being answered.
    busy: usize,
    quiet_since: Instant,
    evicted: CancellationToken,
}

impl Connections {
    pub(super) fn new(most: usize, usage: Usage) -> Arc<Self> {
        let most = most.clamp(1, Semaphore::MAX_PERMITS - 1);
        Arc::new(Self {
            most,
            usage,
            open: Mutex::default(),
            sockets: Arc::new(Semaphore::new(most + 1)),
        })
    }

    /// Waits until another socket may be open.
    pub(super) async fn room(&self) -> Room {
        let sockets = Arc::clone(&self.sockets);
        // It is never closed.
        let permit = sockets.acquire_owned().await.ok();
        Room { _permit: permit }
    }

    /// A place for a new connection; `None` if all others are being answered.
    pub(super) fn admit(self: &Arc<Self>, room: Room) -> Option<Place> {
        let mut open = self.open();
        if open.places.len() >= self.most {
            self.usage.dropped.inc();
            let quiet = open.places.iter().filter(|(_, state)| state.busy == 0);
            let (&longest, _) = quiet.min_by_key(|(_, state)| state.quiet_since)?;
            if let Some(state) = open.places.remove(&longest) {
                state.evicted.cancel();
            }
        }
        let number = open.next;
        open.next += 1;
        let evicted = CancellationToken::new();
        let state = State {
            busy: 0,
            quiet_since: Instant::now(),
            evicted: evicted.clone(),
        };
        open.places.insert(number, state);
        self.usage.connections.inc();
        Some(Place {
            connections: Arc::clone(self),
            number,
            evicted,
            _room: room,
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut State)) {
        if let Some(state) = self.open().places.get_mut(&number) {
            change(state);
        }
    }
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    number: u64,
    evicted: CancellationToken,
    _room: Room,
}

impl Place {
    /// Returns when another connection needs the place.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// Keeps the place while a request is answered.
    pub(super) fn busy(&self) -> Busy {
        self.connections
            .change(self.number, |state| state.busy += 1);
        Busy {
            connections: Arc::clone(&self.connections),
            number: self.number,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().places.remove(&self.number);
        self.connections.usage.connections.dec();
    }
}

/// A request is being answered, until this is dropped.
#[derive(Debug)]
pub(super) struct Busy {
    connections: Arc<Connections>,
    number: u64,
}

impl Clone for Busy {
    fn clone(&self) -> Self {
        self.connections
            .change(self.number, |state| state.busy += 1);
        Self {
            connections: Arc::clone(&self.connections),
            number: self.number,
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.connections.change(self.number, |state| {
            state.busy = state.busy.saturating_sub(1);
            state.quiet_since = Instant::now();
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn admit(connections: &Arc<Connections>) -> Option<Place> {
        connections.admit(connections.room().await)
    }

    fn is_evicted(place: &Place) -> bool {
        place.evicted.is_cancelled()
    }

    // Silence must not keep others out, and a flood must not cut off an answer.
    #[tokio::test(start_paused = true)]
    async fn the_longest_quiet_makes_room_and_the_busy_stay() {
        let usage = Usage::default();
        let connections = Connections::new(3, usage.clone());
        let mut places = Vec::new();
        for _ in 0..3 {
            places.push(admit(&connections).await.unwrap());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let answering = places[0].busy();
        // The third is quiet for longer than the second, which was asked something meanwhile.
        drop(places[1].busy());
        let fourth = admit(&connections).await.unwrap();
        let evicted: Vec<bool> = places.iter().map(is_evicted).collect();
        assert_eq!(evicted, [false, false, true]);

        let stream = answering.clone();
        drop(answering);
        let _others = (places[1].busy(), fourth.busy());
        assert_eq!(usage.connections.get(), 4, "until they notice");
        let next = timeout(Duration::from_secs(60), connections.room()).await;
        assert!(next.is_err(), "the evicted one is still open");
        drop(places.remove(2));
        assert!(
            admit(&connections).await.is_none(),
            "all are being answered"
        );
        drop(stream);
        assert!(admit(&connections).await.is_some());
        assert!(is_evicted(&places[0]));
        assert_eq!(usage.dropped.get(), 3);
        drop(places);
        assert_eq!(usage.connections.get(), 1);
    }
}
