use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::{Serialize, Serializer, ser::SerializeStruct};
use thiserror::Error;
use tokio::sync::broadcast;

use super::tenure::Tenure;
use crate::{Epoch, NodeId, Role, View};

/// What a node knows of the election: for routing and for display, never for writing. Whoever
/// writes asks its [`Leadership`](super::Leadership).
///
/// It can be serialized, for a status page of the application's own: with what is so at that
/// moment, and without `since`, which has no meaning outside the process. `lease_remaining_ms` is
/// rounded down; it is `null` without a leadership, or without a lease.
///
/// ```
/// use elector_core::actor::NodeHandle;
///
/// fn page(node: &NodeHandle) -> serde_json::Result<String> {
///     // {"role":"follower","leader":2,"epoch":7,"holds_leadership":false,
///     //  "lease_remaining_ms":null,"work":{"failures":0,"failure":null,"withdrawn":false}}
///     serde_json::to_string(&node.status())
/// }
/// ```
#[derive(Clone)]
pub struct Status {
    /// What the node takes itself to be.
    pub role: Role,
    /// Who leads, as far as it knows.
    pub leader: Option<NodeId>,
    /// The newest epoch it takes part in.
    pub epoch: Epoch,
    /// Since when all this has been so.
    pub since: Instant,
    /// How the work given to [`Elector::lead`](super::Elector::lead) fares on this node.
    pub work: WorkStatus,
    pub(super) tenure: Option<Arc<Tenure>>,
}

/// How the work of the leader fares on one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WorkStatus {
    /// How often it has failed since the node was started.
    pub failures: u64,
    /// What it said when it failed last; `None` if the work that began after that has ended
    /// without a failure.
    pub failure: Option<Arc<str>>,
    /// Whether the node takes no leadership any more, because the work failed too often in a row:
    /// see [`AfterRetries::Withdraw`](super::AfterRetries::Withdraw).
    #[serde(rename = "withdrawn")]
    pub is_withdrawn: bool,
}

impl Status {
    pub(super) fn of(view: View, tenure: Option<Arc<Tenure>>) -> Self {
        Self {
            role: view.role,
            leader: view.leader,
            epoch: view.epoch,
            since: Instant::now(),
            work: WorkStatus::default(),
            tenure,
        }
    }

    /// Shows another view of the algorithm.
    pub(super) fn show(&mut self, view: View, tenure: Option<Arc<Tenure>>) {
        *self = Self {
            work: std::mem::take(&mut self.work),
            ..Self::of(view, tenure)
        };
    }

    /// How long this node may still act as the leader if it hears nothing more, as of this call;
    /// `None` if it holds no leadership, or one without a lease, as under
    /// [`BestEffort`](crate::BestEffort).
    #[must_use]
    pub fn lease_remaining(&self) -> Option<Duration> {
        self.tenure.as_ref().and_then(|tenure| tenure.remaining())
    }

    /// Whether the node holds a leadership now: it leads, and its lease, if it has one, runs.
    #[must_use]
    pub fn holds_leadership(&self) -> bool {
        self.tenure.as_ref().is_some_and(|tenure| tenure.holds())
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // First: a lease that ends in between is then none that is held, rather than a leadership
        // without a lease.
        let lease = self.lease_remaining();
        let holds = self.holds_leadership();
        let lease = lease.filter(|_| holds);
        let lease_ms = lease.map(|lease| u64::try_from(lease.as_millis()).unwrap_or(u64::MAX));
        let mut status = to.serialize_struct("Status", 6)?;
        status.serialize_field("role", &self.role)?;
        status.serialize_field("leader", &self.leader)?;
        status.serialize_field("epoch", &self.epoch)?;
        status.serialize_field("holds_leadership", &holds)?;
        status.serialize_field("lease_remaining_ms", &lease_ms)?;
        status.serialize_field("work", &self.work)?;
        status.end()
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status")
            .field("role", &self.role)
            .field("leader", &self.leader)
            .field("epoch", &self.epoch)
            .field("lease_remaining", &self.lease_remaining())
            .finish_non_exhaustive()
    }
}

/// Something that happened to a node, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Counts the events of this node from 1, without gaps.
    pub number: u64,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// Its role, leader or epoch changed.
    Viewed(View),
    /// A leadership of this epoch can be had: the node leads and, under
    /// [`Quorum`](crate::Quorum), holds a lease.
    Granted(Epoch),
    /// It is over: deposed, given back, or its lease ran out.
    Lost(Epoch),
}

/// Reads the events of a node, from the moment of its making.
#[derive(Debug)]
pub struct Events(broadcast::Receiver<Event>);

/// Why there is no next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EventsError {
    /// The reader was too slow, and this many events were overwritten. The next call gives the
    /// oldest one that is still there; the status tells where things stand.
    #[error("{missed} events were missed: read the status, then go on")]
    Lagged {
        /// How many.
        missed: u64,
    },
    /// The node has stopped.
    #[error("the node has stopped")]
    Ended,
}

impl Events {
    /// Waits for the next event. Safe to cancel.
    ///
    /// # Errors
    /// If some were missed, or if there will be none any more.
    pub async fn next(&mut self) -> Result<Event, EventsError> {
        self.0.recv().await.map_err(|error| match error {
            broadcast::error::RecvError::Lagged(missed) => EventsError::Lagged { missed },
            broadcast::error::RecvError::Closed => EventsError::Ended,
        })
    }
}

/// The events of one node. The channel is made for the first reader: a process may host ten
/// thousand nodes that nobody listens to.
#[derive(Debug)]
pub(super) struct News {
    capacity: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    number: u64,
    readers: Option<broadcast::Sender<Event>>,
    ended: bool,
}

impl News {
    pub(super) fn new(capacity: usize) -> Self {
        let inner = Inner {
            number: 0,
            readers: None,
            ended: false,
        };
        Self {
            capacity: capacity.max(1),
            inner: Mutex::new(inner),
        }
    }

    pub(super) fn tell(&self, kind: EventKind) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.number += 1;
        let number = inner.number;
        if let Some(readers) = &inner.readers {
            // An error says that nobody reads any more.
            let _ = readers.send(Event { number, kind });
        }
    }

    pub(super) fn subscribe(&self) -> Events {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.ended {
            return Events(broadcast::channel(1).1);
        }
        let capacity = self.capacity;
        let readers = inner
            .readers
            .get_or_insert_with(|| broadcast::channel(capacity).0);
        Events(readers.subscribe())
    }

    pub(super) fn end(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.ended = true;
        inner.readers = None;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // Dashboards read the keys of `/v1/status`. An application that serves them must use the same.
    #[test]
    fn a_status_has_the_keys_of_the_http_service() {
        let view = View::following(Epoch(7), Some(NodeId(2)));
        let status = Status::of(view, None);
        let expected = json!({
            "role": "follower", "leader": 2, "epoch": 7, "holds_leadership": false,
            "lease_remaining_ms": null,
            "work": { "failures": 0, "failure": null, "withdrawn": false },
        });
        assert_eq!(serde_json::to_value(&status).unwrap(), expected);
    }
}
