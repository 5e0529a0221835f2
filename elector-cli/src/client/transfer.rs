use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use elector_core::{Epoch, NodeId};
use elector_net::http::StatusReport;

use super::{
    OTHER_LEADER, REFUSED, UNKNOWN, api::Api, args::Transfer, command, error::ClientError,
};
use crate::output;

/// The pause between two queries for a new leader.
const QUERY_PAUSE: Duration = Duration::from_millis(100);

/// Carries out `elector transfer`.
pub(super) fn transfer(options: &Transfer) -> Result<ExitCode, ClientError> {
    let api = Api::new(&options.target.http);
    let to = NodeId(options.to);
    let path = format!("/v1/transfer?to={to}");
    let success = format!("the node is transferring its leadership to node {to}");
    match command::send(&api, &options.secret, &path, &success)? {
        None => Ok(ExitCode::from(REFUSED)),
        Some(_) if options.no_wait => Ok(ExitCode::SUCCESS),
        Some(ended) => {
            let limit = Duration::from_millis(options.wait_ms);
            let report = wait_for_successor(&api, ended, limit)?;
            print_result(&report, ended, to, limit)
        }
    }
}

/// Waits until the queried node knows a new leader (see [`successor`]) after the old leader, which
/// led the epoch `ended`. Also returns when the node has stopped, or when `limit` has passed.
/// Returns the last status of the node.
fn wait_for_successor(
    api: &Api,
    ended: Epoch,
    limit: Duration,
) -> Result<StatusReport, ClientError> {
    let start = Instant::now();
    let rest = || limit.saturating_sub(start.elapsed());
    loop {
        // There is at least one query, also with a limit of zero, and each query may take at least
        // `QUERY_PAUSE`.
        let answer = api.get_within("/v1/status", rest().max(QUERY_PAUSE));
        let report = answer.and_then(|text| api.parse(&text));
        let is_done =
            |report: &StatusReport| report.stopped.is_some() || successor(report, ended).is_some();
        if rest().is_zero() || report.as_ref().is_ok_and(is_done) {
            return report;
        }
        thread::sleep(rest().min(QUERY_PAUSE));
    }
}

/// Returns the leader that the queried node knows, if this leader is new: another node than the
/// queried node, which led the epoch `ended`, or the same node in a later epoch. A comparison of
/// epochs is not enough: under a best-effort algorithm two nodes may lead the same epoch.
fn successor(report: &StatusReport, ended: Epoch) -> Option<NodeId> {
    let is_new = |&leader: &NodeId| leader != report.node || report.epoch > ended;
    report.leader.filter(is_new)
}

/// Prints which node leads now, and returns the exit code.
fn print_result(
    report: &StatusReport,
    ended: Epoch,
    to: NodeId,
    limit: Duration,
) -> Result<ExitCode, ClientError> {
    let (epoch, node) = (report.epoch, report.node);
    let (code, line) = match (report.leader, &report.stopped) {
        (_, Some(reason)) => (
            UNKNOWN,
            format!("node {node} has stopped ({reason}): query another node to see who leads"),
        ),
        (None, _) => (
            UNKNOWN,
            format!("node {node} knows no leader after {limit:?}: run `elector status` later"),
        ),
        (Some(leader), _) if successor(report, ended).is_none() => (
            OTHER_LEADER,
            format!("node {leader} still leads after {limit:?}, in epoch {epoch}"),
        ),
        (Some(leader), _) if leader == to => (0, format!("node {leader} leads epoch {epoch}")),
        (Some(leader), _) => (
            OTHER_LEADER,
            format!("node {leader} leads epoch {epoch}, instead of node {to}"),
        ),
    };
    output::print(&format!("{line}\n"))?;
    Ok(ExitCode::from(code))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::tests::test_report;

    /// Returns the exit code for the last status of node 1, which led epoch 7 and transferred its
    /// leadership to node 2.
    fn code(leader: Option<u64>, epoch: u64, stopped: Option<&str>) -> String {
        let last = json!({"leader": leader, "epoch": epoch, "stopped": stopped});
        let report = test_report(&[&last]);
        let code = print_result(&report, Epoch(7), NodeId(2), Duration::from_secs(1));
        format!("{:?}", code.unwrap())
    }

    // A script that drains a machine continues if the code is 0. So the code must be 0 only if the
    // requested node leads.
    #[test]
    fn the_exit_code_is_0_only_if_the_requested_node_leads() {
        let is = |code: u8| format!("{:?}", ExitCode::from(code));
        assert_eq!(code(Some(2), 8, None), is(0));
        assert_eq!(code(Some(2), 7, None), is(0), "best effort");
        assert_eq!(code(Some(3), 8, None), is(OTHER_LEADER));
        assert_eq!(code(Some(1), 7, None), is(OTHER_LEADER), "it still leads");
        assert_eq!(code(Some(1), 9, None), is(OTHER_LEADER), "it leads again");
        assert_eq!(code(None, 8, None), is(UNKNOWN));
        assert_eq!(code(Some(2), 8, Some("it failed")), is(UNKNOWN));
    }
}
