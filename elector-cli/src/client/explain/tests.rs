//! An explanation is read when something is wrong: it must say what, of the right node.

use serde_json::{Value, json};

use super::*;

fn report(changes: &Value) -> StatusReport {
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
    for (key, value) in changes.as_object().unwrap() {
        report[key] = value.clone();
    }
    serde_json::from_value(report).unwrap()
}

fn asked(changes: &Value) -> Asked {
    Asked {
        address: "127.0.0.1:7180".to_owned(),
        answer: Ok(report(changes)),
    }
}

fn told(changes: &Value) -> String {
    explain(&[asked(changes)])
}

fn unreachable(id: u64, problem: &str, silent_ms: Option<u64>) -> Value {
    json!({
        "id": id, "address": format!("db{id}:7100"), "connected": false, "rtt_us": null,
        "problem": problem, "silent_ms": silent_ms
    })
}

#[test]
fn a_leader_is_told_with_its_lease() {
    let leads = json!({
        "role": "leader", "leader": 1, "leader_name": "db-1", "holds_leadership": true,
        "lease_remaining_ms": 96
    });
    assert_eq!(
        told(&leads),
        "\
There is a leader: node 1 (db-1), in epoch 7.

Node 1 (db-1) of the cluster billing, asked on 127.0.0.1:7180, says:
- It leads in epoch 7. Its lease runs for another 96 ms, and each answer of a majority prolongs it.
- It hears node 2, whose answers take 0.12 ms.
- It hears node 3, whose answers take 0.46 ms.
- It reaches 3 of 3 nodes, itself counted; 2 are a majority, so that it could be elected.
- It waits for nothing.
"
    );
    let follows = json!({"leader": 2, "leader_name": "db-2"});
    let follows = told(&follows);
    let first = "There is a leader, as far as node 1 knows: node 2 (db-2), in epoch 7.\n";
    assert!(follows.starts_with(first), "{follows}");
    assert!(follows.contains("How long the lease runs, only the leader knows."));
    let unconfirmed = json!({"role": "leader", "leader": 1});
    let unconfirmed = told(&unconfirmed);
    assert!(
        unconfirmed.starts_with("No leader is known: a node takes itself for the leader"),
        "{unconfirmed}"
    );
}

#[test]
fn without_a_majority_each_peer_has_its_reason() {
    let alone = json!({"peers": [
        unreachable(2, "the name \"db2\" is unknown: no such host", None),
        unreachable(3, "the connection was refused: no process listens there", Some(25_400)),
    ]});
    assert_eq!(
        told(&alone),
        "\
No leader is known: no node that was asked reaches a majority of the nodes.

Node 1 (db-1) of the cluster billing, asked on 127.0.0.1:7180, says:
- It knows no leader in epoch 7, since 2026-01-02T03:04:05.678Z.
- It is not connected with node 2 (db2:7100), never heard: the name \"db2\" is unknown: no such host.
- It is not connected with node 3 (db3:7100), last heard 25.4 s ago: the connection was refused: \
no process listens there.
- It reaches 1 of 3 nodes, itself counted; 2 would be a majority. Without one no leader can be \
elected, and none can prolong its lease.
- It waits for 1 more of these nodes: 2, 3.
"
    );
}

#[test]
fn a_rejection_names_the_side_that_rejects() {
    let reason =
        "node 2 rejects this node: it belongs to the cluster \"b\", and this node to another";
    let rejected =
        json!({"peers": [unreachable(2, reason, None), unreachable(3, "refused", None)]});
    let rejecting = json!({"node": 2, "name": "db-2", "peers": [
        unreachable(1, "this node rejects node 1: it belongs to the cluster \"a\"", None),
        unreachable(3, "refused", None),
    ]});
    let text = explain(&[asked(&rejected), asked(&rejecting)]);
    assert!(text.contains(&format!("node 2 (db2:7100), never heard: {reason}.\n")));
    assert!(text.contains("node 1 (db1:7100), never heard: this node rejects node 1: "));
    assert_eq!(text.matches("No leader is known").count(), 1, "{text}");
}

#[test]
fn a_peer_that_hangs_does_not_count() {
    let hangs = json!({"leader": 2, "peers": [
        {"id": 2, "address": "db2:7100", "connected": true, "rtt_us": 123, "silent_ms": 3200,
         "problem": "it has said nothing for 1200 ms"},
        {"id": 3, "address": "db3:7100", "connected": true, "rtt_us": 456, "problem": null}
    ]});
    let text = told(&hangs);
    assert!(
        text.contains("It is connected with node 2 (db2:7100), last heard 3.2 s ago: it has said"),
        "{text}"
    );
    assert!(text.contains("It reaches 2 of 3 nodes"), "{text}");
    assert!(
        text.contains("until the silence of its leader has lasted"),
        "{text}"
    );
}

#[test]
fn an_algorithm_without_a_lease_is_told_as_such() {
    let leads = |node: u64| {
        json!({
            "node": node, "name": "", "role": "leader", "leader": node, "holds_leadership": true,
            "algorithm": "bully", "guarantee": "best-effort",
            "peers": [unreachable(3 - node, "refused", Some(1000))], "members": [1, 2]
        })
    };
    let text = told(&leads(1));
    assert!(
        text.starts_with("There is a leader: node 1, in epoch 7.\n"),
        "{text}"
    );
    assert!(
        text.contains("without a lease: under bully another node may lead at the same time"),
        "{text}"
    );
    assert!(text.contains("bully needs no majority"), "{text}");
    assert!(text.ends_with("- It waits for nothing.\n"), "{text}");
    let both = explain(&[asked(&leads(1)), asked(&leads(2))]);
    let first = "node 1 and node 2 lead: the algorithm promises one leader only while all nodes \
                 hear each other.\n";
    assert!(both.starts_with(first), "{both}");
}

#[test]
fn a_node_that_has_stopped_or_cannot_be_asked_is_told() {
    let stopped = json!({"stopped": "the node was shut down", "leader": 2});
    assert_eq!(
        told(&stopped),
        "\
No leader is known: the nodes that were asked have stopped.

Node 1 (db-1) of the cluster billing, asked on 127.0.0.1:7180, says:
- It has stopped: the node was shut down.
- It takes part in no election before it is started again.
"
    );
    let nobody = Asked {
        address: "db2:7180".to_owned(),
        answer: Err("nothing listens there".to_owned()),
    };
    assert_eq!(
        explain(&[nobody]),
        "\
It is not known whether there is a leader: no node could be asked.

The node on db2:7180 could not be asked: nothing listens there
"
    );
}

#[test]
fn an_election_that_runs_is_told_as_one() {
    let text = told(&json!({"role": "candidate"}));
    assert!(text.starts_with("No leader is known: an election has not ended yet.\n"));
    assert!(text.contains("campaigns in epoch 7"), "{text}");
    assert!(
        text.contains("waits for the answers of the others"),
        "{text}"
    );
}
