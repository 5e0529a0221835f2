use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::{Serialize, Serializer, ser::SerializeStruct};
use thiserror::Error;
use tokio::sync::broadcast;

use super::leadership_state::LeadershipState;
use crate::{Epoch, FencingToken, NodeId, Role, RosterId, View, debug_as_text};

/// What a node knows of the election. Use a status to route requests and to display the state. Code
/// that writes as the leader must check its [`Leadership`](super::Leadership) instead.
///
/// A status can be serialized for a status page of the application. The serialized status shows the
/// state at the time of serialization. It leaves out `since`, which has no meaning outside of the
/// process. `lease_remaining_ms` is rounded down. It is `null` if the node holds no leadership, or
/// a leadership without a lease. The [fencing token](Self::fencing_token) is there twice, as a
/// number and as text, because JavaScript and other readers of JSON round numbers above 2^53.
///
/// ```
/// use elector_core::actor::NodeHandle;
///
/// fn page(node: &NodeHandle) -> serde_json::Result<String> {
///     // {"role":"follower","leader":2,"epoch":7,"holds_leadership":false,
///     //  "lease_remaining_ms":null,"fencing_token":null,"fencing_token_text":null,
///     //  "work":{"failures":0,"failure":null,"withdrawn":false}}
///     serde_json::to_string(&node.status())
/// }
/// ```
#[derive(Clone)]
pub struct Status {
    /// The role of the node.
    pub role: Role,
    /// The leader, as far as the node knows.
    pub leader: Option<NodeId>,
    /// The newest epoch in which the node takes part.
    pub epoch: Epoch,
    /// The time of the last change of role, leader or epoch.
    pub since: Instant,
    /// The status of the work of [`Elector::lead`](super::Elector::lead) on this node.
    pub work: WorkStatus,
    pub(super) leadership: Option<Arc<LeadershipState>>,
}

/// The status of the work of the leader on one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WorkStatus {
    /// How often the work has failed since the node was started.
    pub failures: u64,
    /// The error of the last failure; `None` once later work has ended without a failure.
    pub failure: Option<Arc<str>>,
    /// `true` if the node takes no leadership any more, because the work failed too often in a row:
    /// see [`AfterRetries::Withdraw`](super::AfterRetries::Withdraw).
    #[serde(rename = "withdrawn")]
    pub is_withdrawn: bool,
}

impl Status {
    pub(super) fn of(view: View, leadership: Option<Arc<LeadershipState>>) -> Self {
        Self {
            role: view.role,
            leader: view.leader,
            epoch: view.epoch,
            since: Instant::now(),
            work: WorkStatus::default(),
            leadership,
        }
    }

    /// Replaces the view of the algorithm and the leadership. The status of the work stays.
    pub(super) fn set_view(&mut self, view: View, leadership: Option<Arc<LeadershipState>>) {
        *self = Self {
            work: std::mem::take(&mut self.work),
            ..Self::of(view, leadership)
        };
    }

    /// Returns how long this node may still act as the leader, counted from this call, if it
    /// receives no further acknowledgements of its heartbeats. Returns `None` if it holds no
    /// leadership, or a leadership without a lease, for example under
    /// [`BestEffort`](crate::BestEffort).
    #[must_use]
    pub fn lease_remaining(&self) -> Option<Duration> {
        self.leadership.as_ref().and_then(|it| it.remaining())
    }

    /// Returns `true` if the node holds a leadership now: it leads, and its lease, if it has one,
    /// has not expired.
    #[must_use]
    pub fn holds_leadership(&self) -> bool {
        self.leadership.as_ref().is_some_and(|it| it.holds())
    }

