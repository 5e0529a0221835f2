//! Accepts and admits connections. A separate thread finds out which peer a connection belongs to:
//! a TLS handshake takes half a millisecond of processor time, and any host that reaches the port
//! can ask for one.

mod budget;
mod handshake;
mod peer;

use std::{
    io,
    net::{self, SocketAddr},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use elector_core::ElectionAlgorithm;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::oneshot,
};

use budget::Budget;
use handshake::handshake;

use crate::{context::NodeContext, wire::rejection::Rejection};

/// For connections from the addresses of peers: the maximum number of pending handshakes, and of
/// new ones per second. The peers of a node never need so many handshakes. The limits are for
/// unknown processes that connect from the address of a peer.
const PEER_BUDGET: (usize, f64) = (64, 500.0);

/// For connections from all other addresses together: the maximum number of pending handshakes, and
/// of new ones per second. A peer may connect from such an address if it is behind a gateway. These
/// handshakes take at most a twentieth of the time of the thread that accepts connections.
const UNKNOWN_BUDGET: (usize, f64) = (32, 100.0);

/// The pause after a connection could not be accepted, usually because too many files are open.
const NO_SOCKETS_PAUSE: Duration = Duration::from_millis(20);

/// Accepts connections as fast as they arrive, on a separate thread, so that peers do not wait
/// behind unknown processes. When a handshake has shown that a connection belongs to a peer, the
/// node's thread admits or rejects it.
pub(crate) struct Acceptor<A: ElectionAlgorithm> {
    context: Arc<NodeContext<A>>,
    peers: Budget,
    unknown: Budget,
}

impl<A: ElectionAlgorithm> Acceptor<A> {
    /// Starts a thread that runs until the node stops. The listener must be in non-blocking mode.
    ///
    /// # Errors
    /// If the thread or its runtime cannot be started.
    pub(crate) async fn start(
        context: Arc<NodeContext<A>>,
        listener: net::TcpListener,
    ) -> io::Result<()> {
        let (ready, is_ready) = oneshot::channel();
        let name = format!("elector-tcp-{}", context.me());
        thread::Builder::new().name(name).spawn(move || {
            let (result, created) = match create(listener) {
                Ok(created) => (Ok(()), Some(created)),
                Err(error) => (Err(error), None),
            };
            // If `send` fails, the start of the node was cancelled meanwhile.
            if ready.send(result).is_ok()
                && let Some((runtime, listener)) = created
            {
                let shutdown = context.shutdown.clone();
                let running = Self::new(context).run(listener);
                // The result is `None`: the loop ends only when the node stops.
                let _ = runtime.block_on(shutdown.run_until_cancelled_owned(running));
            }
        })?;
        is_ready
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the thread has ended")))
    }

    fn new(context: Arc<NodeContext<A>>) -> Self {
        Self {
            context,
            peers: Budget::new(PEER_BUDGET.0, PEER_BUDGET.1),
            unknown: Budget::new(UNKNOWN_BUDGET.0, UNKNOWN_BUDGET.1),
        }
    }

    async fn run(mut self, listener: TcpListener) {
        let mut is_logged = false;
        loop {
            match listener.accept().await {
                Ok((tcp, from)) => self.begin_handshake(tcp, from),
                // The usual error is that too many files are open, which this process cannot repair
                // itself. Peers that are already connected are not affected.
                Err(error) => {
                    if !is_logged {
                        tracing::error!(
                            node = self.context.me().0, %error,
                            "connections cannot be accepted; peers that are connected stay \
                             connected: if too many files are open, raise the limit (ulimit -n, \
                             LimitNOFILE)"
                        );
                    }
                    is_logged = true;
                    tokio::time::sleep(NO_SOCKETS_PAUSE).await;
                }
            }
        }
    }

    fn begin_handshake(&mut self, tcp: TcpStream, from: SocketAddr) {
        let from = from.ip();
        let (budget, rejection) = if self.context.links.has_address(from) {
            (&mut self.peers, Rejection::Busy)
        } else {
            (&mut self.unknown, Rejection::Crowded)
        };
        if !budget.take(Instant::now()) {
            // The connection is closed when it is dropped here. A peer tries again.
            return self.context.reject(from, &rejection, &rejection, None);
        }
        let handshake = handshake(Arc::clone(&self.context), tcp, from);
        let pending = tokio::spawn(handshake).abort_handle();
        if let Some(dropped) = budget.add(pending, from) {
            self.context.crowd_out(dropped, &rejection);
        }
    }
}

/// Creates the runtime of the thread, and the listener on this runtime.
fn create(listener: net::TcpListener) -> io::Result<(Runtime, TcpListener)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _entered = runtime.enter();
        TcpListener::from_std(listener)?
    };
    Ok((runtime, listener))
}
