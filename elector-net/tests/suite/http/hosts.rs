use elector_net::http::{AddressScope, Options, bind};

use super::{Answer, Served, elected};

/// Sends a GET request. `head` has the path, the version and the headers.
async fn asked(served: &Served, head: &str) -> Answer {
    let whole = format!("GET {head}Connection: close\r\n\r\n");
    Answer::read(&served.send(whole.as_bytes()).await)
}

// A browser on this machine may open a web page of another host. The owner of the page can let the
// name of that host resolve to 127.0.0.1 (DNS rebinding). Without the check of the header `Host`,
// the page could then read the status.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_loopback_only_requests_for_this_machine_are_answered() {
    let (cluster, leader) = elected(1).await;
    let elector = cluster.node(leader).unwrap();
    let options = Options::new("billing").host("Db1.example");
    let served = Served::new(elector, options).await;
    let paths = ["/v1/status", "/metrics", "/livez", "/v1/events", "/none"];
    for path in paths {
        for foreign in [
            "evil.example",
            "evil.example:7180",
            "localhost.evil.example",
            "localhost@evil.example",
            "db1.example.evil.example",
            "10.0.0.1:7180",
            "[2001:db8::1]:7180",
            "127.0.0.1.evil.example",
            "",
            "local host",
        ] {
            let answer = asked(&served, &format!("{path} HTTP/1.1\r\nHost: {foreign}\r\n")).await;
            assert_eq!(answer.status, 421, "{path} of {foreign:?}");
            assert!(answer.error().contains("localhost"), "{answer:?}");
            assert_eq!(answer.headers["cache-control"], "no-store");
        }
    }
    for own in [
        "localhost",
        "LocalHost.:7180",
        "127.0.0.1:7180",
        "127.3.2.1",
        "[::1]:7180",
        "[::ffff:127.0.0.1]",
        "db1.example:80",
    ] {
        let answer = asked(&served, &format!("/v1/status HTTP/1.1\r\nHost: {own}\r\n")).await;
        assert_eq!(answer.status, 200, "{own}");
    }
    let twice = "/livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n";
    assert_eq!(asked(&served, twice).await.status, 421);
    let whole = "http://evil.example/livez HTTP/1.1\r\nHost: localhost\r\n";
    assert_eq!(asked(&served, whole).await.status, 421);
    assert_eq!(asked(&served, "/livez HTTP/1.0\r\n").await.status, 200);
    cluster.shutdown().await;
}

// If the service listens on an address that other machines can reach, these machines may use a host
// name that this machine does not know. So the service must answer requests with any `Host`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_loopback_any_host_name_is_answered() {
    let (cluster, leader) = elected(1).await;
    let elector = cluster.node(leader).unwrap();
    let listener = bind("0.0.0.0:0", AddressScope::Any).await.unwrap();
    let served = Served::on(listener, elector, Options::new("billing"));
    let answer = asked(&served, "/v1/status HTTP/1.1\r\nHost: db1.example\r\n").await;
    assert_eq!(answer.status, 200);
    served.end().await;
    cluster.shutdown().await;
}
