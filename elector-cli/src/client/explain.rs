//! Explains in words why there is a leader or not.

use elector_core::{GuaranteeKind, NodeId, Role};
use elector_net::http::{MembersStatus, PeerStatus, StatusReport};

use super::members;

/// The answers of the node at one address.
#[derive(Debug)]
pub(super) struct Answer {
    /// The address that was queried.
    pub(super) address: String,
    /// The status of the node, or why it could not be queried.
    pub(super) status: Result<StatusReport, String>,
    /// The members of the cluster of the node. `None` if they are fixed, or if the node did not
    /// answer this query.
    pub(super) members: Option<MembersStatus>,
}

/// Returns the explanation: first the conclusion from all answers, then the details of each node.
pub(super) fn explain(answers: &[Answer]) -> String {
    let reports: Vec<&StatusReport> = answers
        .iter()
        .filter_map(|answer| answer.status.as_ref().ok())
        .collect();
    let mut text = conclusion(&reports);
    for Answer {
        address,
        status,
        members,
    } in answers
    {
        text.push('\n');
        match status {
            Ok(report) => {
                explain_node(&mut text, report, address);
                explain_change(&mut text, members.as_ref());
            }
            Err(error) => text += &format!("The node at {address} could not be queried: {error}\n"),
        }
    }
    text
}

/// Returns the conclusion that follows from all reports together.
fn conclusion(reports: &[&StatusReport]) -> String {
    let holders: Vec<&&StatusReport> = reports.iter().filter(|r| r.holds_leadership).collect();
    let followers = reports.iter().filter(|r| r.role == Role::Follower);
    let newest = followers
        .filter(|r| r.stopped.is_none())
        .max_by_key(|r| (r.epoch, r.leader));
    match (&holders[..], newest.and_then(|r| Some((r, r.leader?)))) {
        ([], Some((report, leader))) => format!(
            "Node {} knows a leader: {}, in epoch {}.\n",
            report.node,
            leader_of(report, leader),
            report.epoch
        ),
        ([], None) if reports.is_empty() => {
            "It is unknown whether there is a leader: no node could be queried.\n".to_owned()
        }
        ([], None) => format!("No leader is known: {}.\n", why(reports)),
        ([one], _) => format!("There is a leader: {}, in epoch {}.\n", own(one), one.epoch),
        (several, _) => {
            let names: Vec<String> = several.iter().map(|report| own(report)).collect();
            let reason = match several[0].guarantee {
                GuaranteeKind::BestEffort => {
                    "this algorithm ensures one leader only while all nodes reach each other"
                }
                GuaranteeKind::Quorum => {
                    "the leadership changed between the queries: run this command again"
                }
            };
            format!("{} lead: {reason}.\n", names.join(" and "))
        }
    }
}

/// Returns the reason why none of these nodes knows a leader.
fn why(reports: &[&StatusReport]) -> &'static str {
    let mut running = reports.iter().filter(|r| r.stopped.is_none()).peekable();
    if running.peek().is_none() {
        return "all nodes that were queried have stopped";
    }
    if running
        .clone()
        .all(|report| Reach::of(report).lacks_majority(report))
    {
        return "no node that was queried reaches a majority of the nodes";
    }
    if running.any(|report| report.role == Role::Leader) {
        return "a node acts as leader, but does not hold the leadership now";
    }
    "an election is in progress"
}

/// The peers that a queried node reaches, and those that it does not reach.
struct Reach<'a> {
    reached: Vec<&'a PeerStatus>,
    missing: Vec<&'a PeerStatus>,
    /// The number of members that the queried node reaches, including itself.
    count: usize,
    majority: usize,
    has_majority: bool,
}

