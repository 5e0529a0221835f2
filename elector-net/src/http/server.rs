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
    connections::{Connections, Place, Room},
    error::HttpError,
    options::Limits,
    routes,
    service::Service,
    stall::Stalling,
};

/// The most that the head of a request may have, in bytes, and the buffer of a connection.
const MOST_BYTES: usize = 16 * 1024;
/// The most headers of a request.
const MOST_HEADERS: usize = 64;
/// How long to wait when no connection can be accepted: the process may have no descriptor left.
const BREATH: Duration = Duration::from_millis(100);

/// Listens on `address`, as in `127.0.0.1:7180`. The service has no TLS, and tells everybody who
/// asks about the cluster: an address that other machines can reach is refused unless that is
/// allowed.
///
/// # Errors
/// If the address is no address, is not a loopback one without being allowed, or cannot be had.
pub async fn bind(address: &str, allow_beyond_loopback: bool) -> Result<TcpListener, HttpError> {
    let found = check(address, allow_beyond_loopback).await?;
    let bound = TcpListener::bind(&found[..]).await;
    bound.map_err(|source| HttpError::Bind {
        address: address.to_owned(),
        source,
    })
}

/// Checks whether [`bind`] may listen on `address`, and returns the addresses that it stands for.
///
/// # Errors
/// As [`bind`], except if the address cannot be had.
pub async fn check(
    address: &str,
    allow_beyond_loopback: bool,
) -> Result<Vec<SocketAddr>, HttpError> {
    let found = lookup_host(address).await;
    let found: Vec<_> = match found {
        Ok(found) => found.collect(),
        Err(source) => {
            let address = address.to_owned();
            return Err(HttpError::Address { address, source });
        }
    };
    // All of them: which one a name stands for is for the resolver to say.
    let beyond = found
        .iter()
        .find(|found| !found.ip().to_canonical().is_loopback());
    if let Some(&beyond) = beyond.filter(|_| !allow_beyond_loopback) {
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
    let on_loopback = bound.is_ok_and(|bound| bound.ip().to_canonical().is_loopback());
    let router = routes::router(service.clone(), on_loopback);
    let ending = CancellationToken::new();
    let mut talks = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = talks.join_next() => {}
            accepted = accept(&listener, &connections) => match accepted {
                Ok((stream, room)) => if let Some(place) = connections.admit(room) {
                    talks.spawn(talk(stream, place, router.clone(), limits, ending.clone()));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::debug!(%error, "no HTTP connection can be accepted");
                    sleep(BREATH).await;
                }
            },
        }
    }
    drop(listener);
    service.close();
    ending.cancel();
    let drained = timeout(limits.drain, async {
        while talks.join_next().await.is_some() {}
    });
    if drained.await.is_err() {
        tracing::debug!("HTTP requests were cut short");
    }
    talks.shutdown().await;
}

/// The next connection, as soon as another socket may be open.
async fn accept(
    listener: &TcpListener,
    connections: &Connections,
) -> io::Result<(TcpStream, Room)> {
    let room = connections.room().await;
    let (stream, _) = listener.accept().await?;
    Ok((stream, room))
}

/// Answers one connection until it ends, or must.
async fn talk(
    stream: TcpStream,
    place: Place,
    router: Router,
    limits: Limits,
    ending: CancellationToken,
) {
    // An answer is small, and waited for.
    let _ = stream.set_nodelay(true);
    let place = Arc::new(place);
    let asked = Arc::clone(&place);
    let router = TowerToHyperService::new(router);
    let answers = service_fn(move |mut request: Request<Incoming>| {
        let busy = asked.busy();
        // A stream of events keeps a clone for as long as it lasts.
        request.extensions_mut().insert(busy.clone());
        let answer = router.call(request);
        async move {
            let answer = answer.await;
            drop(busy);
            answer
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.request)
        .max_headers(MOST_HEADERS)
        .max_header_size(MOST_BYTES)
        .max_buf_size(MOST_BYTES);
    let stream = TokioIo::new(Stalling::new(stream, limits.write));
    let mut talk = pin!(http.serve_connection(stream, answers));
    // How a connection ended is of no interest, and a flood of bad ones must not fill the log.
    tokio::select! {
        _ = talk.as_mut() => return,
        () = place.evicted() => return,
        () = ending.cancelled() => talk.as_mut().graceful_shutdown(),
    }
    let _ = talk.await;
}

/// Whether an error is of the connection that came, and not of the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
