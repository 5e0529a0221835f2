use std::collections::BTreeMap;

use elector_core::{MemberRole, MembersReport, NodeId, RosterId, actor};
use serde::{Deserialize, Serialize};

use super::report::millis;

/// The members of a cluster, as one node knows them: `GET /v1/members`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MembersStatus {
    /// The id of the node that answers the request.
    pub node: NodeId,
    /// The leader, as far as the node knows. Only the leader knows when each member last answered
    /// it, and what a change waits for.
    pub leader: Option<NodeId>,
    /// The name of the list of members: `EPOCH.VERSION`.
    pub roster: String,
    /// The nodes that will vote when the change in progress is complete; `null` if no change is in
    /// progress.
    pub goal: Option<Vec<NodeId>>,
    /// What the change in progress waits for, in words.
    pub waits_for: Option<String>,
    /// The members, and on the leader also the observers.
    pub members: Vec<MemberStatus>,
}

/// A node in a [`MembersStatus`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MemberStatus {
    /// The id of the node.
    pub id: NodeId,
    /// What the node does in the cluster: `voter`, `observer`, `joining` or `leaving`.
    pub role: String,
    /// Whether the node never leads.
    #[serde(default)]
    pub witness: bool,
    /// The address at which the node that answers the request dials this member.
    pub address: Option<String>,
    /// The id of the node's disk: 32 hexadecimal digits. `null` if it is unknown.
    pub disk: Option<String>,
    /// The time in milliseconds since this member last answered the leader, or since its last sign
    /// of life on its connections with the node that answers the request. If both times are known,
    /// this is the shorter one. `null` if neither is known.
    pub heard_ms: Option<u64>,
}

impl MemberStatus {
    /// Returns `true` if the node votes now.
    #[must_use]
    pub fn votes(&self) -> bool {
        [MemberRole::Voter, MemberRole::Leaving]
            .iter()
            .any(|role| role.name() == self.role)
    }
}

impl MembersStatus {
    /// Creates the status from the report of a node. `silent_ms` is the time since the last sign of
    /// life of each connected peer.
    pub(super) fn new(
        node: NodeId,
        leader: Option<NodeId>,
        report: &MembersReport,
        address_of: impl Fn(NodeId) -> Option<String>,
        silent_ms: &BTreeMap<NodeId, u64>,
    ) -> Self {
        let now = actor::now();
        let members = report.members.iter().map(|member| {
            let heard = member.heard.map(|at| millis(now.saturating_since(at)));
            // If a voter has come back with another disk, the report has two entries for this node:
            // the voter, and an observer with the other disk. The connection is that of the
            // observer, so its silence says nothing about the voter.
            let rows = report
                .members
                .iter()
                .filter(|other| other.node == member.node);
            let silent = silent_ms
                .get(&member.node)
                .copied()
                .filter(|_| rows.count() == 1);
            MemberStatus {
                id: member.node,
                role: member.role.name().to_owned(),
                witness: member.is_witness,
                address: address_of(member.node),
                disk: member.disk.map(|disk| disk.to_string()),
                heard_ms: match (heard, silent) {
                    (Some(heard), Some(silent)) => Some(heard.min(silent)),
                    (heard, silent) => heard.or(silent),
                },
            }
        });
        Self {
            node,
            leader,
            roster: report.roster.to_string(),
            goal: report.goal.clone(),
            waits_for: report.waits_for.map(|wait| wait.to_string()),
            members: members.collect(),
        }
    }
}

/// A change of the members: the body of `POST /v1/members`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MembersRequest {
    /// All nodes that vote after the change.
    pub goal: Vec<NodeId>,
    /// Nodes of `goal` that have come back with another disk. They become voters again with this
    /// disk.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub readmit: Vec<NodeId>,
    /// The name of the list of members (`EPOCH.VERSION`) to which the change applies. If the leader
    /// has another list now, the leader refuses the change. A change with this name is also allowed
    /// while another change is in progress, and replaces the goal of that change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_roster: Option<String>,
    /// The addresses of nodes that the cluster does not know yet.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub addresses: BTreeMap<NodeId, String>,
}

/// Parses the name of a list of members.
pub(super) fn roster_id(text: &str) -> Result<RosterId, String> {
    text.parse().map_err(|_| {
        format!("{text:?} is no name of a list of members: copy `roster` of GET /v1/members")
    })
}
