use std::time::{Duration, SystemTime};

use elector_core::{Epoch, FencingToken, GuaranteeKind, NodeId, Role, actor};
use serde::{Deserialize, Serialize};

/// The leader, as reported by `/`, `/leader` and `/follower`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeaderReport {
    /// The name of the node that holds the leadership, as far as this node knows. The name is empty
    /// if there is no leader. The name is also empty if this node sees itself as the leader but
    /// holds no leadership now. So an application that finds its own name here may act.
    pub name: String,
    /// The time of the last change of role, leader, epoch or leadership, by the wall clock of this
    /// node: RFC 3339, UTC.
    pub last_update: String,
    /// The node that made this report.
    pub node: NodeId,
    /// The leader, as far as this node knows. This can be this node itself, even if it holds no
    /// leadership.
    pub leader: Option<NodeId>,
    /// The address at which peers reach the leader, if this node knows it.
    pub address: Option<String>,
    /// The role of this node.
    pub role: Role,
    /// The newest epoch that this node takes part in.
    pub epoch: Epoch,
    /// Whether this node holds a leadership now: it leads, and its lease, if any, has not ended.
    pub holds_leadership: bool,
    /// The fencing token of the leadership that this node holds now; `null` without a lease.
    #[serde(default)]
    pub fencing_token: Option<FencingToken>,
    /// The fencing token as text, because JavaScript and other readers of JSON round numbers above
    /// 2^53.
    #[serde(default)]
    pub fencing_token_text: Option<String>,
    /// The name of the cluster.
    pub cluster: String,
    /// The name of the algorithm.
    pub algorithm: String,
    /// The guarantee of the algorithm.
    pub guarantee: GuaranteeKind,
}

/// The full status of a node: `/v1/status`. New versions may add keys. They do not remove keys, and
/// they do not change the meaning of keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StatusReport {
    /// The node that made this report.
    pub node: NodeId,
    /// The name of the node.
    pub name: String,
    /// The name of the cluster.
    pub cluster: String,
    /// The name of the algorithm.
    pub algorithm: String,
    /// The guarantee of the algorithm.
    pub guarantee: GuaranteeKind,
    /// The version of elector.
    pub version: String,
    /// Identifies this life of the node, which is the run of its process: a random number of the
    /// service. The ids of events begin with this number.
    pub instance: String,
    /// The time since the HTTP service of the node was created, in milliseconds.
    pub uptime_ms: u64,
    /// The reason why the node has stopped; `null` while it runs.
    pub stopped: Option<String>,
    /// The role of the node.
    pub role: Role,
    /// The leader, as far as the node knows.
    pub leader: Option<NodeId>,
    /// The name of the leader.
    pub leader_name: Option<String>,
    /// Whether the node votes. An observer does not.
    #[serde(default = "yes")]
    pub votes: bool,
    /// The newest epoch that the node takes part in.
    pub epoch: Epoch,
    /// Whether the node holds a leadership now: it leads, and its lease, if any, has not ended.
    pub holds_leadership: bool,
    /// The remaining time of the lease in milliseconds, rounded down. The node may act as the
    /// leader for this long if it receives nothing more. `null` without a leadership or without a
    /// lease.
    pub lease_remaining_ms: Option<u64>,
    /// The fencing token of the leadership that the node holds now; `null` without a lease.
    #[serde(default)]
    pub fencing_token: Option<FencingToken>,
    /// The fencing token as text, because JavaScript and other readers of JSON round numbers above
    /// 2^53.
    #[serde(default)]
    pub fencing_token_text: Option<String>,
    /// The time of the last change of role, leader, epoch or leadership, by the node's wall clock:
    /// RFC 3339, UTC.
    pub since: String,
    /// The voters of the cluster, in ascending order. If the members are fixed, these are all
    /// nodes.
    pub members: Vec<NodeId>,
    /// The connections to the peers; `null` if the service has no information about the
    /// connections.
    pub peers: Option<Vec<PeerStatus>>,
    /// The work of the leader on this node.
    #[serde(default)]
    pub work: WorkReport,
    /// The numbers of messages and inputs of the node since its start.
    pub traffic: TrafficReport,
}

/// Returns the default of `votes`: the reports of earlier releases do not have this key, and their
/// nodes always vote.
fn yes() -> bool {
    true
}

/// The status of the leader's work on a node: a [`WorkStatus`](actor::WorkStatus) for JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WorkReport {
    /// How often the work of the leader has failed on this node since the start of the node.
    pub failures: u64,
    /// The error of the last failure; `null` if the work has not failed, or has ended without a
    /// failure after that.
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

