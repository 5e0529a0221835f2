//! A report of a node, for the tests of the module `client`.

use elector_net::http::StatusReport;
use serde_json::{Value, json};

/// Returns the report of a follower that knows no leader and reaches its two peers. The values in
/// `changes` replace values of this report.
pub(super) fn test_report(changes: &[&Value]) -> StatusReport {
    let mut report = json!({
        "node": 1, "name": "db-1", "cluster": "billing", "algorithm": "raft",
        "guarantee": "quorum", "version": "0.1.0", "instance": "00000000000000ab",
        "uptime_ms": 3_723_004, "stopped": null, "role": "follower", "leader": null,
        "leader_name": null, "epoch": 7, "holds_leadership": false,
        "lease_remaining_ms": null, "since": "2026-01-02T03:04:05.678Z",
        "members": [1, 2, 3], "peers": [
            {"id": 2, "address": "db2:7100", "connected": true, "rtt_us": 123, "problem": null},
            {"id": 3, "address": "db3:7100", "connected": true, "rtt_us": 456, "problem": null}
        ],
        "traffic": {"handled": 4, "sent": 3, "undelivered": 2, "refused": 1}
    });
    for (key, value) in changes
        .iter()
        .flat_map(|changes| changes.as_object().unwrap())
    {
        report[key] = value.clone();
    }
    serde_json::from_value(report).unwrap()
}
