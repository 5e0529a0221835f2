//! Why there is a leader, or none, in words.

use std::fmt::Write as _;

use elector_core::{GuaranteeKind, NodeId, Role};
use elector_net::http::{PeerStatus, StatusReport};

/// What one address has answered.
#[derive(Debug)]
pub(super) struct Asked {
    /// Where it was asked.
    pub(super) address: String,
    /// Its status, or why it could not be asked.
    pub(super) answer: Result<StatusReport, String>,
}

/// The explanation: first what all of them together say, then what each of them says.
pub(super) fn explain(asked: &[Asked]) -> String {
    let reports: Vec<&StatusReport> = asked
        .iter()
        .filter_map(|asked| asked.answer.as_ref().ok())
        .collect();
    let mut text = verdict(&reports);
    for asked in asked {
        text.push('\n');
        match &asked.answer {
            Ok(report) => of_one(&mut text, report, &asked.address),
            Err(error) => line(
                &mut text,
                &format!("The node on {} could not be asked: {error}", asked.address),
            ),
        }
    }
    text
}

/// What is so, as far as these nodes know.
fn verdict(reports: &[&StatusReport]) -> String {
    let mut text = String::new();
    let holders: Vec<&&StatusReport> = reports.iter().filter(|r| r.holds_leadership).collect();
    let followed = reports.iter().filter(|r| r.role == Role::Follower);
    let newest = followed
        .filter(|r| r.stopped.is_none())
        .max_by_key(|r| (r.epoch, r.leader));
    match (&holders[..], newest.and_then(|r| Some((r, r.leader?)))) {
        ([], Some((report, leader))) => line(
            &mut text,
            &format!(
                "There is a leader, as far as node {} knows: {}, in epoch {}.",
                report.node,
                leader_of(report, leader),
                report.epoch
            ),
        ),
        ([], None) if reports.is_empty() => line(
            &mut text,
            "It is not known whether there is a leader: no node could be asked.",
        ),
        ([], None) => line(&mut text, &format!("No leader is known: {}.", why(reports))),
        ([one], _) => line(
            &mut text,
            &format!("There is a leader: {}, in epoch {}.", own(one), one.epoch),
        ),
        (several, _) => {
            let names: Vec<String> = several.iter().map(|report| own(report)).collect();
            let names = names.join(" and ");
            let reason = match several[0].guarantee {
                GuaranteeKind::BestEffort => {
                    "the algorithm promises one leader only while all nodes hear each other"
                }
                GuaranteeKind::Quorum => {
                    "the leadership changed while they were asked one after the other: ask again"
                }
            };
            line(&mut text, &format!("{names} lead: {reason}."));
        }
    }
    text
}

/// Why none of these nodes knows a leader.
fn why(reports: &[&StatusReport]) -> &'static str {
    let mut running = reports.iter().filter(|r| r.stopped.is_none()).peekable();
    if running.peek().is_none() {
        return "the nodes that were asked have stopped";
    }
    if running
        .clone()
        .all(|report| Reach::of(report).is_too_small(report))
    {
        return "no node that was asked reaches a majority of the nodes";
    }
    if running.any(|report| report.role == Role::Leader) {
        return "a node takes itself for the leader, and holds no leadership now";
    }
    "an election has not ended yet"
}

/// Whom a node reaches.
struct Reach<'a> {
    heard: Vec<&'a PeerStatus>,
    missing: Vec<&'a PeerStatus>,
    /// How many nodes it reaches, itself counted.
    count: usize,
    majority: usize,
    suffices: bool,
}

impl<'a> Reach<'a> {
    fn of(report: &'a StatusReport) -> Self {
        let peers = report.peers.iter().flatten();
        let peers = peers.filter(|peer| report.members.contains(&peer.id));
        // One that hangs keeps its connections.
        let (heard, missing): (Vec<_>, Vec<_>) =
            peers.partition(|peer| peer.connected && peer.problem.is_none());
        let count = heard.len() + 1;
        let majority = report.members.len() / 2 + 1;
        Self {
            heard,
            missing,
            count,
            majority,
            suffices: count >= majority,
        }
    }

    /// Whether a majority is needed, and is not reached.
    fn is_too_small(&self, report: &StatusReport) -> bool {
        let is_needed = report.guarantee == GuaranteeKind::Quorum;
        is_needed && report.peers.is_some() && !self.suffices
    }
}

