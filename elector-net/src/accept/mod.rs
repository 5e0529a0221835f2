//! Who is let in. Whose a connection is, a thread of its own finds out: a TLS handshake takes half
//! a millisecond, and any host that reaches the port can ask for one.

mod budget;
mod introduce;
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
use introduce::introduce;

use crate::{station::Station, wire::refusal::Refusal};

/// How many connections from addresses of peers may wait to be let in, and how many more are looked
/// at in a second. That is more than the peers of a node ever need; but a stranger may share the
/// address of one.
const PEERS: (usize, f64) = (64, 500.0);

/// The same for all other addresses together: a peer may come from one of them, through a gateway.
/// Their handshakes take this thread a twentieth of its time at most.
const STRANGERS: (usize, f64) = (32, 100.0);

/// How long the door stays closed when the operating system has no more sockets to give.
const SHORT_OF_SOCKETS: Duration = Duration::from_millis(20);

/// Accepts connections, on a thread of its own, as fast as they come: those of peers must not wait
/// behind those of strangers. They are let in on the node's thread, when it is known whose they
/// are.
pub(crate) struct Doorkeeper<A: ElectionAlgorithm> {
    station: Arc<Station<A>>,
    peers: Budget,
    strangers: Budget,
}

impl<A: ElectionAlgorithm> Doorkeeper<A> {
    /// Works until the node stops. The listener must be in non-blocking mode.
    ///
    /// # Errors
    /// If the thread cannot be started, or what it needs.
    pub(crate) async fn start(
        station: Arc<Station<A>>,
        listener: net::TcpListener,
    ) -> io::Result<()> {
        let (ready, is_ready) = oneshot::channel();
        let name = format!("elector-door-{}", station.me());
        thread::Builder::new().name(name).spawn(move || {
            let (told, made) = match make(listener) {
                Ok(made) => (Ok(()), Some(made)),
                Err(error) => (Err(error), None),
            };
            // Unless the node was given up meanwhile.
            if ready.send(told).is_ok()
                && let Some((runtime, listener)) = made
            {
                let closing = station.closing.clone();
                let working = Self::new(station).work(listener);
                // Cancelled: the node has stopped.
                let _ = runtime.block_on(closing.run_until_cancelled_owned(working));
            }
        })?;
        is_ready
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the thread has ended")))
    }

    fn new(station: Arc<Station<A>>) -> Self {
        Self {
            station,
            peers: Budget::new(PEERS.0, PEERS.1),
            strangers: Budget::new(STRANGERS.0, STRANGERS.1),
        }
    }

    async fn work(mut self, listener: TcpListener) {
        let mut complained = false;
        loop {
            match listener.accept().await {
                Ok((tcp, from)) => self.pend(tcp, from),
                // This process cannot help it. Peers that are connected go on.
                Err(error) => {
                    if !complained {
                        tracing::error!(
                            node = self.station.me().0, %error,
                            "no connection can be accepted, and peers that are connected stay so: \
                             if too many files are open, raise the limit (ulimit -n, LimitNOFILE)"
                        );
                    }
                    complained = true;
                    tokio::time::sleep(SHORT_OF_SOCKETS).await;
                }
            }
        }
    }

    fn pend(&mut self, tcp: TcpStream, from: SocketAddr) {
        let from = from.ip();
        let (budget, refusal) = if self.station.links.are_at(from) {
            (&mut self.peers, Refusal::Busy)
        } else {
            (&mut self.strangers, Refusal::Crowded)
        };
        if !budget.may_come_in(Instant::now()) {
            // Closed as it is dropped; a peer tries again.
            return self.station.refuse(from, &refusal, &refusal, None);
        }
        let introduction = introduce(Arc::clone(&self.station), tcp, from);
        let pending = tokio::spawn(introduction).abort_handle();
        if let Some(dropped) = budget.add(pending, from) {
            self.station.crowd_out(dropped, &refusal);
        }
    }
}

/// What the thread works with.
fn make(listener: net::TcpListener) -> io::Result<(Runtime, TcpListener)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _context = runtime.enter();
        TcpListener::from_std(listener)?
    };
    Ok((runtime, listener))
}
