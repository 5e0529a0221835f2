use std::{fmt, future::Future, sync::Arc, time::SystemTime};

use axum::Router;
use elector_core::actor::{EventKind, Events, EventsError, NodeHandle};
use prometheus_client::registry::Registry;
use rustix::process::{Resource, getrlimit};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

use super::{
    event_log::{Entry, EventLog},
    metrics::{self, ServiceMetrics},
    node::{ServedNode, end_reason},
    options::{Limits, Options},
    routes::{self, HostCheck},
    server,
    token::Token,
};

/// The HTTP service of a node. It collects the node's events from the creation of the service on. A
/// clone is cheap.
///
/// A service holds a handle of the node. So the node runs until it is shut down, or until all
/// handles are dropped, including those of services and routers.
#[derive(Clone)]
pub struct Service(Arc<CloseOnDrop>);

/// The state that all parts of a service share.
pub(super) struct Shared {
    pub(super) node: Arc<ServedNode>,
    pub(super) log: EventLog,
    pub(super) registry: Registry,
    pub(super) usage: ServiceMetrics,
    pub(super) token: Option<Token>,
    /// The host names that requests on a loopback address may name, in addition to `localhost`.
    pub(super) hosts: Vec<String>,
    pub(super) limits: Limits,
    /// The permits for readers of events. Each reader holds one permit.
    pub(super) readers: Arc<Semaphore>,
    /// Cancelled when all event streams must end.
    pub(super) closing: CancellationToken,
}

/// Ends the event streams when the last [`Service`] or router with this state is dropped.
struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.closing.cancel();
    }
}

impl Service {
    /// Creates the service of a node. This function must be called in a tokio runtime.
    #[must_use]
    pub fn new(node: &NodeHandle, options: Options) -> Self {
        let Options {
            cluster,
            token,
            names,
            address,
            peers,
            metrics,
            hosts,
            limits,
        } = options;
        let limits = limits.within_open_files(getrlimit(Resource::Nofile).current);
        // The service subscribes to the events before it reads the status, so that all later
        // changes are among the events.
        let events = node.events();
        let node = Arc::new(ServedNode::new(
            node.clone(),
            cluster,
            names,
            address,
            peers,
        ));
        let usage = ServiceMetrics::default();
        let mut registry = metrics::registry(&node, &usage);
        for register in metrics {
            register(&mut registry);
        }
        let shared = Arc::new(Shared {
            node,
            log: EventLog::new(limits.events),
            registry,
            usage,
            token,
            hosts,
            readers: Arc::new(Semaphore::new(limits.readers.min(Semaphore::MAX_PERMITS))),
            limits,
            closing: CancellationToken::new(),
        });
        tokio::spawn(record_events(Arc::clone(&shared), events));
        Self(Arc::new(CloseOnDrop(shared)))
    }

    /// Returns the routes, for a server of the application. That server must limit connections and
    /// slow clients, and must check the header `Host`. The limits on readers and requests still
    /// apply. Event streams end when the node stops, or at [`close`](Self::close). If the server
    /// waits for its connections before it ends, the application must stop the node or call
    /// `close`.
    pub fn router(&self) -> Router {
        routes::router(self.clone(), HostCheck::Off)
    }

    /// Serves until `shutdown` completes. Then this method ends the event streams, including those
    /// of other servers of this service, and waits for requests up to [`Limits::drain`].
    ///
    /// On a loopback address, the service answers only requests for `localhost`, for a loopback
    /// address or for a name of [`Options::host`]. Other requests get 421.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) {
        server::serve(self, listener, shutdown).await;
    }

    /// Ends all event streams, and prevents new ones.
    pub fn close(&self) {
        self.shared().closing.cancel();
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0.0
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("node", &self.shared().node)
            .finish_non_exhaustive()
    }
}

/// Writes the events of a node into the log until the node ends or the service is closed.
async fn record_events(shared: Arc<Shared>, mut events: Events) {
    loop {
        let event = tokio::select! {
            biased;
            () = shared.closing.cancelled() => return,
            event = events.next() => event,
        };
        let event = match event {
            Ok(event) => event,
            // The service was too slow, and some events are lost. Readers notice the gap in the
            // numbers.
            Err(EventsError::Lagged { .. }) => continue,
            Err(_) => break,
        };
        if let EventKind::Viewed(view) = event.kind {
            shared.node.count_tenure(view);
        }
        shared.node.current();
        shared.log.append(Entry {
            number: event.number,
            at: SystemTime::now(),
            kind: event.kind,
        });
    }
    // The stream of events ends a moment before the node has stopped.
    let end = tokio::select! {
        biased;
        () = shared.closing.cancelled() => return,
        end = shared.node.handle.stopped() => end,
    };
    shared.node.current();
    shared.log.end(end_reason(end));
}
