use std::{fmt::Write as _, process::ExitCode, time::Duration};

use elector_core::Role;
use elector_net::http::{PeerStatus, StatusReport};

use super::{
    FOLLOWER, NO_LEADER, UNKNOWN,
    api::Api,
    args::Status,
    error::ClientError,
    explain::{Answer, explain, named},
    members,
};
use crate::output;

/// Carries out `elector status`.
pub(super) fn status(options: &Status) -> Result<ExitCode, ClientError> {
    if options.explain {
        return explained(&options.http);
    }
    let [address] = &options.http[..] else {
        return Err(ClientError::SeveralNodes);
    };
    let (report, json) = query(address)?;
    let text = if options.json { json } else { page(&report) };
    output::print(&text)?;
    Ok(ExitCode::from(exit_code(&report)))
}

/// Carries out `elector status --explain`.
fn explained(addresses: &[String]) -> Result<ExitCode, ClientError> {
    let answers = addresses.iter().map(|address| Answer {
        address: address.clone(),
        status: query(address)
            .map(|(report, _)| report)
            .map_err(|error| error.to_string()),
        // A node whose members are fixed answers this query with an error, which is ignored here.
        members: members::query(&Api::new(address))
            .ok()
            .map(|(present, _)| present),
    });
    let answers: Vec<Answer> = answers.collect();
    output::print(&explain(&answers))?;
    let reports = answers
        .iter()
        .filter_map(|answer| answer.status.as_ref().ok());
    let code = reports.map(exit_code).min();
    Ok(ExitCode::from(code.unwrap_or(UNKNOWN)))
}

/// Returns the status of a node, both parsed and as the JSON text of the answer.
fn query(address: &str) -> Result<(StatusReport, String), ClientError> {
    let api = Api::new(address);
    let text = api.get("/v1/status")?;
    Ok((api.parse(&text)?, text))
}

/// Returns the exit code of `elector status` for this report of a node.
fn exit_code(report: &StatusReport) -> u8 {
    match (report.holds_leadership, report.role, report.leader) {
        (true, ..) => 0,
        (false, Role::Follower, Some(_)) => FOLLOWER,
        (false, ..) => NO_LEADER,
    }
}

/// Returns the report of a node as text for people.
fn page(report: &StatusReport) -> String {
    let mut page = Page(String::new());
    let members: Vec<String> = report.members.iter().map(ToString::to_string).collect();
    let node = named(report.node, &report.name);
    let cluster = format!("{}: {}", report.cluster, members.join(", "));
    page.line("node", &format!("{node} of {cluster}"));
    if let Some(reason) = &report.stopped {
        page.line("stopped", reason);
    }
    let role = match report.votes {
        true => report.role.to_string(),
        false => "observer: it does not vote".to_owned(),
    };
    page.line("role", &role);
    let name = report.leader_name.as_deref().unwrap_or_default();
    let leader = report.leader.map(|leader| named(leader, name));
    page.line("leader", leader.as_deref().unwrap_or("none known"));
    page.line("epoch", &report.epoch.to_string());
    page.line("since", &report.since);
    match (report.holds_leadership, report.lease_remaining_ms) {
        (true, Some(left)) => page.line("lease", &format!("{left} ms left")),
        (true, None) => page.line(
            "lease",
            "none: under this algorithm other nodes may lead too",
        ),
        (false, _) if report.role == Role::Leader => page.line("lease", "not held now"),
        (false, _) => {}
    }
    if let Some(token) = &report.fencing_token_text {
        page.line("token", token);
    }
    page.line(
        "algorithm",
        &format!("{} ({})", report.algorithm, report.guarantee),
    );
    let peers = report.peers.iter().flatten();
    for (place, peer) in peers.enumerate() {
        let label = if place == 0 { "peers" } else { "" };
        page.line(label, &connection(peer));
    }
    let traffic = &report.traffic;
    page.line(
        "traffic",
        &format!(
            "{} handled, {} sent, {} undelivered, {} refused",
            traffic.handled, traffic.sent, traffic.undelivered, traffic.refused
        ),
    );
    let up = age(Duration::from_millis(report.uptime_ms));
    page.line("up", &format!("{up}, elector {}", report.version));
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, label: &str, text: &str) {
        let _ = writeln!(self.0, "{label:<10} {text}");
    }
}

