use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::metrics::Usage;

/// The connections that are open, so that those that say nothing cannot keep others out: when there
/// are as many as there may be, the one that has been quiet for longest makes room.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    usage: Usage,
    open: Mutex<Open>,
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
        Arc::new(Self {
            most: most.max(1),
            usage,
            open: Mutex::default(),
        })
    }

    /// A place for a new connection; `None` if all others are being answered.
    pub(super) fn admit(self: &Arc<Self>) -> Option<Place> {
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

    use super::*;

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
            places.push(connections.admit().unwrap());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let answering = places[0].busy();
        // The third is quiet for longer than the second, which was asked something meanwhile.
        drop(places[1].busy());
        let fourth = connections.admit().unwrap();
        let evicted: Vec<bool> = places.iter().map(is_evicted).collect();
        assert_eq!(evicted, [false, false, true]);

        let stream = answering.clone();
        drop(answering);
        let _others = (places[1].busy(), fourth.busy());
        assert!(connections.admit().is_none(), "all are being answered");
        drop(stream);
        assert!(connections.admit().is_some());
        assert!(is_evicted(&places[0]));
        assert_eq!(usage.dropped.get(), 3);
        assert_eq!(usage.connections.get(), 4, "until they notice");
        drop(places);
        assert_eq!(usage.connections.get(), 1);
    }
}
