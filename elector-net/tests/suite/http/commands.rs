use std::time::Duration;

use elector_core::{NodeId, Role};
use elector_net::http::{Limits, Options};

use super::{Served, TOKEN, elected, soon};

// Commands without the right token must be rejected, and must change nothing. A token that is
// almost right must be rejected, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_need_the_token() {
    let (cluster, leader) = elected(1).await;
    let elector = cluster.node(leader).unwrap();
    let served = Served::with(elector, Limits::default()).await;
    served.until("/leader", 200).await;
    let epoch = elector.status().epoch;
    let bearer = |shown: &str| format!("Authorization: Bearer {shown}\r\n");
    for wrong in [
        String::new(),
        bearer(""),
        bearer("correct-horse-battery-stapl"),
        bearer("correct-horse-battery-staplf"),
        bearer("correct-horse-battery-staple2"),
        format!("Authorization: Basic {TOKEN}\r\n"),
        format!("Authorization: {TOKEN}\r\n"),
        format!("Cookie: token={TOKEN}\r\n"),
        bearer(TOKEN) + &bearer("another-that-is-appended"),
    ] {
        for path in ["/v1/step-down", "/v1/transfer?to=2", "/v1/transfer?to=x"] {
            let head = format!("POST {path} HTTP/1.1\r\n{wrong}");
            let answer = served.ask(&head, "").await;
            assert_eq!(answer.status, 401, "{head}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            assert!(!answer.body.contains(TOKEN));
        }
    }
    let counted = served.get("/metrics").await.body;
    assert!(
        counted.contains("elector_http_unauthorized_total 27\n"),
        "{counted}"
    );

    let closed = Served::new(elector, Options::new("billing")).await;
    let answer = closed.post("/v1/step-down").await;
    assert_eq!(answer.status, 403);
    let reason = answer.error();
    assert!(
        reason.contains("ELECTOR_TOKEN") && reason.contains("Options::token"),
        "{reason}"
    );

    assert_eq!(
        (elector.status().role, elector.status().epoch),
        (Role::Leader, epoch)
    );
    let lower_case = format!("POST /v1/step-down HTTP/1.1\r\nauthorization: bearer {TOKEN}\r\n");
    assert_eq!(served.ask(&lower_case, "").await.status, 200);
    cluster.shutdown().await;
}

// When an operator transfers the leadership, the given node must become the leader. The request can
// name the id of this node in the query or in the body.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_goes_to_the_named_node() {
    let (cluster, leader) = elected(3).await;
    let others = cluster.nodes().iter().copied();
    let other = others.clone().find(|&node| node != leader).unwrap();
    let served = Served::with(cluster.node(leader).unwrap(), Limits::default()).await;
    let other_served = Served::with(cluster.node(other).unwrap(), Limits::default()).await;
    served.until("/leader", 200).await;
    let epoch = served.get("/v1/status").await.json()["epoch"].clone();
    let done = served.post(&format!("/v1/transfer?to={other}")).await;
    assert_eq!((done.status, &done.json()["done"]), (200, &true.into()));
    assert_eq!(done.json()["epoch"], epoch, "the epoch that is given up");
    other_served.until("/leader", 200).await;
    let head = format!("POST /v1/transfer HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n");
    let done = other_served
        .ask(&head, &format!("{{\"to\": {leader}}}"))
        .await;
    assert_eq!(done.status, 200, "{done:?}");
    served.until("/leader", 200).await;
    cluster.shutdown().await;
}

// If the algorithm refuses a command, the answer must not be a server error, and must contain the
// reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_answered_with_its_reason() {
    let (cluster, leader) = elected(3).await;
    let others = cluster.nodes().iter().copied();
    let follower = others.clone().find(|&node| node != leader).unwrap();
    let served = Served::with(cluster.node(follower).unwrap(), Limits::default()).await;
    served.until("/follower", 200).await;
    for path in ["/v1/step-down", "/v1/transfer?to=99"] {
        let answer = served.post(path).await;
        assert_eq!(answer.status, 409, "{answer:?}");
        assert!(!answer.error().is_empty());
    }
    let transfer = format!("POST /v1/transfer HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n");
    let large = format!("{{\"to\": 1{}}}", " ".repeat(5000));
    for wrong in ["", "{}", "two", "{\"to\": \"two\"}", "{\"to\": -1}", &large] {
        let answer = served.ask(&transfer, wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
        assert!(answer.error().contains("?to=ID"), "{answer:?}");
    }
    let answer = served.post("/v1/transfer?to=two").await;
    assert_eq!(answer.status, 400);
    assert!(answer.error().contains("?to=ID"), "{answer:?}");
    assert_eq!(cluster.agreed(), Some(leader));
    cluster.shutdown().await;
}

// The application's work as the leader may take long to end after a command to step down. The
// client must not wait for ever, and must not get an error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_command_continues_after_the_answer() {
    let (cluster, leader) = elected(1).await;
    let elector = cluster.node(leader).unwrap();
    let limits = Limits {
        command: Duration::from_millis(1),
        ..Limits::default()
    };
    let served = Served::with(elector, limits).await;
    // After the command, the node waits until this leadership is dropped, for at most a lease. A
    // lease is much longer than the limit `command`, so the answer comes first.
    let guard = soon(elector.campaign()).await.unwrap();
    let answer = served.post("/v1/step-down").await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.json()["done"], false);
    assert_eq!(answer.json()["epoch"], guard.epoch().0);
    soon(guard.lost()).await;
    drop(guard);
    let mut status = elector.subscribe();
    let stepped_down = status.wait_for(|status| status.leader != Some(NodeId(1)));
    soon(stepped_down).await.unwrap();
    cluster.shutdown().await;
}
