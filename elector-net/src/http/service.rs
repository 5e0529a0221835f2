use std::{fmt, future::Future, sync::Arc, time::SystemTime};

use axum::Router;
use elector_core::actor::{EventKind, Events, EventsError, NodeHandle};
use prometheus_client::registry::Registry;
use rustix::process::{Resource, getrlimit};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

use super::{
    log::{Entry, Log},
    metrics::{self, Usage},
    options::{Limits, Options},
    routes, server,
    token::Token,
    watched::{Watched, reason},
};

/// A node, made ready to be served: it remembers the node's events from now on. Cheap to clone.
///
/// It holds a handle of the node, which therefore runs until it is shut down, or until all of its
/// services and routers are dropped too.
#[derive(Clone)]
pub struct Service(Arc<Keeper>);

/// What the parts of a service share.
pub(super) struct Shared {
    pub(super) watched: Arc<Watched>,
    pub(super) log: Log,
    pub(super) registry: Registry,
    pub(super) usage: Usage,
    pub(super) token: Option<Token>,
    /// The names, beside localhost, under which it is asked for on loopback.
    pub(super) hosts: Vec<String>,
    pub(super) limits: Limits,
    /// How many more readers of events there may be.
    pub(super) readers: Arc<Semaphore>,
    /// Cancelled when no more is to be told.
    pub(super) closing: CancellationToken,
}

/// Closes the streams when the last service and router is gone.
struct Keeper(Arc<Shared>);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.closing.cancel();
    }
}

impl Service {
    /// Makes a node ready to be served. Must be called in a tokio runtime.
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
        let limits = limits.within(getrlimit(Resource::Nofile).current);
        // Before anything is looked at: what changes after the look is among the events.
        let events = node.events();
        let node = node.clone();
        let watched = Arc::new(Watched::new(node, cluster, names, address, peers));
        let usage = Usage::default();
        let mut registry = metrics::registry(&watched, &usage);
        for register in metrics {
            register(&mut registry);
        }
        let shared = Arc::new(Shared {
            watched,
            log: Log::new(limits.events),
            registry,
            usage,
            token,
            hosts,
            readers: Arc::new(Semaphore::new(limits.readers.min(Semaphore::MAX_PERMITS))),
            limits,
            closing: CancellationToken::new(),
        });
        tokio::spawn(listen(Arc::clone(&shared), events));
        Self(Arc::new(Keeper(shared)))
    }

    /// The routes, to be mounted into a server of the application's own. That server's limits on
    /// connections and slow clients are its own business, and so is the header `Host`, which is not
    /// looked at; the limits on readers and requests hold. The
    /// streams of events end with the node, or with [`close`](Self::close): a server that waits for
    /// its connections before it ends should see to either.
    pub fn router(&self) -> Router {
        routes::router(self.clone(), false)
    }

    /// Serves until `shutdown` completes; then ends the streams of events, and waits for requests
    /// for no longer than [`Limits::drain`]. Other servers of the same service end their streams
    /// too.
    ///
    /// On a loopback address it answers only those who ask for `localhost`, for a loopback address
    /// or for a name of [`Options::host`]; others get 421.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) {
        server::serve(self, listener, shutdown).await;
    }

    /// Ends all streams of events, also those that are asked for later.
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
            .field("node", &self.shared().watched)
            .finish_non_exhaustive()
    }
}

/// Writes the events of a node into the log until it ends, or nobody is left to read them.
async fn listen(shared: Arc<Shared>, mut events: Events) {
    loop {
        let event = tokio::select! {
            biased;
            () = shared.closing.cancelled() => return,
            event = events.next() => event,
        };
        let event = match event {
            Ok(event) => event,
            // The numbers tell those who read.
            Err(EventsError::Lagged { .. }) => continue,
            Err(_) => break,
        };
        if let EventKind::Viewed(view) = event.kind {
            shared.watched.count(view);
        }
        shared.watched.present();
        shared.log.append(Entry {
            number: event.number,
            at: SystemTime::now(),
            kind: event.kind,
        });
    }
    // The events end a moment before the node does.
    let end = tokio::select! {
        biased;
        () = shared.closing.cancelled() => return,
        end = shared.watched.node.stopped() => end,
    };
    shared.watched.present();
    shared.log.end(reason(end));
}