impl<'a> Reach<'a> {
    fn of(report: &'a StatusReport) -> Self {
        let peers = report.peers.iter().flatten();
        let peers = peers.filter(|peer| report.members.contains(&peer.id));
        // A peer whose process hangs is still connected, but the node reports a problem of that
        // peer. Such a peer counts as not reached.
        let (reached, missing): (Vec<_>, Vec<_>) =
            peers.partition(|peer| peer.connected && peer.problem.is_none());
        let count = reached.len() + 1;
        let majority = report.members.len() / 2 + 1;
        Self {
            reached,
            missing,
            count,
            majority,
            has_majority: count >= majority,
        }
    }

    /// Returns `true` if the node needs a majority and does not reach it. Returns `false` if the
    /// node does not report its connections.
    fn lacks_majority(&self, report: &StatusReport) -> bool {
        let is_needed = report.guarantee == GuaranteeKind::Quorum;
        is_needed && report.peers.is_some() && !self.has_majority
    }
}

/// Adds the details of one node to the text.
fn explain_node(text: &mut String, report: &StatusReport, address: &str) {
    let node = named(report.node, &report.name);
    let cluster = &report.cluster;
    *text += &format!("Node {node} of the cluster {cluster}, at {address}:\n");
    if let Some(reason) = &report.stopped {
        point(text, &format!("It has stopped: {reason}."));
        point(text, "It takes part in no election until it is restarted.");
        return;
    }
    point(text, &state(report));
    let reach = Reach::of(report);
    if report.peers.is_none() {
        point(text, "It does not report its connections.");
    }
    for peer in &reach.reached {
        let rtt = peer.rtt_us.map_or_else(String::new, |rtt_us| {
            format!(", with a round trip of {:.2} ms", rtt_us as f64 / 1e3)
        });
        point(text, &format!("It reaches node {}{rtt}.", peer.id));
    }
    for peer in &reach.missing {
        point(text, &missing_peer(peer));
    }
    if !report.votes {
        point(text, &observer(report));
        return;
    }
    if report.peers.is_some() {
        point(text, &majority(report, &reach));
    }
    point(text, &waits_for(report, &reach));
}

/// Adds what a change of the members waits for, if a change is in progress.
fn explain_change(text: &mut String, members: Option<&MembersStatus>) {
    let Some((present, goal)) = members.and_then(|present| Some((present, present.goal.as_ref()?)))
    else {
        return;
    };
    let goal: Vec<String> = goal.iter().map(NodeId::to_string).collect();
    let (goal, waits) = (goal.join(", "), members::waits(present));
    point(text, &format!("The members change, to {goal}; {waits}."));
}

/// Returns a sentence about a node that does not vote.
fn observer(report: &StatusReport) -> String {
    let node = report.node;
    format!(
        "It is an observer: it does not vote. `elector members add {node}` at the leader lets it \
         vote, or `elector members readmit {node}` if it has come back with an empty disk."
    )
}

/// Returns a sentence about the role and the lease of the node.
fn state(report: &StatusReport) -> String {
    let epoch = report.epoch;
    match (report.role, report.leader) {
        (Role::Leader, _) if report.holds_leadership => match report.lease_remaining_ms {
            Some(left) => format!(
                "It leads in epoch {epoch}. Its lease ends in {left} ms, unless it is prolonged by \
                 answers of a majority."
            ),
            None => format!(
                "It leads in epoch {epoch}, without a lease: under {} another node may lead at \
                 the same time.",
                report.algorithm
            ),
        },
        (Role::Leader, _) => format!(
            "It acts as leader of epoch {epoch}, but does not hold the leadership: its lease has \
             ended, or a majority has not confirmed it yet."
        ),
        (_, Some(leader)) => format!(
            "It follows {} in epoch {epoch}. {}",
            leader_of(report, leader),
            match report.guarantee {
                GuaranteeKind::Quorum => "Only the leader knows when the lease ends.",
                GuaranteeKind::BestEffort => "There is no lease under this algorithm.",
            }
        ),
        (Role::PreCandidate, None) => format!(
            "It knows no leader, and is a pre-candidate in epoch {epoch}, since {}: it asks \
             whether it could win an election, before it starts one.",
            report.since
        ),
        (Role::Candidate, None) => format!(
            "It knows no leader, and is a candidate in epoch {epoch}, since {}.",
            report.since
        ),
        (Role::Follower, None) => {
            format!(
                "It knows no leader in epoch {epoch}, since {}.",
                report.since
            )
        }
    }
}