fn of_one(text: &mut String, report: &StatusReport, address: &str) {
    line(
        text,
        &format!(
            "Node {} of the cluster {}, asked on {address}, says:",
            named(report.node, &report.name),
            report.cluster
        ),
    );
    if let Some(reason) = &report.stopped {
        point(text, &format!("It has stopped: {reason}."));
        point(
            text,
            "It takes part in no election before it is started again.",
        );
        return;
    }
    point(text, &state(report));
    let reach = Reach::of(report);
    if report.peers.is_none() {
        point(text, "It does not tell how its connections are.");
    }
    for peer in &reach.heard {
        let time = peer.rtt_us.map_or_else(String::new, |rtt_us| {
            format!(", whose answers take {:.2} ms", rtt_us as f64 / 1e3)
        });
        point(text, &format!("It hears node {}{time}.", peer.id));
    }
    for peer in &reach.missing {
        point(text, &unheard(peer));
    }
    if report.peers.is_some() {
        point(text, &majority(report, &reach));
    }
    point(text, &waits_for(report, &reach));
}

/// What it takes itself to be, and its lease.
fn state(report: &StatusReport) -> String {
    let epoch = report.epoch;
    match (report.role, report.leader) {
        (Role::Leader, _) if report.holds_leadership => match report.lease_remaining_ms {
            Some(left) => format!(
                "It leads in epoch {epoch}. Its lease runs for another {left} ms, and each answer \
                 of a majority prolongs it."
            ),
            None => format!(
                "It leads in epoch {epoch}, without a lease: under {} another node may lead at \
                 the same time.",
                report.algorithm
            ),
        },
        (Role::Leader, _) => format!(
            "It takes itself for the leader of epoch {epoch}, and holds no leadership: its lease \
             has ended, or is not confirmed by a majority yet."
        ),
        (_, Some(leader)) => format!(
            "It follows {} in epoch {epoch}. {}",
            leader_of(report, leader),
            match report.guarantee {
                GuaranteeKind::Quorum => "How long the lease runs, only the leader knows.",
                GuaranteeKind::BestEffort => "There is no lease under this algorithm.",
            }
        ),
        (Role::Candidate, None) => format!(
            "It knows no leader, and campaigns in epoch {epoch}, since {}.",
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

/// A peer that nothing is exchanged with, and why.
fn unheard(peer: &PeerStatus) -> String {
    let address = match &peer.address {
        Some(address) => format!(" ({address})"),
        None => String::new(),
    };
    let last = match peer.silent_ms {
        Some(ms) => format!("last heard {:.1} s ago", ms as f64 / 1e3),
        None => "never heard".to_owned(),
    };
    let reason = peer.problem.as_deref().unwrap_or("the reason is not known");
    let does = if peer.connected {
        "is connected with"
    } else {
        "is not connected with"
    };
    format!("It {does} node {}{address}, {last}: {reason}.", peer.id)
}

fn majority(report: &StatusReport, reach: &Reach<'_>) -> String {
    let (count, all, majority) = (reach.count, report.members.len(), reach.majority);
    match (report.guarantee, reach.suffices) {
        (GuaranteeKind::BestEffort, _) => format!(
            "It reaches {count} of {all} nodes, itself counted. {} needs no majority: each group \
             of nodes that hear each other has a leader of its own.",
            report.algorithm
        ),
        (GuaranteeKind::Quorum, true) => format!(
            "It reaches {count} of {all} nodes, itself counted; {majority} are a majority, so \
             that it could be elected."
        ),
        (GuaranteeKind::Quorum, false) => format!(
            "It reaches {count} of {all} nodes, itself counted; {majority} would be a majority. \
             Without one no leader can be elected, and none can prolong its lease."
        ),
    }
}

fn waits_for(report: &StatusReport, reach: &Reach<'_>) -> String {
    if reach.is_too_small(report) {
        let more = reach.majority - reach.count;
        let nodes: Vec<String> = reach.missing.iter().map(|p| p.id.to_string()).collect();
        return format!(
            "It waits for {more} more of these nodes: {}.",
            nodes.join(", ")
        );
    }
    let text = match (report.role, report.leader) {
        (Role::Leader, _) if report.holds_leadership => "It waits for nothing.",
        (Role::Leader, _) => "It waits for the answers of a majority, or for a newer leader.",
        (_, Some(leader)) if reach.missing.iter().any(|peer| peer.id == leader) => {
            "It waits until the silence of its leader has lasted for longer than a lease, and \
             campaigns then, unless the leader is heard again."
        }
        (_, Some(_)) => "It waits for nothing, and campaigns if its leader falls silent.",
        (Role::Candidate, None) => "It waits for the answers of the others in its election.",
        (Role::Follower, None) => {
            "It waits for the end of an election of another node, or of its own election timeout. \
             If that lasts for longer than some seconds, ask the other nodes, too."
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

/// An id, with its name where that says more.
fn named(id: NodeId, name: &str) -> String {
    let id = id.to_string();
    if name.is_empty() || name == id {
        return id;
    }
    format!("{id} ({name})")
}

fn line(text: &mut String, sentence: &str) {
    let _ = writeln!(text, "{sentence}");
}

fn point(text: &mut String, sentence: &str) {
    line(text, &format!("- {sentence}"));
}

#[cfg(test)]
mod tests;
