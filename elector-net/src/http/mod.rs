//! A node over HTTP: who leads, what happens, how it fares, and, for those with a token, commands.
//! Feature `http`.
//!
//! | route | answer |
//! |---|---|
//! | `GET /` | [`LeaderReport`], with the keys of Kubernetes' leader-elector sidecar |
//! | `GET /leader` | 200 where the leadership is held now, else 503; a [`LeaderReport`] |
//! | `GET /follower` | 200 where another node is followed, else 503; a [`LeaderReport`] |
//! | `GET /v1/status` | [`StatusReport`] |
//! | `GET /v1/events` | server-sent events, each an [`EventReport`]; see below |
//! | `GET /livez` | 200 while the node runs and its thread answers, else 503 with the reason |
//! | `GET /readyz` | 200 while the node is live and knows a leader or reaches a majority, else 503 |
//! | `GET /metrics` | metrics, as Prometheus text, or as `OpenMetrics` text if asked for |
//! | `POST /v1/step-down` | the node gives its leadership back |
//! | `POST /v1/transfer?to=ID` | transfers the leadership to node ID; also `{"to": ID}` as the body |
//!
//! Where there is no leader, `/` answers 200 with an empty `name`, as the sidecar does. A node that
//! takes itself for the leader without holding a leadership, for its lease has run out or is not
//! yet confirmed, tells an empty `name` too. `/readyz` has nothing to do with being the leader:
//! probes must not take followers out of service. Without [`Options::peers`] the service cannot
//! tell whether a majority is reached, and a node without a leader is not ready.
//!
//! # Events
//!
//! A reader that connects is first told the `status`, then news: `viewed`, `granted`, `lost`, and
//! `stopped` at the end. News have ids; one that connects again with the header `Last-Event-ID`, as
//! browsers do by themselves, or with `?after=ID`, goes on behind that event. If events in between
//! were overwritten, it is told by `lagged` how many, and goes on with the oldest kept. An id says
//! which run of the node it is of; to one from another run, `restarted` is told, then all that is
//! kept of this run. `?after=NUMBER` means an event of this run. Reading too slowly loses nothing
//! but what is overwritten: a reader has no queue of its own.
//!
//! # Commands
//!
//! Nothing can be changed without a configured [`Token`], shown as `Authorization: Bearer TOKEN`;
//! no page in a browser can make another's browser show it. The answer is 200 when the algorithm
//! has taken the command, 409 with its words when it refuses, 202 when the work of the leader takes
//! long to end, 503 when the node has stopped; 401 for a wrong token, 403 if none is configured.
//! 200 and 202 tell the `epoch` that the node gives up, not who leads next: that is in
//! `/v1/status`, as soon as it shows another leader, or a later epoch.
//! All who can listen on the wire learn the token: beyond loopback, put a proxy with TLS in front.
//!
//! # What others can do to it
//!
//! On loopback, requests that name another host than this machine are answered with 421:
//! [`Options::host`].
//!
//! Connections, readers of events, heads, bodies and times are bounded by [`Limits`], connections
//! also by a quarter of the files that the process may open: the rest is for peers. The service
//! runs on the runtime that it is called from: the node has a thread of its own.
//!
//! ```no_run
//! use elector_core::actor::NodeHandle;
//! use elector_net::http::{self, Options, Token};
//!
//! async fn tell(node: &NodeHandle) -> Result<(), http::HttpError> {
//!     let listener = http::bind("127.0.0.1:7180", false).await?;
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
mod events;
mod hosts;
mod log;
mod metrics;
mod options;
#[cfg(target_os = "linux")]
mod process;
mod report;
mod routes;
mod server;
mod service;
mod stall;
mod token;
mod watched;
mod wires;

use std::future::Future;

use axum::Router;
use elector_core::actor::NodeHandle;
use tokio::net::TcpListener;

pub use error::HttpError;
pub use options::{Limits, Options, Peers};
pub use prometheus_client;
pub use report::{EventReport, LeaderReport, PeerStatus, StatusReport, TrafficReport};
pub use server::{bind, check};
pub use service::Service;
pub use token::Token;

/// The version of elector, as `/v1/status` and `/metrics` tell it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Serves a node until `shutdown` completes: [`Service::new`] and [`Service::serve`] in one.
pub async fn serve(
    listener: TcpListener,
    node: &NodeHandle,
    options: Options,
    shutdown: impl Future<Output = ()> + Send,
) {
    let service = Service::new(node, options);
    service.serve(listener, shutdown).await;
}

/// The routes of a node, for a server of the application's own: [`Service::new`] and
/// [`Service::router`] in one.
pub fn router(node: &NodeHandle, options: Options) -> Router {
    Service::new(node, options).router()
}