/// Returns a sentence about a peer that the node does not reach, with the reason.
fn missing_peer(peer: &PeerStatus) -> String {
    let address = match &peer.address {
        Some(address) => format!(" ({address})"),
        None => String::new(),
    };
    let last = match peer.silent_ms {
        Some(ms) => format!("last message {:.1} s ago", ms as f64 / 1e3),
        None => "no message yet".to_owned(),
    };
    let reason = peer.problem.as_deref().unwrap_or("the reason is unknown");
    let is = if peer.connected { "is" } else { "is not" };
    format!(
        "It {is} connected to node {}{address}, {last}: {reason}.",
        peer.id
    )
}

fn majority(report: &StatusReport, reach: &Reach<'_>) -> String {
    let (count, all, majority) = (reach.count, report.members.len(), reach.majority);
    match (report.guarantee, reach.has_majority) {
        (GuaranteeKind::BestEffort, _) => format!(
            "It reaches {count} of {all} nodes, including itself. {} needs no majority: each group \
             of nodes that reach each other has its own leader.",
            report.algorithm
        ),
        (GuaranteeKind::Quorum, true) => format!(
            "It reaches {count} of {all} nodes, including itself. A majority is {majority} nodes, \
             so it can be elected."
        ),
        (GuaranteeKind::Quorum, false) => format!(
            "It reaches {count} of {all} nodes, including itself. A majority is {majority} nodes: \
             without it, no leader can be elected, and no leader can prolong its lease."
        ),
    }
}

fn waits_for(report: &StatusReport, reach: &Reach<'_>) -> String {
    if reach.lacks_majority(report) {
        let more = reach.majority - reach.count;
        let nodes: Vec<String> = reach.missing.iter().map(|p| p.id.to_string()).collect();
        return format!(
            "It waits until it reaches {more} more of these nodes: {}.",
            nodes.join(", ")
        );
    }
    let text = match (report.role, report.leader) {
        (Role::Leader, _) if report.holds_leadership => "It waits for nothing.",
        (Role::Leader, _) => "It waits for the answers of a majority, or for a newer leader.",
        (_, Some(leader)) if reach.missing.iter().any(|peer| peer.id == leader) => {
            "It waits until its leader has been silent for longer than a lease. Then it starts an \
             election, unless it receives a message from the leader."
        }
        (_, Some(_)) => "It waits for nothing. It starts an election if its leader becomes silent.",
        (Role::PreCandidate, None) => {
            "It waits until a majority answers that it could win. If this takes longer than some \
             seconds, the other nodes receive messages from a leader, or their answers are late: \
             query them as well."
        }
        (Role::Candidate, None) => "It waits for the answers of the other nodes in its election.",
        (Role::Follower, None) => {
            "It waits for the end of another node's election, or of its own election timeout. If \
             this takes longer than some seconds, query the other nodes as well."
        }
    };
    text.to_owned()
}

fn own(report: &StatusReport) -> String {
    format!("node {}", named(report.node, &report.name))
}

fn leader_of(report: &StatusReport, leader: NodeId) -> String {
    let name = report.leader_name.as_deref().unwrap_or_default();
    format!("node {}", named(leader, name))
}

/// Returns the id of a node, followed by the name of the node if the name differs from the id.
pub(super) fn named(id: NodeId, name: &str) -> String {
    let id = id.to_string();
    if name.is_empty() || name == id {
        return id;
    }
    format!("{id} ({name})")
}

/// Adds a sentence to the text, as a list item.
fn point(text: &mut String, sentence: &str) {
    *text += &format!("- {sentence}\n");
}

#[cfg(test)]
mod tests;
