use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use elector_core::{Epoch, NodeId};
use elector_net::http::StatusReport;

use super::{ELSEWHERE, REFUSED, UNKNOWN, api::Api, args::Transfer, command, error::ClientError};
use crate::output;

/// How often a node is asked whether it knows a new leader.
const PAUSE: Duration = Duration::from_millis(100);

/// `elector transfer`.
pub(super) fn transfer(options: &Transfer) -> Result<ExitCode, ClientError> {
    let api = Api::new(&options.asked.http);
    let to = NodeId(options.to);
    let path = format!("/v1/transfer?to={to}");
    let done = format!("the node is handing its leadership to {to}");
    match command::give(&api, &options.shown, &path, &done)? {
        None => Ok(ExitCode::from(REFUSED)),
        Some(_) if options.no_wait => Ok(ExitCode::SUCCESS),
        Some(given_up) => {
            let limit = Duration::from_millis(options.wait_ms);
            let last = wait(&api, given_up, limit)?;
            told(&last, given_up, to, limit)
        }
    }
}

/// What the node says as soon as it shows a leader after the one of this epoch, or has stopped; or
/// what it says last.
fn wait(api: &Api, given_up: Epoch, limit: Duration) -> Result<StatusReport, ClientError> {
    let begun = Instant::now();
    let rest = || limit.saturating_sub(begun.elapsed());
    loop {
        // A limit of zero is one look.
        let asked = api.get_within("/v1/status", rest().max(PAUSE));
        let last = asked.and_then(|text| {
            let report = serde_json::from_str(&text);
            report.map_err(|_| api.stranger(&text))
        });
        let is_over = |report: &StatusReport| {
            report.stopped.is_some() || successor(report, given_up).is_some()
        };
        if rest().is_zero() || last.as_ref().is_ok_and(is_over) {
            return last;
        }
        thread::sleep(rest().min(PAUSE));
    }
}

/// The leader, if it is another than the node that was asked, or leads a later epoch. Under a
/// best-effort algorithm two nodes may lead the same epoch.
fn successor(report: &StatusReport, given_up: Epoch) -> Option<NodeId> {
    let is_new = |&leader: &NodeId| leader != report.node || report.epoch > given_up;
    report.leader.filter(is_new)
}

fn told(
    last: &StatusReport,
    given_up: Epoch,
    to: NodeId,
    limit: Duration,
) -> Result<ExitCode, ClientError> {
    let (epoch, node) = (last.epoch, last.node);
    let (code, line) = match (last.leader, &last.stopped) {
        (_, Some(reason)) => (
            UNKNOWN,
            format!("node {node} has stopped ({reason}): ask another node who leads"),
        ),
        (None, _) => (
            UNKNOWN,
            format!("node {node} knows no leader after {limit:?}: ask `elector status` later"),
        ),
        (Some(leader), _) if successor(last, given_up).is_none() => (
            ELSEWHERE,
            format!("node {leader} still leads after {limit:?}, in epoch {epoch}"),
        ),
        (Some(leader), _) if leader == to => (0, format!("node {leader} leads epoch {epoch}")),
        (Some(leader), _) => (
            ELSEWHERE,
            format!("node {leader} leads epoch {epoch}, and not node {to}"),
        ),
    };
    output::print(&format!("{line}\n"))?;
    Ok(ExitCode::from(code))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The exit code when node 1, which led epoch 7, was to hand over to node 2 and says this last.
    fn code(leader: Option<u64>, epoch: u64, stopped: Option<&str>) -> String {
        let last = json!({
            "node": 1, "name": "1", "cluster": "billing", "algorithm": "raft",
            "guarantee": "quorum", "version": "0.1.0", "instance": "00000000000000ab",
            "uptime_ms": 3, "stopped": stopped, "role": "follower", "leader": leader,
            "leader_name": null, "epoch": epoch, "holds_leadership": false,
            "lease_remaining_ms": null, "since": "2026-01-02T03:04:05.678Z",
            "members": [1, 2, 3], "peers": null,
            "traffic": {"handled": 4, "sent": 3, "undelivered": 2, "refused": 1}
        });
        let last = serde_json::from_value(last).unwrap();
        let code = told(&last, Epoch(7), NodeId(2), Duration::from_secs(1));
        format!("{:?}", code.unwrap())
    }

    // A script that drains a machine goes on when the code is 0: only when the node that it has
    // named leads.
    #[test]
    fn the_code_says_who_leads_at_the_end() {
        let is = |code: u8| format!("{:?}", ExitCode::from(code));
        assert_eq!(code(Some(2), 8, None), is(0));
        assert_eq!(code(Some(2), 7, None), is(0), "best effort");
        assert_eq!(code(Some(3), 8, None), is(ELSEWHERE));
        assert_eq!(code(Some(1), 7, None), is(ELSEWHERE), "it still leads");
        assert_eq!(code(Some(1), 9, None), is(ELSEWHERE), "it leads again");
        assert_eq!(code(None, 8, None), is(UNKNOWN));
        assert_eq!(code(Some(2), 8, Some("it failed")), is(UNKNOWN));
    }
}
