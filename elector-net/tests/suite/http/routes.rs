use std::{
    sync::{Mutex, mpsc},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use elector_core::{
    FencingToken, Membership, NodeId, Quorum,
    actor::{BoxError, Elector, Immediate, MemoryNetwork, Storage},
};
use elector_net::http::{AddressScope, HttpError, Limits, Options, PeerStatus, Service, bind};
use elector_raft::{Raft, RaftDurable};
use tokio::sync::watch;

use super::{Served, elected, soon};

/// Starts a node of a cluster of three whose peers do not run. So the node never has a leader.
async fn isolated() -> Elector<Quorum> {
    let network = MemoryNetwork::<Raft>::new([1, 2, 3].map(NodeId)).unwrap();
    let builder = Elector::builder("lonely")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1, 2, 3]);
    builder
        .transport(network.transport())
        .start()
        .await
        .unwrap()
}

// Programs that were written for Kubernetes' leader-elector sidecar read the key `name`, and
// compare it with their own name. They must be able to use this service without a change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_root_has_the_keys_of_the_sidecar() {
    let (cluster, leader) = elected(3).await;
    let options = || Options::new("billing").names(|node| format!("db-{node}"));
    for elector in cluster.running() {
        let own = options().address("db:7100");
        let served = Served::new(elector, own).await;
        if elector.node_id() == leader {
            served.until("/leader", 200).await;
        } else {
            served.until("/follower", 200).await;
        }
        let answer = served.get("/").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["cache-control"], "no-store");
        let body = answer.json();
        assert_eq!(body["name"], format!("db-{leader}"));
        assert_eq!(body["leader"], leader.0);
        assert_eq!(body["node"], elector.node_id().0);
        // This service does not know the addresses of other nodes.
        let leads = elector.node_id() == leader;
        assert_eq!(body["address"].as_str(), leads.then_some("db:7100"));
        assert_eq!(body["cluster"], "billing");
        assert_eq!(body["algorithm"], "raft");
        assert_eq!(body["guarantee"], "quorum");
        assert_eq!(body["holds_leadership"], elector.node_id() == leader);
        let last_update = body["last_update"].as_str().unwrap();
        assert!(last_update.ends_with('Z') && last_update.contains('T'));
        // `last_update` is the time of the last change, and not the time of the request. So it is
        // the same in a second answer.
        assert_eq!(served.get("/").await.json()["last_update"], last_update);
        served.end().await;
    }
    cluster.shutdown().await;
}

// Load balancers send writes to the node whose answer to `/leader` is 200. So after the leader has
// stepped down, its answer must not be 200 any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leader_and_follower_change_when_the_leader_steps_down() {
    let (cluster, leader) = elected(3).await;
    let elector = cluster.node(leader).unwrap();
    let served = Served::with(elector, Limits::default()).await;
    served.until("/leader", 200).await;
    assert_eq!(served.get("/follower").await.status, 503);
    assert_eq!(served.post("/v1/step-down").await.status, 200);
    // A node that has stepped down waits longer than the others before it campaigns, so another
    // node becomes the leader.
    served.until("/follower", 200).await;
    let answer = served.get("/leader").await;
    assert_eq!(answer.status, 503);
    let body = answer.json();
    assert_ne!(body["leader"], leader.0, "for a redirect: {body}");
    assert_eq!(body["holds_leadership"], false);
    served.end().await;
    cluster.shutdown().await;
}

