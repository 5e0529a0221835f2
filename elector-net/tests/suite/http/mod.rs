//! Tests of a node over HTTP, with real sockets on loopback.

mod certificates;
mod commands;
mod descriptors;
mod events;
mod hosts;
mod limits;
mod metrics;
mod routes;

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use elector_core::{
    NodeId, Quorum, Timing,
    actor::{Cluster, ClusterSetup, Elector},
};
use elector_net::http::{self, AddressScope, EventReport, Limits, Options, Service, Token};
use elector_raft::{Raft, RaftConfig};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

/// The time limit of every wait of a test.
const SOON: Duration = Duration::from_secs(60);

const TOKEN: &str = "correct-horse-battery-staple";

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what)
        .await
        .expect("it is ready within a minute")
}

/// Returns a configuration with long durations, so that nodes on a busy machine do not elect again.
fn slow_timing() -> RaftConfig {
    RaftConfig {
        timing: Timing {
            heartbeat: Duration::from_millis(50),
            lease: Duration::from_millis(800),
            election_min: Duration::from_millis(1000),
            election_max: Duration::from_millis(1500),
            round_trip: Duration::from_millis(500),
        },
        ..RaftConfig::default()
    }
}

/// Starts a cluster, and waits until it has a leader.
async fn elected(nodes: u64) -> (Cluster<Raft>, NodeId) {
    let mut setup = ClusterSetup::<Raft>::new(nodes);
    setup.config = slow_timing();
    let cluster = Cluster::start_with(setup).await.unwrap();
    let leader = soon(cluster.leader()).await;
    (cluster, leader)
}

/// A node and its HTTP service. The service ends when this value is dropped.
struct Served {
    address: SocketAddr,
    service: Service,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    async fn new(elector: &Elector<Quorum>, options: Options) -> Self {
        let listener = http::bind("127.0.0.1:0", AddressScope::Loopback)
            .await
            .unwrap();
        Self::on(listener, elector, options)
    }

    fn on(listener: TcpListener, elector: &Elector<Quorum>, options: Options) -> Self {
        let address = listener.local_addr().unwrap();
        let service = Service::new(elector, options);
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = service.clone();
        let task = tokio::spawn(async move {
            let stopped = async move {
                let _ = stopped.await;
            };
            serving.serve(listener, stopped).await;
        });
        Self {
            address,
            service,
            stop,
            task,
        }
    }

    /// Serves the node with [`TOKEN`] and these limits.
    async fn with(elector: &Elector<Quorum>, limits: Limits) -> Self {
        let token: Token = TOKEN.parse().unwrap();
        Self::new(elector, Options::new("billing").token(token).limits(limits)).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\n"), "").await
    }

    /// Sends a POST request with the correct token.
    async fn post(&self, path: &str) -> Answer {
        let head = format!("POST {path} HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n");
        self.ask(&head, "").await
    }

    async fn ask(&self, head: &str, body: &str) -> Answer {
        let length = body.len();
        let rest =
            format!("Host: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        let received = self.send(format!("{head}{rest}{body}").as_bytes()).await;
        Answer::read(&received)
    }

    /// Sends bytes to the service, and returns all bytes that the service sends until it closes the
    /// connection.
    async fn send(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The service may close the connection before it has read all bytes, so an error of the
        // write does not matter.
        let _ = stream.write_all(bytes).await;
        let mut received = Vec::new();
        let _ = soon(stream.read_to_end(&mut received)).await;
        String::from_utf8(received).unwrap()
    }

    /// Repeats a GET request until the answer has this HTTP status code.
    async fn until(&self, path: &str, status: u16) {
        soon(async {
            while self.get(path).await.status != status {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    async fn end(self) {
        drop(self.stop);
        soon(self.task).await.unwrap();
    }
}

/// An HTTP answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect(text);
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        Self {
            status: status.parse().unwrap(),
            headers: lines.map(header).collect(),
            body: body.to_owned(),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect(&self.body)
    }

    fn error(&self) -> String {
        self.json()["error"].as_str().expect(&self.body).to_owned()
    }
}

/// A reader of events.
struct Reader(BufReader<TcpStream>);

impl Reader {
    /// Opens a stream of events. `query` is empty, or a query such as `?after=3`. `last` is the
    /// value of the header `Last-Event-ID`, if the request has this header.
    async fn open(served: &Served, query: &str, last: Option<&str>) -> Self {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        let last = last.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        // The request uses HTTP/1.0, in which the answer has no chunked encoding, so that the test
        // can read it line by line.
        let head = format!("GET /v1/events{query} HTTP/1.0\r\n{last}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut reader = Self(BufReader::new(stream));
        assert_eq!(reader.line().await.unwrap(), "HTTP/1.0 200 OK");
        while reader.line().await.unwrap() != "" {}
        reader
    }

    /// Reads a line; `None` at the end of the stream.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = soon(self.0.read_line(&mut line)).await.unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// Returns the next event and its id; `None` at the end of the stream. Comments in the stream
    /// do not extend the time limit of this call.
    async fn next(&mut self) -> Option<(Option<String>, EventReport)> {
        soon(self.read()).await
    }

    async fn read(&mut self) -> Option<(Option<String>, EventReport)> {
        let (mut id, mut name, mut report) = (None, None, None);
        loop {
            let line = self.line().await?;
            match line.split_once(": ") {
                Some(("id", text)) => id = Some(text.to_owned()),
                Some(("event", text)) => name = Some(text.to_owned()),
                Some(("data", text)) => {
                    report = Some(serde_json::from_str::<EventReport>(text).expect(text));
                }
                _ if line.is_empty() => {
                    if let Some(report) = report {
                        assert_eq!(name.as_deref(), Some(report.name()));
                        return Some((id, report));
                    }
                }
                _ => {}
            }
        }
    }

    async fn report(&mut self) -> EventReport {
        self.next().await.expect("another event").1
    }

    /// Reads events until one matches, and returns the id of that event.
    async fn until(&mut self, wanted: impl Fn(&EventReport) -> bool) -> String {
        loop {
            let (id, report) = self.next().await.expect("another event");
            if wanted(&report) {
                return id.expect("such an event has an id");
            }
        }
    }
}
