use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::metrics::ServiceMetrics;
use crate::link::lock;

/// The open HTTP connections. Idle clients cannot keep other clients out: if the number of
/// connections is at the limit, a new connection evicts the one that has been idle for longest.
#[derive(Debug)]
pub(super) struct Connections {
    limit: usize,
    usage: ServiceMetrics,
    open: Mutex<OpenConnections>,
    /// One permit for each connection, and one more for a new connection that evicts another one.
    sockets: Arc<Semaphore>,
}

/// A permit for one open socket. An evicted connection is not closed immediately, so there can be
/// more sockets than admitted connections. Without permits, these sockets could take the last file
/// descriptors of the process.
#[derive(Debug)]
pub(super) struct SocketPermit {
    _permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    next: u64,
    slots: BTreeMap<u64, ConnectionState>,
}

#[derive(Debug)]
struct ConnectionState {
    /// The number of requests in progress.
    active_requests: usize,
    idle_since: Instant,
    evicted: CancellationToken,
}

impl Connections {
    pub(super) fn new(limit: usize, usage: ServiceMetrics) -> Arc<Self> {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS - 1);
        Arc::new(Self {
            limit,
            usage,
            open: Mutex::default(),
            sockets: Arc::new(Semaphore::new(limit + 1)),
        })
    }

    /// Waits until the limit on open sockets allows another socket.
    pub(super) async fn socket_permit(&self) -> SocketPermit {
        let sockets = Arc::clone(&self.sockets);
        // This call never fails, because the semaphore is never closed.
        let permit = sockets.acquire_owned().await.ok();
        SocketPermit { _permit: permit }
    }

    /// Returns a slot, a place among the limited number of connections, for a new connection. If
    /// all slots are taken, evicts the connection that has been idle for longest. Returns `None` if
    /// all connections have requests in progress.
    pub(super) fn admit(self: &Arc<Self>, permit: SocketPermit) -> Option<ConnectionSlot> {
        let mut open = lock(&self.open);
        if open.slots.len() >= self.limit {
            self.usage.dropped.inc();
            let idle = open
                .slots
                .iter()
                .filter(|(_, state)| state.active_requests == 0);
            let (&longest, _) = idle.min_by_key(|(_, state)| state.idle_since)?;
            if let Some(state) = open.slots.remove(&longest) {
                state.evicted.cancel();
            }
        }
        let number = open.next;
        open.next += 1;
        let evicted = CancellationToken::new();
        let state = ConnectionState {
            active_requests: 0,
            idle_since: Instant::now(),
            evicted: evicted.clone(),
        };
        open.slots.insert(number, state);
        self.usage.connections.inc();
        Some(ConnectionSlot {
            connections: Arc::clone(self),
            number,
            evicted,
            _socket: permit,
        })
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut ConnectionState)) {
        if let Some(state) = lock(&self.open).slots.get_mut(&number) {
            change(state);
        }
    }
}

/// The slot of one connection: its place among the limited number of connections. Dropping this
/// value frees the place.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    connections: Arc<Connections>,
    number: u64,
    evicted: CancellationToken,
    _socket: SocketPermit,
}

impl ConnectionSlot {
    /// Waits until a new connection has taken the place of this connection, because the number of
    /// connections is at its limit. Then this connection must be closed.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// Marks a request as in progress until the returned value is dropped. Meanwhile the connection
    /// cannot be evicted.
    pub(super) fn begin_request(&self) -> ActiveRequest {
        ActiveRequest::begin(&self.connections, self.number)
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        lock(&self.connections.open).slots.remove(&self.number);
        self.connections.usage.connections.dec();
    }
}

/// Marks a request as in progress until this value is dropped.
#[derive(Debug)]
pub(super) struct ActiveRequest {
    connections: Arc<Connections>,
    number: u64,
}

impl ActiveRequest {
    fn begin(connections: &Arc<Connections>, number: u64) -> Self {
        connections.change(number, |state| state.active_requests += 1);
        Self {
            connections: Arc::clone(connections),
            number,
        }
    }
}

impl Clone for ActiveRequest {
    fn clone(&self) -> Self {
        Self::begin(&self.connections, self.number)
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.connections.change(self.number, |state| {
            state.active_requests = state.active_requests.saturating_sub(1);
            state.idle_since = Instant::now();
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn admit(connections: &Arc<Connections>) -> Option<ConnectionSlot> {
        connections.admit(connections.socket_permit().await)
    }

    fn is_evicted(slot: &ConnectionSlot) -> bool {
        slot.evicted.is_cancelled()
    }

    // Idle clients must not keep other clients out, and a flood of connections must not interrupt
    // an answer.
    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_connection_is_evicted_and_active_ones_stay() {
        let usage = ServiceMetrics::default();
        let connections = Connections::new(3, usage.clone());
        let mut slots = Vec::new();
        for _ in 0..3 {
            slots.push(admit(&connections).await.unwrap());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let answering = slots[0].begin_request();
        // The second connection has a request now. So after this request, the third connection has
        // been idle for longer than the second one.
        drop(slots[1].begin_request());
        let fourth = admit(&connections).await.unwrap();
        let evicted: Vec<bool> = slots.iter().map(is_evicted).collect();
        assert_eq!(evicted, [false, false, true]);

        let stream = answering.clone();
        drop(answering);
        let _others = (slots[1].begin_request(), fourth.begin_request());
        assert_eq!(
            usage.connections.get(),
            4,
            "the evicted one is not closed yet"
        );
        let next = timeout(Duration::from_secs(60), connections.socket_permit()).await;
        assert!(next.is_err(), "the evicted one is still open");
        drop(slots.remove(2));
        assert!(
            admit(&connections).await.is_none(),
            "all have requests in progress"
        );
        drop(stream);
        assert!(admit(&connections).await.is_some());
        assert!(is_evicted(&slots[0]));
        assert_eq!(usage.dropped.get(), 3);
        drop(slots);
        assert_eq!(usage.connections.get(), 1);
    }
}