/// The state of the connections with a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PeerStatus {
    /// The id of the peer.
    pub id: NodeId,
    /// The address at which the node that made this report dials the peer, if it is known.
    pub address: Option<String>,
    /// Whether messages can be exchanged with the peer now.
    pub connected: bool,
    /// The round-trip time in microseconds. [`Options::monitor`](super::Options::monitor) reports
    /// the smoothed time.
    pub rtt_us: Option<u64>,
    /// The reason why messages cannot be exchanged with the peer; `null` if they can. If one side
    /// rejects the other, the text says which one.
    pub problem: Option<String>,
    /// The time since the last sign of life of the peer, such as a message, in milliseconds; `null`
    /// if there was none.
    #[serde(default)]
    pub silent_ms: Option<u64>,
}

impl PeerStatus {
    /// Creates the status of a peer that is not connected.
    #[must_use]
    pub fn new(id: NodeId) -> Self {
        Self {
            id,
            address: None,
            connected: false,
            rtt_us: None,
            problem: None,
            silent_ms: None,
        }
    }
}

/// The numbers of messages and inputs of a node: a [`Traffic`](actor::Traffic) for JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrafficReport {
    /// The number of inputs that the algorithm has handled: messages, timers, evidence of failures,
    /// and commands.
    pub handled: u64,
    /// The number of messages that the transport has accepted from the node.
    pub sent: u64,
    /// The number of messages of the node that were dropped before they left the node, for example
    /// because there was no connection to the receiver.
    pub undelivered: u64,
    /// The number of received messages that the node rejected, because too many messages were
    /// waiting, or because a disk that hangs had too many saves to complete.
    pub refused: u64,
    /// The number of received messages that the node dropped, because they name an epoch that no
    /// cluster reaches.
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

/// An event of a node: the data of one event of `/v1/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
#[non_exhaustive]
pub enum EventReport {
    /// The status when the reader connects. Later changes follow as events.
    Status(Box<StatusReport>),
    /// The role of the node changed, or the leader or the epoch that the node knows.
    Viewed {
        /// The number of the event. The node counts its events from 1.
        number: u64,
        /// The time by the node's wall clock: RFC 3339, UTC.
        at: String,
        /// The node that reports the event.
        node: NodeId,
        /// The role of the node.
        role: Role,
        /// The leader, as far as the node knows.
        leader: Option<NodeId>,
        /// The newest epoch that the node takes part in.
        epoch: Epoch,
    },
    /// The node was granted a leadership.
    Granted {
        /// The number of the event. The node counts its events from 1.
        number: u64,
        /// The time by the node's wall clock: RFC 3339, UTC.
        at: String,
        /// The node that reports the event.
        node: NodeId,
        /// The epoch of the leadership.
        epoch: Epoch,
    },
    /// The node lost its leadership.
    Lost {
        /// The number of the event. The node counts its events from 1.
        number: u64,
        /// The time by the node's wall clock: RFC 3339, UTC.
        at: String,
        /// The node that reports the event.
        node: NodeId,
        /// The epoch of the leadership.
        epoch: Epoch,
    },
    /// The members changed, or a change of the members began. `GET /v1/members` describes it.
    Members {
        /// The number of the event. The node counts its events from 1.
        number: u64,
        /// The time by the node's wall clock: RFC 3339, UTC.
        at: String,
        /// The node that reports the event.
        node: NodeId,
        /// The name of the list of members: `EPOCH.VERSION`.
        roster: String,
    },
    /// The reader has missed events, because they were overwritten in the log, or because the
    /// service did not receive them.
    Lagged {
        /// The number of missed events.
        missed: u64,
    },
    /// The id of the reader's last event belongs to another life (process) of the node, or is not
    /// valid. All events of the present life that are in the log follow.
    Restarted {
        /// The [`instance`](StatusReport::instance) of the present life (process) of the node.
        instance: String,
    },
    /// The node has stopped. No event follows.
    Stopped {
        /// The reason why the node has stopped.
        reason: String,
    },
    /// An event of a newer version of elector, which this version does not know.
    #[serde(other)]
    Unknown,
}

impl EventReport {
    /// Returns the name of the event, as in the stream's field `event:`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Viewed { .. } => "viewed",
            Self::Granted { .. } => "granted",
            Self::Lost { .. } => "lost",
            Self::Members { .. } => "members",
            Self::Lagged { .. } => "lagged",
            Self::Restarted { .. } => "restarted",
            Self::Stopped { .. } => "stopped",
            Self::Unknown => "unknown",
        }
    }
}

/// Formats a time of the wall clock for JSON. RFC 3339 cannot represent some times of a clock that
/// is far off. Such a time becomes the nearest time that RFC 3339 can represent.
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

    // The clock of a machine may never have been set. A time that RFC 3339 cannot represent must
    // not make a request panic.
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

    // A client must be able to read the events of a later version. The names in the JSON must match
    // the names in the stream.
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
