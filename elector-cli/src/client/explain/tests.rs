//! Tests of the text of `elector status --explain`. Operators read this text when something is
//! wrong: it must name the cause and the right node.

use serde_json::{Value, json};

use super::*;
use crate::client::tests::test_report;

fn answer(changes: &Value) -> Answer {
    Answer {
        address: "127.0.0.1:7180".to_owned(),
        status: Ok(test_report(&[changes])),
        members: None,
    }
}

fn explained(changes: &Value) -> String {
    explain(&[answer(changes)])
}

fn unreachable(id: u64, problem: &str, silent_ms: Option<u64>) -> Value {
    json!({
        "id": id, "address": format!("db{id}:7100"), "connected": false, "rtt_us": null,
        "problem": problem, "silent_ms": silent_ms
    })
}

#[test]
fn the_lease_of_a_leader_is_shown() {
    let leads = json!({
        "role": "leader", "leader": 1, "leader_name": "db-1", "holds_leadership": true,
        "lease_remaining_ms": 96
    });
    assert_eq!(
        explained(&leads),
        "\
There is a leader: node 1 (db-1), in epoch 7.

Node 1 (db-1) of the cluster billing, at 127.0.0.1:7180:
- It leads in epoch 7. Its lease ends in 96 ms, unless it is prolonged by answers of a majority.
- It reaches node 2, with a round trip of 0.12 ms.
- It reaches node 3, with a round trip of 0.46 ms.
- It reaches 3 of 3 nodes, including itself. A majority is 2 nodes, so it can be elected.
- It waits for nothing.
"
    );
    let follows = json!({"leader": 2, "leader_name": "db-2"});
    let follows = explained(&follows);
    let first = "Node 1 knows a leader: node 2 (db-2), in epoch 7.\n";
    assert!(follows.starts_with(first), "{follows}");
    assert!(follows.contains("Only the leader knows when the lease ends."));
    let unconfirmed = json!({"role": "leader", "leader": 1});
    let unconfirmed = explained(&unconfirmed);
    assert!(
        unconfirmed.starts_with("No leader is known: a node acts as leader"),
        "{unconfirmed}"
    );
}

#[test]
fn without_a_majority_the_reason_for_each_peer_is_shown() {
    let alone = json!({"peers": [
        unreachable(2, "the name \"db2\" is unknown: no such host", None),
        unreachable(3, "the connection was refused: no process listens there", Some(25_400)),
    ]});
    assert_eq!(
        explained(&alone),
        "\
No leader is known: no node that was queried reaches a majority of the nodes.

Node 1 (db-1) of the cluster billing, at 127.0.0.1:7180:
- It knows no leader in epoch 7, since 2026-01-02T03:04:05.678Z.
- It is not connected to node 2 (db2:7100), no message yet: the name \"db2\" is unknown: no such \
host.
- It is not connected to node 3 (db3:7100), last message 25.4 s ago: the connection was refused: \
no process listens there.
- It reaches 1 of 3 nodes, including itself. A majority is 2 nodes: without it, no leader can be \
elected, and no leader can prolong its lease.
- It waits until it reaches 1 more of these nodes: 2, 3.
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
    let text = explain(&[answer(&rejected), answer(&rejecting)]);
    assert!(text.contains(&format!("node 2 (db2:7100), no message yet: {reason}.\n")));
    assert!(text.contains("node 1 (db1:7100), no message yet: this node rejects node 1: "));
    assert_eq!(text.matches("No leader is known").count(), 1, "{text}");
}

#[test]
fn a_peer_that_hangs_is_not_reached() {
    let hangs = json!({"leader": 2, "peers": [
        {"id": 2, "address": "db2:7100", "connected": true, "rtt_us": 123, "silent_ms": 3200,
         "problem": "no data from the peer for 1200 ms"},
        {"id": 3, "address": "db3:7100", "connected": true, "rtt_us": 456, "problem": null}
    ]});
    let text = explained(&hangs);
    assert!(
        text.contains("It is connected to node 2 (db2:7100), last message 3.2 s ago: no data"),
        "{text}"
    );
    assert!(text.contains("It reaches 2 of 3 nodes"), "{text}");
    assert!(text.contains("until its leader has been silent"), "{text}");
}

#[test]
fn a_best_effort_algorithm_may_have_several_leaders() {
    let leads = |node: u64| {
        json!({
            "node": node, "name": "", "role": "leader", "leader": node, "holds_leadership": true,
            "algorithm": "bully", "guarantee": "best-effort",
            "peers": [unreachable(3 - node, "refused", Some(1000))], "members": [1, 2]
        })
    };
    let text = explained(&leads(1));
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
    let both = explain(&[answer(&leads(1)), answer(&leads(2))]);
    let first = "node 1 and node 2 lead: this algorithm ensures one leader only while all nodes \
                 reach each other.\n";
    assert!(both.starts_with(first), "{both}");
}

#[test]
fn a_node_that_has_stopped_or_cannot_be_queried_is_shown() {
    let stopped = json!({"stopped": "the node was shut down", "leader": 2});
    assert_eq!(
        explained(&stopped),
        "\
No leader is known: all nodes that were queried have stopped.

Node 1 (db-1) of the cluster billing, at 127.0.0.1:7180:
- It has stopped: the node was shut down.
- It takes part in no election until it is restarted.
"
    );
    let no_answer = Answer {
        address: "db2:7180".to_owned(),
        status: Err("nothing listens there".to_owned()),
        members: None,
    };
    assert_eq!(
        explain(&[no_answer]),
        "\
It is unknown whether there is a leader: no node could be queried.

The node at db2:7180 could not be queried: nothing listens there
"
    );
}

// A node that stays a pre-candidate usually disagrees with the other nodes about the leader. The
// text must say that a pre-candidate only asks whether it could win, and not that it has started an
// election.
#[test]
fn a_pre_candidate_differs_from_a_candidate() {
    let text = explained(&json!({"role": "pre-candidate"}));
    assert!(text.starts_with("No leader is known: an election is in progress.\n"));
    assert!(text.contains("is a pre-candidate in epoch 7"), "{text}");
    assert!(text.contains("answers that it could win"), "{text}");
}

#[test]
fn an_election_in_progress_is_shown() {
    let text = explained(&json!({"role": "candidate"}));
    assert!(text.starts_with("No leader is known: an election is in progress.\n"));
    assert!(text.contains("is a candidate in epoch 7"), "{text}");
    assert!(
        text.contains("waits for the answers of the other nodes"),
        "{text}"
    );
}

// An operator who waits for a change of the members must see what the change waits for. An operator
// must not take an observer, which does not vote, for a node that can be elected.
#[test]
fn a_change_and_an_observer_are_explained() {
    let members = json!({
        "node": 1, "leader": 1, "roster": "7.2", "goal": [1, 2, 4], "members": [],
        "waits_for": "node 4 must answer the leader",
    });
    let mut changing = answer(&json!({"node": 1, "role": "leader", "leader": 1}));
    changing.members = serde_json::from_value(members).ok();
    let text = explain(&[changing]);
    let expected = "The members change, to 1, 2, 4; waiting: node 4 must answer the leader.";
    assert!(text.contains(expected), "{text}");
    let text = explain(&[answer(&json!({"node": 3, "votes": false}))]);
    assert!(
        text.contains("It is an observer") && !text.contains("majority"),
        "{text}"
    );
}
