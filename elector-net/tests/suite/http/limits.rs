use std::{
    net::{TcpListener, TcpStream as StdStream},
    time::Duration,
};

use elector_net::http::Limits;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Reader, Served, elected, soon};

const SILENT: usize = 1000;

/// Raises the limit of open files of this process. The process needs many files, because it has
/// both ends of all connections.
fn allow_many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

// If clients open many connections and send nothing, the service must still answer other clients,
// such as a probe.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_silent_connections_do_not_block_others() {
    allow_many_files();
    let (cluster, leader) = elected(1).await;
    let limits = Limits {
        // This time limit is long, so that it does not end the connections of the test.
        request: Duration::from_secs(3600),
        ..Limits::default()
    };
    let served = Served::with(cluster.node(leader).unwrap(), limits).await;
    served.until("/leader", 200).await;
    let mut reader = Reader::open(&served, "", None).await;
    reader.report().await;
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(TcpStream::connect(served.address).await.unwrap());
    }
    assert_eq!(served.get("/leader").await.status, 200);
    let samples = served.get("/metrics").await.body;
    let value = |name: &str| -> usize {
        let line = samples.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    assert!(value("elector_http_connections_dropped_total ") >= SILENT - limits.connections);
    // The service must have closed the first connection to make room for newer ones.
    let first = &mut silent[0];
    let mut byte = [0];
    assert!(matches!(soon(first.read(&mut byte)).await, Ok(0) | Err(_)));
    // The connection of the event reader was never idle, so it must be open: the event of the next
    // command must arrive.
    cluster.node(leader).unwrap().step_down().await.unwrap();
    assert!(reader.next().await.is_some());
    drop(silent);
    cluster.shutdown().await;
}

// The service must reject a request that does not arrive completely in time, and must close a
// connection without a request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_requests_time_out() {
    let (cluster, leader) = elected(1).await;
    let limits = Limits {
        request: Duration::from_millis(100),
        ..Limits::default()
    };
    let served = Served::with(cluster.node(leader).unwrap(), limits).await;
    // This call returns when the service has closed the connection.
    served.send(b"").await;
    served.send(b"GET /leader HTTP/1.1\r\nHost: local").await;
    let response = served
        .send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert!(
        response.starts_with("HTTP/1.1 200 "),
        "the connection is kept open for a while: {response}"
    );
    let head = "POST /v1/transfer HTTP/1.1\r\nContent-Length: 9\r\n\
        Authorization: Bearer correct-horse-battery-staple\r\n\r\n{\"to\"";
    let response = served.send(head.as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    assert!(response.contains("did not arrive in time"), "{response}");
    cluster.shutdown().await;
}

// An invalid or oversized request must be rejected, and must end only the connection on which it
// arrived.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_end_their_connection_only() {
    let (cluster, leader) = elected(1).await;
    let served = Served::with(cluster.node(leader).unwrap(), Limits::default()).await;
    let long_path = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    let long_header = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(100));
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for (bytes, statuses) in [
        (
            "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03 a TLS hello\r\n\r\n",
            &[400][..],
        ),
        ("GET\r\n\r\n", &[400]),
        ("GET / HTTP/9.9\r\n\r\n", &[400, 505]),
        ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", &[400]),
        ("GET / HTTP/1.1\r\nBroken\r\n\r\n", &[400]),
        (preface, &[400, 505]),
        (&long_path, &[414, 431]),
        (&long_header, &[431]),
        (&many_headers, &[431]),
    ] {
        let response = served.send(bytes.as_bytes()).await;
        let status = response
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let shown: String = bytes.chars().take(40).collect();
        // If the service closes a connection before it has read all bytes, the kernel resets the
        // connection, and the answer may be lost.
        assert!(
            status.is_none_or(|status: u16| statuses.contains(&status)),
            "{shown:?}: {response}"
        );
        assert_eq!(served.get("/livez").await.status, 200, "{shown:?}");
    }
    cluster.shutdown().await;
}

// Readers of events keep their connections open. So their number must be limited, and connections
// must be left for other clients.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_number_of_readers_is_limited() {
    let (cluster, leader) = elected(1).await;
    let limits = Limits {
        readers: 2,
        ..Limits::default()
    };
    let served = Served::with(cluster.node(leader).unwrap(), limits).await;
    let first = Reader::open(&served, "", None).await;
    let _second = Reader::open(&served, "", None).await;
    let answer = served.get("/v1/events").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers["retry-after"], "5");
    assert!(answer.error().contains("try again later"));
    let metrics = served.get("/metrics").await.body;
    assert!(
        metrics.contains("elector_http_event_readers 2\n"),
        "{metrics}"
    );
    drop(first);
    soon(async {
        while served.ask("HEAD /v1/events HTTP/1.1\r\n", "").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    cluster.shutdown().await;
}

// A process waits for the end of its service before it ends. So the service must not wait for
// clients when it ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_service_does_not_wait_for_clients() {
    let (cluster, leader) = elected(1).await;
    let limits = Limits {
        request: Duration::from_secs(3600),
        drain: Duration::from_millis(100),
        ..Limits::default()
    };
    let served = Served::with(cluster.node(leader).unwrap(), limits).await;
    let address = served.address;
    let mut reader = Reader::open(&served, "", None).await;
    let _silent = StdStream::connect(address).unwrap();
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"GET /leader HTTP/1.1\r\n").await.unwrap();
    // This answer shows that the service has accepted the earlier connections.
    assert_eq!(served.get("/livez").await.status, 200);
    served.end().await;
    while reader.next().await.is_some() {}
    TcpListener::bind(address).expect("the address is free again");
    cluster.shutdown().await;
}
