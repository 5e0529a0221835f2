use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::{
    Request, body::Incoming, server::conn::http1, service::Service as _, service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream, lookup_host},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    connections::{ConnectionSlot, Connections, SocketPermit},
    error::HttpError,
    options::Limits,
    routes::{self, HostCheck},
    service::Service,
    write_timeout::WriteTimeout,
};

/// The maximum length of a request's head, and of the buffer of a connection, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The maximum number of headers of a request.
const MAX_HEADERS: usize = 64;
/// The delay after a connection could not be accepted. The process may have no free file
/// descriptor.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// The addresses on which [`bind`] may listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressScope {
    /// Only loopback addresses.
    Loopback,
    /// All addresses, including those that other machines can reach.
    Any,
}

/// Listens on `address`, as in `127.0.0.1:7180`. The service has no TLS, and it reports the state
/// of the cluster without authentication. So this function rejects an address that other machines
/// can reach, unless `allowed` is [`AddressScope::Any`].
///
/// # Errors
/// If the address is invalid, if `allowed` does not include it, or if the operating system cannot
/// listen on it.
pub async fn bind(address: &str, allowed: AddressScope) -> Result<TcpListener, HttpError> {
    let found = check(address, allowed).await?;
    let bound = TcpListener::bind(&found[..]).await;
    bound.map_err(|error| HttpError::Bind {
        address: address.to_owned(),
        error,
    })
}

/// Checks whether [`bind`] may listen on `address`, and returns its socket addresses.
///
/// # Errors
/// The errors of [`bind`], except the error that the operating system cannot listen on the address.
pub async fn check(address: &str, allowed: AddressScope) -> Result<Vec<SocketAddr>, HttpError> {
    let found = lookup_host(address).await;
    let found: Vec<_> = match found {
        Ok(found) => found.collect(),
        Err(error) => {
            let address = address.to_owned();
            return Err(HttpError::Address { address, error });
        }
    };
    // All addresses are checked: a name can resolve to several addresses, and the service may
    // listen on any of them.
    let beyond = found
        .iter()
        .find(|found| !found.ip().to_canonical().is_loopback());
    if let Some(&beyond) = beyond.filter(|_| allowed == AddressScope::Loopback) {
        return Err(HttpError::BeyondLoopback(beyond));
    }
    Ok(found)
}

pub(super) async fn serve(
    service: &Service,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) {
    let shared = service.shared();
    let limits = shared.limits;
    let connections = Connections::new(limits.connections, shared.usage.clone());
    let bound = listener.local_addr();
    if let Ok(address) = &bound {
        tracing::info!(%address, "HTTP listening");
    }
    let check = match bound {
        Ok(bound) if bound.ip().to_canonical().is_loopback() => HostCheck::ThisMachine,
        _ => HostCheck::Off,
    };
    let router = routes::router(service.clone(), check);
    let ending = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = tasks.join_next() => {}
            accepted = accept(&listener, &connections) => match accepted {
                Ok((stream, permit)) => if let Some(slot) = connections.admit(permit) {
                    let (router, ending) = (router.clone(), ending.clone());
                    tasks.spawn(serve_connection(stream, slot, router, limits, ending));
                }
                Err(error) if is_connection_error(&error) => {}
                Err(error) => {
                    tracing::debug!(%error, "HTTP connection could not be accepted");
                    sleep(ACCEPT_RETRY_DELAY).await;
                }
            },
        }
    }
    drop(listener);
    service.close();
    ending.cancel();
    let drained = timeout(limits.drain, async {
        while tasks.join_next().await.is_some() {}
    });
    if drained.await.is_err() {
        tracing::debug!("open HTTP requests were cancelled");
    }
    tasks.shutdown().await;
}

/// Waits until the limit on open sockets allows another socket, and then accepts the next
/// connection.
async fn accept(
    listener: &TcpListener,
    connections: &Connections,
) -> io::Result<(TcpStream, SocketPermit)> {
    let permit = connections.socket_permit().await;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

/// Serves one connection until it ends, until a new connection takes its place among the limited
/// number of connections (its slot), or until the service stops.
async fn serve_connection(
    stream: TcpStream,
    slot: ConnectionSlot,
    router: Router,
    limits: Limits,
    ending: CancellationToken,
) {
    // Answers are small and clients wait for them, so they must be sent without a delay.
    let _ = stream.set_nodelay(true);
    let slot = Arc::new(slot);
    let counted_slot = Arc::clone(&slot);
    let router = TowerToHyperService::new(router);
    let answers = service_fn(move |mut request: Request<Incoming>| {
        let active = counted_slot.begin_request();
        // A stream of events keeps this clone until the stream ends, so that its connection never
        // counts as idle.
        request.extensions_mut().insert(active.clone());
        let answer = router.call(request);
        async move {
            let answer = answer.await;
            drop(active);
            answer
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.request)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_HEAD_BYTES);
    let stream = TokioIo::new(WriteTimeout::new(stream, limits.write));
    let mut serving = pin!(http.serve_connection(stream, answers));
    // The result of a connection is not logged: a flood of bad connections must not fill the log.
    tokio::select! {
        _ = serving.as_mut() => return,
        () = slot.evicted() => return,
        () = ending.cancelled() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

/// Returns `true` if an error concerns only the new connection, and not the listener.
fn is_connection_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
