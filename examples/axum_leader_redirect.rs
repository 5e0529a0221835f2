//! A web service of three nodes in which only the leader writes. The other nodes redirect clients
//! to the leader. Run it with `cargo run --release --features net --example axum_leader_redirect`.
//!
//! A client can send a request to any node. A follower answers 307 with the leader's address, and
//! HTTP clients follow this redirect. The leader writes under its fencing token. All three nodes
//! are in this process so that the example can stop one. In production, each process has one
//! `Service`.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use elector::{BoxError, Elector, Fence, Leadership, Quorum, Raft, actor::Peer, net::NetBuilder};
use tokio::net::TcpListener;

/// The store of the orders. All nodes write to the same database.
#[derive(Default)]
struct Database {
    fence: Fence,
    orders: u64,
}

/// One node of the web service.
struct Service {
    elector: Elector<Quorum>,
    /// The newest leadership of this node, if it has led. After the leadership has ended, its
    /// `token` returns an error.
    leadership: Mutex<Option<Leadership<Quorum>>>,
    /// The addresses of the web servers, in the order of the node ids.
    web: Vec<SocketAddr>,
    database: Arc<Mutex<Database>>,
}

/// Handles `POST /orders`.
async fn order(State(service): State<Arc<Service>>) -> Response {
    match service.write() {
        Ok(number) => {
            format!("order {number} by node {}", service.elector.node_id()).into_response()
        }
        // This node does not lead, so send the client to the leader.
        Err(_) => service.redirect(),
    }
}

/// Handles `GET /ready`: returns 200, or 503 if this node has withdrawn. A node withdraws, which
/// means that it takes no leadership any more, when its work has failed several times.
async fn ready(State(service): State<Arc<Service>>) -> Response {
    let work = service.elector.status().work;
    match work.failure.filter(|_| work.is_withdrawn) {
        Some(failure) => (StatusCode::SERVICE_UNAVAILABLE, failure.to_string()).into_response(),
        None => "ready".into_response(),
    }
}

impl Service {
    fn write(&self) -> Result<u64, BoxError> {
        let leadership = self.leadership.lock().map_err(|_| "a writer panicked")?;
        let token = leadership.as_ref().ok_or("a follower")?.token()?;
        let mut database = self.database.lock().map_err(|_| "a writer panicked")?;
        database.fence.admit(token)?;
        database.orders += 1;
        Ok(database.orders)
    }

    fn redirect(&self) -> Response {
        let leader = self.elector.status().leader;
        let place = leader.and_then(|leader| usize::try_from(leader.0).ok());
        let web = place.and_then(|place| self.web.get(place.checked_sub(1)?));
        match web {
            Some(web) => Redirect::temporary(&format!("http://{web}/orders")).into_response(),
            None => (StatusCode::SERVICE_UNAVAILABLE, "no leader: try again").into_response(),
        }
    }

    /// Stores the leadership whenever this node leads.
    async fn lead(self: Arc<Self>) {
        let work = self.elector.lead(async |me| {
            let lost = me.cancellation();
            if let Ok(mut held) = self.leadership.lock() {
                *held = Some(me);
            }
            lost.cancelled().await;
        });
        if let Err(error) = work.await {
            // The work failed several times, or the node stopped. Another node takes over. This
            // node still redirects, and `/ready` reports the failure of the work to the operator.
            eprintln!("node {}: {error}", self.elector.node_id());
        }
    }
}

async fn start(
    id: u64,
    peers: &[Peer],
    web: (TcpListener, Vec<SocketAddr>),
    folder: &Path,
    database: &Arc<Mutex<Database>>,
) -> Result<Arc<Service>, BoxError> {
    let node = Elector::builder("shop")
        .algorithm::<Raft>()
        .node_id(id)
        .peers(peers.iter().cloned())
        .data_dir(folder.join(id.to_string()));
    node.format()?;
    let service = Arc::new(Service {
        elector: node.start().await?,
        leadership: Mutex::new(None),
        web: web.1,
        database: Arc::clone(database),
    });
    tokio::spawn(Arc::clone(&service).lead());
    let router = Router::new()
        .route("/orders", post(order))
        .route("/ready", get(ready))
        .with_state(Arc::clone(&service));
    tokio::spawn(async move { axum::serve(web.0, router).await });
    Ok(service)
}

/// Sends an order to this node as a client does, and follows redirects.
async fn place_order(web: SocketAddr) -> Result<String, BoxError> {
    let response = tokio::task::spawn_blocking(move || {
        let mut at = format!("http://{web}/orders");
        let agent = ureq::Agent::config_builder()
            .max_redirects(0)
            .build()
            .new_agent();
        for _ in 0..200 {
            match agent.post(&at).send_empty() {
                Ok(answer) if answer.status() == 307 => {
                    let to = answer.headers().get("location").ok_or("no location")?;
                    at = to.to_str()?.to_owned();
                    println!("    redirected to {at}");
                }
                Ok(mut answer) => return Ok(answer.body_mut().read_to_string()?),
                // There is no leader yet, or the leader has just stopped.
                Err(_) => {
                    std::thread::sleep(Duration::from_millis(20));
                    at = format!("http://{web}/orders");
                }
            }
        }
        Err::<String, BoxError>("no node takes orders".into())
    });
    response.await?
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let folder = tempfile::tempdir()?;
    let database = Arc::new(Mutex::new(Database::default()));
    let (mut peers, mut web, mut listeners) = (Vec::new(), Vec::new(), Vec::new());
    for id in 1..=3 {
        let reserved = std::net::TcpListener::bind("127.0.0.1:0")?;
        peers.push(Peer::from((id, reserved.local_addr()?.to_string())));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        web.push(listener.local_addr()?);
        listeners.push(listener);
    }
    let mut services = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        let web = (listener, web.clone());
        services.push(start(id, &peers, web, folder.path(), &database).await?);
    }
    println!("Three nodes serve POST /orders. A client sends an order to each of them:");
    for &web in &web {
        println!("  {web}: {}", place_order(web).await?);
    }
    let leader = services
        .iter()
        .position(|s| s.elector.status().holds_leadership());
    let leader = services.remove(leader.ok_or("no node leads")?);
    println!(
        "\nNode {} leaves. The others continue to take orders:",
        leader.elector.node_id()
    );
    leader.elector.leave(Duration::from_secs(5)).await?;
    for service in &services {
        let id = usize::try_from(service.elector.node_id().0)?;
        println!("  {}: {}", web[id - 1], place_order(web[id - 1]).await?);
    }
    println!("\nLook at: every request reaches the leader, and no order is lost.");
    Ok(())
}
