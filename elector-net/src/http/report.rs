use std::time::{Duration, SystemTime};

use elector_core::{Epoch, GuaranteeKind, NodeId, Role, actor};
use serde::{Deserialize, Serialize};

/// Who leads, as `/`, `/leader` and `/follower` tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeaderReport {
    /// The name of the node that holds the leadership, as far as this node knows; empty if there is
    /// none, and on a node that takes itself for the leader without holding a leadership now. So an
    /// application that finds its own name here may act.
    pub name: String,
    /// Since when all this has been so, by the wall clock of this node: RFC 3339, UTC.
    pub last_update: String,
    /// The node that tells this.
    pub node: NodeId,
    /// Who leads, as far as this node knows: itself too, if it only believes so.
    pub leader: Option<NodeId>,
    /// Where the leader's node is reached by its peers, if this node knows.
    pub address: Option<String>,
    /// What this node takes itself to be.
    pub role: Role,
    /// The newest epoch it takes part in.
    pub epoch: Epoch,
    /// Whether this node holds a leadership now: it leads, and its lease, if it has one, runs.
    pub holds_leadership: bool,
    /// The cluster's name.
    pub cluster: String,
    /// The algorithm's name.
    pub algorithm: String,
    /// What the algorithm promises.
    pub guarantee: GuaranteeKind,
}

/// All that a node tells of itself: `/v1/status`. Keys are added as the need comes; none is removed
/// or changes its meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StatusReport {
    /// The node that tells this.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// The cluster's name.
    pub cluster: String,
    /// The algorithm's name.
    pub algorithm: String,
    /// What the algorithm promises.
    pub guarantee: GuaranteeKind,
    /// The version of elector.
    pub version: String,
    /// Names this service from its start to its end: the first part of the ids of its events.
    pub instance: String,
    /// How long it has been served, in milliseconds.
    pub uptime_ms: u64,
    /// Why the node does not run any more; `null` while it runs.
    pub stopped: Option<String>,
    /// What the node takes itself to be.
    pub role: Role,
    /// Who leads, as far as it knows.
    pub leader: Option<NodeId>,
    /// The leader's name.
    pub leader_name: Option<String>,
    /// The newest epoch it takes part in.
    pub epoch: Epoch,
    /// Whether it holds a leadership now: it leads, and its lease, if it has one, runs.
    pub holds_leadership: bool,
    /// How long it may still act as the leader if it hears nothing more, in milliseconds, rounded
    /// down; `null` if it holds no leadership, or one without a lease.
    pub lease_remaining_ms: Option<u64>,
    /// Since when role, leader, epoch and leadership have been so, by its wall clock: RFC 3339,
    /// UTC.
    pub since: String,
    /// All nodes of the cluster, in ascending order.
    pub members: Vec<NodeId>,
    /// How its connections are; `null` if nobody told the service.
    pub peers: Option<Vec<PeerStatus>>,
    /// How the work of the leader fares on this node.
    #[serde(default)]
    pub work: WorkReport,
    /// What went through the node so far.
    pub traffic: TrafficReport,
}

/// [`WorkStatus`](actor::WorkStatus), for JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WorkReport {
    /// How often the work has failed since the node was started.
    pub failures: u64,
    /// What it said when it failed last; `null` if the work after that ended without a failure.
    pub failure: Option<String>,
    /// Whether the node takes no leadership any more, because the work failed too often.
    pub withdrawn: bool,
}

impl From<&actor::WorkStatus> for WorkReport {
    fn from(work: &actor::WorkStatus) -> Self {
        Self {
            failures: work.failures,
            failure: work.failure.as_deref().map(Into::into),
            withdrawn: work.is_withdrawn,
        }
    }
}

/// How the connection to a peer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PeerStatus {
    /// Who it is.
    pub id: NodeId,
    /// Where it is reached by its peers.
    pub address: Option<String>,
    /// Whether messages can be exchanged with it now.
    pub connected: bool,
    /// How long an answer takes, in microseconds, as last measured.
    pub rtt_us: Option<u64>,
    /// Why it is not connected, or not the way it should be, in words that say which side rejects
    /// which one.
    pub problem: Option<String>,
    /// How long ago it gave a sign of life, in milliseconds; `null` if it never has.
    #[serde(default)]
    pub silent_ms: Option<u64>,
}

impl PeerStatus {
    /// A peer, and whether it is connected.
    #[must_use]
    pub fn new(id: NodeId, connected: bool) -> Self {
        Self {
            id,
            address: None,
            connected,
            rtt_us: None,
            problem: None,
            silent_ms: None,
        }
    }
}

