use std::time::Duration;

use elector_core::{NodeId, Role};
use elector_net::http::{Limits, Options};

use crate::{Served, TOKEN, elected, soon};

// Nothing may change without the token: not by leaving it out, not by nearly having it.
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

// A hand-over by an operator must reach the node that was named, in either form.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_goes_to_the_node_that_was_named() {
    let (cluster, leader) = elected(3).await;
    let others = cluster.nodes().iter().copied();
    let heir = others.clone().find(|&node| node != leader).unwrap();
    let served = Served::with(cluster.node(leader).unwrap(), Limits::default()).await;
    let heirs = Served::with(cluster.node(heir).unwrap(), Limits::default()).await;
    served.until("/leader", 200).await;
    let epoch = served.get("/v1/status").await.json()["epoch"].clone();
    let done = served.post(&format!("/v1/transfer?to={heir}")).await;
    assert_eq!((done.status, &done.json()["done"]), (200, &true.into()));
    assert_eq!(done.json()["epoch"], epoch, "that which is given up");
    heirs.until("/leader", 200).await;
    let head = format!("POST /v1/transfer HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n");
    let done = heirs.ask(&head, &format!("{{\"to\": {leader}}}")).await;
    assert_eq!(done.status, 200, "{done:?}");
    served.until("/leader", 200).await;
    cluster.shutdown().await;
}

// What the algorithm refuses is not an error of the server; the reason must come through.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_told_in_the_algorithms_words() {
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

// The work of a leader may take long to end: the client must not wait for ever, and must not be
// told it failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_takes_long_goes_on() {
    let (cluster, leader) = elected(1).await;
    let elector = cluster.node(leader).unwrap();
    let limits = Limits {
        command: Duration::from_millis(1),
        ..Limits::default()
    };
    let served = Served::with(elector, limits).await;
    // A guard in hand is waited for as long as a lease, which is far more than that.
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