    /// Returns the fencing token of the leadership that this node holds now, for other programs
    /// that read the status of the node and do the writes. Returns `None` if the node holds no
    /// leadership, or a leadership without a lease, for example under
    /// [`BestEffort`](crate::BestEffort). Work of the node itself uses
    /// [`Leadership::token`](super::Leadership::token).
    #[must_use]
    pub fn fencing_token(&self) -> Option<FencingToken> {
        let held = self.leadership.as_ref()?;
        held.remaining()?;
        FencingToken::new(held.epoch(), held.grant())
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // The time that is left of the lease is read before `holds`. If the lease ends between
        // these two reads, the serialized status shows no leadership. In the opposite order, it
        // could show a leadership under `Quorum` without a lease.
        let lease = self.lease_remaining();
        let holds = self.holds_leadership();
        let lease = lease.filter(|_| holds);
        let lease_ms = lease.map(|lease| u64::try_from(lease.as_millis()).unwrap_or(u64::MAX));
        let token = self.fencing_token().filter(|_| holds);
        let mut status = to.serialize_struct("Status", 8)?;
        status.serialize_field("role", &self.role)?;
        status.serialize_field("leader", &self.leader)?;
        status.serialize_field("epoch", &self.epoch)?;
        status.serialize_field("holds_leadership", &holds)?;
        status.serialize_field("lease_remaining_ms", &lease_ms)?;
        status.serialize_field("fencing_token", &token)?;
        status.serialize_field("fencing_token_text", &token.map(|token| token.to_string()))?;
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

/// An event of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The number of the event, from 1, without gaps.
    pub number: u64,
    /// The kind of the event.
    pub kind: EventKind,
}

/// The kinds of events of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// The role, the leader or the epoch changed. This is the new view of the node.
    Viewed(View),
    /// The node granted the leadership of this epoch to its application: the node leads and, under
    /// [`Quorum`](crate::Quorum), holds a lease.
    Granted(Epoch),
    /// The leadership ended: the node was deposed, the leadership was given back, or its lease
    /// expired.
    Lost(Epoch),
    /// The members changed, or a change of the members began. The node has this roster (the list of
    /// the nodes that vote) now. [`NodeHandle::members_report`](super::NodeHandle::members_report)
    /// describes it.
    MembersChanged(RosterId),
}

/// Reads the events of a node that occur after the creation of this reader.
#[derive(Debug)]
pub struct Events(broadcast::Receiver<Event>);

/// Why there is no next event.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EventsError {
    /// The reader was too slow, so the oldest events that it had not read were overwritten. The
    /// next call of [`Events::next`] returns the oldest event that is still there. The
    /// [status](super::NodeHandle::status) shows the current state.
    #[error("{missed} events were missed: read the status, then go on")]
    Lagged {
        /// The number of missed events.
        missed: u64,
    },
    /// The node has stopped.
    #[error("the node has stopped")]
    Ended,
}

debug_as_text!(EventsError);

impl Events {
    /// Waits for the next event. A call that is cancelled loses no event.
    ///
    /// # Errors
    /// If events were missed, or if the node has stopped.
    pub async fn next(&mut self) -> Result<Event, EventsError> {
        self.0.recv().await.map_err(|error| match error {
            broadcast::error::RecvError::Lagged(missed) => EventsError::Lagged { missed },
            broadcast::error::RecvError::Closed => EventsError::Ended,
        })
    }
}

/// The source of the events of one node. It creates the channel for the events when the first
/// reader subscribes: a process may host ten thousand nodes without a reader, and a channel for
/// each would waste memory.
#[derive(Debug)]
pub(super) struct EventSource {
    capacity: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    number: u64,
    readers: Option<broadcast::Sender<Event>>,
    has_ended: bool,
}

impl EventSource {
    pub(super) fn new(capacity: usize) -> Self {
        let inner = Inner {
            number: 0,
            readers: None,
            has_ended: false,
        };
        Self {
            capacity: capacity.max(1),
            inner: Mutex::new(inner),
        }
    }

    pub(super) fn emit(&self, kind: EventKind) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.number += 1;
        let number = inner.number;
        if let Some(readers) = &inner.readers {
            // An error means that there is no reader any more.
            let _ = readers.send(Event { number, kind });
        }
    }

    pub(super) fn subscribe(&self) -> Events {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.has_ended {
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
        inner.has_ended = true;
        inner.readers = None;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // Dashboards read these JSON keys from the path `/v1/status` of the HTTP service of a node. A
    // status page that an application serializes must use the same keys.
    #[test]
    fn a_status_has_the_keys_of_the_http_service() {
        let view = View::following(Epoch(7), Some(NodeId(2)));
        let status = Status::of(view, None);
        let expected = json!({
            "role": "follower", "leader": 2, "epoch": 7, "holds_leadership": false,
            "lease_remaining_ms": null, "fencing_token": null, "fencing_token_text": null,
            "work": { "failures": 0, "failure": null, "withdrawn": false },
        });
        assert_eq!(serde_json::to_value(&status).unwrap(), expected);
    }
}