/// [`Traffic`](actor::Traffic), for JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrafficReport {
    /// Inputs that the algorithm has handled.
    pub handled: u64,
    /// Messages handed to the transport.
    pub sent: u64,
    /// Messages that the transport knows to be lost.
    pub undelivered: u64,
    /// Messages that the node refused, for too many waited.
    pub refused: u64,
    /// Messages that the node dropped for an epoch that cannot be.
    #[serde(default)]
    pub absurd: u64,
}

impl From<actor::Traffic> for TrafficReport {
    fn from(traffic: actor::Traffic) -> Self {
        Self {
            handled: traffic.handled,
            sent: traffic.sent,
            undelivered: traffic.undelivered,
            refused: traffic.refused,
            absurd: traffic.absurd,
        }
    }
}

/// What happened to a node: the data of one event of `/v1/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
#[non_exhaustive]
pub enum EventReport {
    /// Where things stand as the reading begins; news follow.
    Status(Box<StatusReport>),
    /// Role, leader or epoch changed.
    Viewed {
        /// Counts the events of the node from 1.
        number: u64,
        /// When, by its wall clock: RFC 3339, UTC.
        at: String,
        /// Which node.
        node: NodeId,
        /// What it takes itself to be.
        role: Role,
        /// Who leads, as far as it knows.
        leader: Option<NodeId>,
        /// The newest epoch it takes part in.
        epoch: Epoch,
    },
    /// The node holds a leadership.
    Granted {
        /// Counts the events of the node from 1.
        number: u64,
        /// When, by its wall clock: RFC 3339, UTC.
        at: String,
        /// Which node.
        node: NodeId,
        /// Of which epoch.
        epoch: Epoch,
    },
    /// That leadership is over.
    Lost {
        /// Counts the events of the node from 1.
        number: u64,
        /// When, by its wall clock: RFC 3339, UTC.
        at: String,
        /// Which node.
        node: NodeId,
        /// Of which epoch.
        epoch: Epoch,
    },
    /// Events between the last one read and the next were overwritten.
    Lagged {
        /// How many.
        missed: u64,
    },
    /// What was read last came from an earlier run of the node, or of nothing this one knows; all
    /// that is kept of this run follows.
    Restarted {
        /// The run that tells this.
        instance: String,
    },
    /// The node has stopped; nothing follows.
    Stopped {
        /// Why.
        reason: String,
    },
    /// Something that a newer version tells.
    #[serde(other)]
    Unknown,
}

impl EventReport {
    /// Its name, as the stream has it in `event:`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Viewed { .. } => "viewed",
            Self::Granted { .. } => "granted",
            Self::Lost { .. } => "lost",
            Self::Lagged { .. } => "lagged",
            Self::Restarted { .. } => "restarted",
            Self::Stopped { .. } => "stopped",
            Self::Unknown => "unknown",
        }
    }
}

/// A time of the wall clock for JSON. One that RFC 3339 cannot write, for the clock is far off, is
/// moved to the nearest that it can.
pub(super) fn rfc3339(time: SystemTime) -> String {
    const LAST_SECOND: Duration = Duration::from_secs(253_402_300_799);
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or_default().min(LAST_SECOND);
    humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + since).to_string()
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    // A clock that was never set must not end a request in a panic.
    #[test]
    fn times_out_of_range_are_moved_into_it() {
        let epoch = SystemTime::UNIX_EPOCH;
        let second = Duration::from_secs(1);
        assert_eq!(rfc3339(epoch - second), "1970-01-01T00:00:00.000Z");
        let far = epoch + Duration::from_secs(300_000_000_000);
        assert_eq!(rfc3339(far), "9999-12-31T23:59:59.000Z");
        let usual = epoch + Duration::from_millis(1_700_000_000_123);
        assert_eq!(rfc3339(usual), "2023-11-14T22:13:20.123Z");
    }

    // A reader must survive the events of a later version, and name them as the stream does.
    #[test]
    fn events_are_tagged_by_name() {
        let lagged = EventReport::Lagged { missed: 3 };
        let text = serde_json::to_string(&lagged).unwrap();
        assert_eq!(text, r#"{"event":"lagged","missed":3}"#);
        assert_eq!(serde_json::from_str::<EventReport>(&text).unwrap(), lagged);
        let newer = r#"{"event":"rehearsed","number":4}"#;
        let read: EventReport = serde_json::from_str(newer).unwrap();
        assert_eq!(read, EventReport::Unknown);
    }
}