// `elector status` and dashboards read the full status. It must have all keys, with the right
// values.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_is_complete() {
    let (cluster, leader) = elected(3).await;
    let elector = cluster.node(leader).unwrap();
    let peers = move || {
        let mut near = PeerStatus::new(NodeId(2));
        near.connected = true;
        near.address = Some("db2:7100".to_owned());
        near.rtt_us = Some(120);
        vec![near, PeerStatus::new(NodeId(3))]
    };
    let served = Served::new(elector, Options::new("billing").peers(peers)).await;
    served.until("/leader", 200).await;
    let body = served.get("/v1/status").await.json();
    assert_eq!(body["node"], leader.0);
    assert_eq!(body["name"], leader.to_string());
    assert_eq!(body["leader_name"], leader.to_string());
    assert_eq!(body["role"], "leader");
    assert_eq!(body["members"], serde_json::json!([1, 2, 3]));
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(body["epoch"], elector.status().epoch.0);
    assert!(
        body["lease_remaining_ms"].as_u64().unwrap() <= 800,
        "{body}"
    );
    // The store of the application compares the number. A reader of JSON that reads numbers as
    // floating-point uses the text.
    let token = FencingToken::new(elector.status().epoch, 0).unwrap();
    assert_eq!(body["fencing_token"], token.value());
    assert_eq!(body["fencing_token_text"], token.to_string());
    let answer = served.get("/leader").await.json();
    assert_eq!(answer["fencing_token"], token.value());
    assert_eq!(answer["fencing_token_text"], token.to_string());
    assert!(body["traffic"]["sent"].as_u64().unwrap() > 0, "{body}");
    assert_eq!(body["peers"][0]["address"], "db2:7100");
    assert_eq!(body["peers"][0]["rtt_us"], 120);
    assert_eq!(body["peers"][1]["connected"], false);
    assert!(body["stopped"].is_null() && body["uptime_ms"].is_u64());
    assert_eq!(body["instance"].as_str().unwrap().len(), 16);

    let without_peers = Served::new(elector, Options::new("billing")).await;
    assert!(without_peers.get("/v1/status").await.json()["peers"].is_null());
    cluster.shutdown().await;
}

// Operators compare the times of changes on several nodes, and may request a status long after a
// change. So `since` must not be the time of the request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn since_is_the_time_of_the_change_and_not_of_the_request() {
    let (mut cluster, leader) = elected(3).await;
    let follower = NodeId(leader.0 % 3 + 1);
    let served = Served::new(cluster.node(follower).unwrap(), Options::new("billing")).await;
    cluster.kill(leader).await;
    // Both remaining nodes agree about the leader now, so no further change follows.
    soon(cluster.leader()).await;
    // On a busy machine, the service may receive the event of the change a little later.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let asked = SystemTime::now();
    let body = served.get("/v1/status").await.json();
    let since = humantime::parse_rfc3339(body["since"].as_str().unwrap()).unwrap();
    assert!(since < asked, "{body}");
    cluster.shutdown().await;
}

// If `/readyz` required that the node leads, a probe would take all followers out of service. If it
// required nothing, a probe would keep a disconnected node in service.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_is_a_leader_or_a_majority() {
    let elector = isolated().await;
    let (connected, connections) = watch::channel(0);
    let peers = move || {
        let connected = *connections.borrow();
        let peer = |id| {
            let mut peer = PeerStatus::new(NodeId(id));
            peer.connected = id <= connected + 1;
            peer
        };
        vec![peer(2), peer(3)]
    };
    let served = Served::new(&elector, Options::new("lonely").peers(peers)).await;
    let answer = served.get("/readyz").await;
    assert_eq!(answer.status, 503);
    let reason = answer.json()["reason"].to_string();
    assert!(reason.contains("not connected to a majority"), "{reason}");
    assert_eq!(served.get("/livez").await.status, 200);
    connected.send_replace(1);
    assert_eq!(served.get("/readyz").await.status, 200);
    assert_eq!(served.get("/leader").await.status, 503);
    assert_eq!(
        served.get("/follower").await.status,
        503,
        "it has no leader"
    );
    let body = served.get("/").await.json();
    assert_eq!((&body["name"], &body["leader"]), (&"".into(), &().into()));
    elector.shutdown().await.unwrap();

    let (cluster, leader) = elected(3).await;
    for elector in cluster.running() {
        // This service has no information about peers, so it must be enough that the node knows a
        // leader.
        let served = Served::new(elector, Options::new("billing")).await;
        served.until("/readyz", 200).await;
        assert_eq!(elector.status().leader, Some(leader));
    }
    cluster.shutdown().await;
}

// A probe of a stopped node must fail, so that the node is restarted and gets no requests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_node_is_not_live_and_not_ready() {
    let (cluster, leader) = elected(1).await;
    let elector = cluster.node(leader).unwrap();
    let served = Served::with(elector, Limits::default()).await;
    served.until("/leader", 200).await;
    assert_eq!(served.get("/livez").await.status, 200);
    elector.shutdown().await.unwrap();
    for path in ["/livez", "/readyz"] {
        let answer = served.get(path).await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.json()["reason"], "the node was shut down");
    }
    for path in ["/leader", "/follower"] {
        assert_eq!(served.get(path).await.status, 503);
    }
    let body = served.get("/v1/status").await.json();
    assert_eq!(body["stopped"], "the node was shut down");
    assert_eq!(served.post("/v1/step-down").await.status, 503);
}

