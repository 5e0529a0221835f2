//! Serves a node over HTTP: reports of the leader, events, health checks, metrics and, with a
//! token, commands. This module needs the feature `http`.
//!
//! | route | answer |
//! |---|---|
//! | `GET /` | [`LeaderReport`], with the keys of Kubernetes' leader-elector sidecar |
//! | `GET /leader` | 200 if this node holds the leadership now, else 503; a [`LeaderReport`] |
//! | `GET /follower` | 200 if this node follows another node, else 503; a [`LeaderReport`] |
//! | `GET /v1/status` | [`StatusReport`] |
//! | `GET /v1/members` | [`MembersStatus`], if the members can change |
//! | `GET /v1/events` | server-sent events, each an [`EventReport`]; see below |
//! | `GET /livez` | 200 if the node runs and its thread answers, else 503 with the reason |
//! | `GET /readyz` | 200 if the node is live and can take part in elections, else 503; see below |
//! | `GET /metrics` | metrics, as Prometheus text, or as `OpenMetrics` text on request |
//! | `POST /v1/step-down` | the node steps down |
//! | `POST /v1/members` | changes the members; the body is a [`MembersRequest`] |
//! | `POST /v1/transfer?to=ID` | transfers the leadership to node ID; or as body: `{"to": ID}` |
//!
//! If there is no leader, `/` answers 200 with an empty `name`, as the sidecar does. A node that
//! sees itself as the leader, but whose lease has ended or is not confirmed yet, also answers with
//! an empty `name`: it holds no leadership.
//!
//! `/readyz` answers 200 if all of this is true: the node is live; it votes; it knows a leader or
//! is connected to a majority of the voters; and it is not withdrawn, which means that it takes no
//! leadership any more because its work failed too often. A follower can be ready, too, because
//! probes must not take followers out of service. Without [`Options::peers`], the service cannot
//! know whether the node is connected to a majority. Then a node without a leader is not ready,
//! unless it is the only member.
//!
//! # Events
//!
//! A new reader first receives the event `status`, and then the changes: `viewed`, `granted`,
//! `lost` and `members`. The event `stopped` comes last, when the node stops. Each change has an
//! id. A reader that reconnects with the header `Last-Event-ID`, as browsers do automatically, or
//! with `?after=ID`, continues after the event with this id. If events after that were overwritten
//! in the log, the reader receives their number in the event `lagged`, and continues with the
//! oldest event in the log. An id also identifies the life of the node, which is the run of its
//! process. If the id belongs to another life, the reader receives the event `restarted`, and then
//! all events of the present life that are in the log. `?after=NUMBER` means the event of the
//! present life with this number. A slow reader loses only overwritten events, because each reader
//! reads from the log at its own pace.
//!
//! # Commands
//!
//! Commands need a configured [`Token`], which the client sends as `Authorization: Bearer TOKEN`. A
//! web page cannot make a browser send the token. The answer is 200 if the algorithm has accepted
//! the command, 409 with the reason if the algorithm refuses the command, 202 if the application's
//! work as the leader takes long to end, 503 if the node has stopped, 401 for a wrong token, and
//! 403 if no token is configured. The answers 200 and 202 contain the `epoch` in which the node
//! stops leading. They do not name the next leader. To find the next leader, read `/v1/status`
//! until there is another leader or a later epoch. Everyone who can read the network traffic can
//! read the token: outside loopback, put a proxy with TLS in front of the service.
//!
//! # Protection against clients
//!
//! If the service listens on loopback, it answers 421 to requests that name a host other than this
//! machine: see [`Options::host`].
//!
//! [`Limits`] bounds connections, event readers, headers, bodies and times. Connections are also
//! limited to a quarter of the files that the process may open, because the connections to peers
//! need files, too. The service runs on the runtime of its caller. The node has a thread of its
//! own.
//!
//! ```no_run
//! use elector_core::actor::NodeHandle;
//! use elector_net::http::{self, AddressScope, Options, Token};
//!
//! async fn serve(node: &NodeHandle) -> Result<(), http::HttpError> {
//!     let listener = http::bind("127.0.0.1:7180", AddressScope::Loopback).await?;
//!     let options = Options::new("billing").token(Token::read("token")?);
//!     let stopped = node.clone();
//!     http::serve(listener, node, options, async move {
//!         let _ = stopped.stopped().await;
//!     })
//!     .await;
//!     Ok(())
//! }
//! ```

mod commands;
mod connections;
mod error;
mod event_log;
mod events;
mod hosts;
mod members;
mod members_report;
mod metrics;
mod node;
mod options;
mod peer_metrics;
#[cfg(target_os = "linux")]
mod process;
mod report;
mod routes;
mod server;
mod service;
mod token;
mod write_timeout;

use std::future::Future;

use axum::Router;
use elector_core::actor::NodeHandle;
use tokio::net::TcpListener;

pub use error::HttpError;
pub use members_report::{MemberStatus, MembersRequest, MembersStatus};
pub use options::{Limits, Options, Peers};
pub use prometheus_client;
pub use report::{EventReport, LeaderReport, PeerStatus, StatusReport, TrafficReport};
pub use server::{AddressScope, bind, check};
pub use service::Service;
pub use token::Token;

/// The version of elector, for `/v1/status` and `/metrics`.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Serves a node over HTTP until `shutdown` completes. This function calls [`Service::new`] and
/// [`Service::serve`].
pub async fn serve(
    listener: TcpListener,
    node: &NodeHandle,
    options: Options,
    shutdown: impl Future<Output = ()> + Send,
) {
    let service = Service::new(node, options);
    service.serve(listener, shutdown).await;
}

/// Returns the routes of a node, for an HTTP server of the application. This function calls
/// [`Service::new`] and [`Service::router`].
pub fn router(node: &NodeHandle, options: Options) -> Router {
    Service::new(node, options).router()
}