/// Returns the text about the connection to one peer.
fn connection(peer: &PeerStatus) -> String {
    let connected = match (&peer.connected, &peer.problem) {
        (true, None) => "connected".to_owned(),
        (true, Some(problem)) => format!("connected: {problem}"),
        (false, None) => "not connected".to_owned(),
        (false, Some(problem)) => format!("not connected: {problem}"),
    };
    let address = peer.address.as_deref().unwrap_or_default();
    let rtt = peer.rtt_us.map_or_else(String::new, |rtt_us| {
        format!(", {:.2} ms", rtt_us as f64 / 1e3)
    });
    let line = format!("{} {address} {connected}{rtt}", peer.id);
    line.replace("  ", " ")
}

/// Returns a duration as text, in its two largest units.
fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let first = units.iter().position(|&(count, _)| count > 0).unwrap_or(3);
    let shown = units.iter().skip(first).take(2);
    let shown: Vec<String> = shown
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::client::tests::test_report;

    fn report(changes: &Value) -> StatusReport {
        let peers = json!([
            {"id": 2, "address": "db2:7100", "connected": true, "rtt_us": 123, "problem": null},
            {"id": 3, "address": null, "connected": false, "rtt_us": null, "problem": "refused"}
        ]);
        let follower = json!({"leader": 2, "leader_name": "db-2", "peers": peers});
        test_report(&[&follower, changes])
    }

    // Operators read the status during an incident: each line must be there, and easy to find.
    #[test]
    fn a_status_is_printed_in_aligned_lines() {
        let expected = "\
node       1 (db-1) of billing: 1, 2, 3
role       follower
leader     2 (db-2)
epoch      7
since      2026-01-02T03:04:05.678Z
algorithm  raft (quorum)
peers      2 db2:7100 connected, 0.12 ms
           3 not connected: refused
traffic    4 handled, 3 sent, 2 undelivered, 1 refused
up         1h 2m, elector 0.1.0
";
        assert_eq!(page(&report(&json!({}))), expected);
        let leads = json!({"role": "leader", "holds_leadership": true, "lease_remaining_ms": 96});
        assert!(page(&report(&leads)).contains("\nlease      96 ms left\n"));
        let token = json!({"fencing_token": 16_384, "fencing_token_text": "16384"});
        assert!(page(&report(&token)).contains("\ntoken      16384\n"));
        let alone = json!({"leader": null, "leader_name": null, "stopped": "it failed"});
        let alone = page(&report(&alone));
        assert!(alone.contains("\nstopped    it failed\n"), "{alone}");
        assert!(alone.contains("\nleader     none known\n"), "{alone}");
    }

    // Scripts act on the exit code. A leader whose lease has ended, or that is not confirmed by a
    // majority yet, does not hold the leadership: the code must not be 0.
    #[test]
    fn the_exit_code_says_whether_the_node_leads() {
        let of = |changes| exit_code(&report(&changes));
        assert_eq!(of(json!({"role": "leader", "holds_leadership": true})), 0);
        assert_eq!(of(json!({})), 1);
        assert_eq!(of(json!({"leader": null})), 2);
        assert_eq!(of(json!({"role": "candidate", "leader": null})), 2);
        assert_eq!(of(json!({"role": "pre-candidate", "leader": null})), 2);
        assert_eq!(of(json!({"role": "leader", "leader": 1})), 2);
    }

    // Two units are enough to see whether a node was restarted a short time ago.
    #[test]
    fn an_age_has_two_units() {
        let of = |seconds| age(Duration::from_secs(seconds));
        assert_eq!([of(0), of(59), of(60)], ["0s", "59s", "1m 0s"]);
        assert_eq!([of(7_199), of(180_000)], ["1h 59m", "2d 2h"]);
    }
}