/// A disk that blocks the thread of the node: each save waits for a message on the channel.
struct Hangs(Mutex<mpsc::Receiver<()>>);

#[async_trait]
impl Storage<RaftDurable> for Hangs {
    async fn load(&mut self, _: &Membership) -> Result<Option<RaftDurable>, BoxError> {
        Ok(None)
    }

    async fn save(&mut self, durable: &RaftDurable) -> Result<(), BoxError> {
        self.save_now(durable)
    }

    fn immediate(&mut self) -> Option<&mut dyn Immediate<RaftDurable>> {
        Some(self)
    }
}

impl Immediate<RaftDurable> for Hangs {
    fn save_now(&mut self, _: &RaftDurable) -> Result<(), BoxError> {
        // When the test drops the sender of the channel, saves do not block any more.
        let _ = self.0.lock().map_err(|_| "poisoned")?.recv();
        Ok(())
    }
}

// A node whose thread hangs does not vote and does not lead, so its probes must fail. A probe that
// only checked that the node has started would not fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_thread_hangs_is_not_live_and_not_ready() {
    let (sender, disk) = mpsc::channel();
    let builder = Elector::builder("hangs")
        .algorithm::<Raft>()
        .node_id(1)
        .peers([1]);
    let builder = builder.storage(Hangs(Mutex::new(disk)));
    let elector = builder.start().await.unwrap();
    let limits = Limits {
        liveness: Duration::from_millis(100),
        ..Limits::default()
    };
    let served = Served::with(&elector, limits).await;
    for path in ["/livez", "/readyz"] {
        served.until(path, 503).await;
        let reason = served.get(path).await.json()["reason"].to_string();
        assert!(reason.contains("has not answered"), "{reason}");
    }
    // Requests that need no answer of the node's thread must still be answered.
    assert_eq!(served.get("/v1/status").await.status, 200);
    drop(sender);
    for path in ["/livez", "/readyz"] {
        served.until(path, 200).await;
    }
    elector.shutdown().await.unwrap();
}

// A wrong route or method is answered with the list of routes. A GET request must not be a command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_requests_are_answered_with_the_reason() {
    let elector = isolated().await;
    let served = Served::with(&elector, Limits::default()).await;
    let answer = served.get("/v1/stauts").await;
    assert_eq!(answer.status, 404);
    assert!(answer.error().contains("/v1/status"), "{answer:?}");
    for path in ["/v1/step-down", "/v1/transfer?to=2"] {
        let answer = served.get(path).await;
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(answer.headers["allow"], "POST");
        assert!(answer.error().contains("does not allow GET"), "{answer:?}");
    }
    assert_eq!(served.post("/leader").await.status, 405);
    assert_eq!(served.get("/v1/events?after=x").await.status, 400);
    assert_eq!(served.get("/v1/events?after=1&after=2").await.status, 400);
    let head = served.ask("HEAD /v1/status HTTP/1.1\r\n", "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

// The service has no TLS. So it must not listen on an address that other machines can reach, unless
// the caller allows this explicitly.
#[tokio::test]
async fn by_default_only_loopback_addresses_are_allowed() {
    for beyond in ["0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0"] {
        let error = bind(beyond, AddressScope::Loopback).await.unwrap_err();
        assert!(matches!(error, HttpError::BeyondLoopback(_)), "{error}");
    }
    for address in ["127.0.0.1:0", "127.3.2.1:0", "localhost:0"] {
        bind(address, AddressScope::Loopback).await.unwrap();
    }
    bind("0.0.0.0:0", AddressScope::Any).await.unwrap();
    for wrong in ["", "7180", "127.0.0.1", "127.0.0.1:http", "no such host:1"] {
        let error = bind(wrong, AddressScope::Any).await.unwrap_err();
        assert!(matches!(error, HttpError::Address { .. }), "{error}");
    }
    let taken = bind("127.0.0.1:0", AddressScope::Loopback).await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = bind(&address, AddressScope::Loopback).await.unwrap_err();
    assert!(error.to_string().contains(&address), "{error}");
}

// If a service kept a handle of its node after its drop, the node would run on after the
// application has dropped all handles.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_service_releases_its_node() {
    let elector = isolated().await;
    let mut status = elector.subscribe();
    let service = Service::new(&elector, Options::new("lonely"));
    let router = service.router();
    drop((elector, service));
    assert!(status.has_changed().is_ok(), "the router holds it");
    drop(router);
    soon(async { while status.changed().await.is_ok() {} }).await;
}
