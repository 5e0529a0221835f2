use std::{io, net::SocketAddr, time::Duration};

use tokio::{net::TcpStream, task::JoinSet, time::timeout};

use super::error::DialError;

/// The time limit for the connection to one address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the dialler waits for one address before it tries the next address at the same time:
/// the "Connection Attempt Delay" of RFC 8305, section 5.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to this address.
pub(super) async fn connect(address: SocketAddr) -> Result<TcpStream, DialError> {
    let tcp = TcpStream::connect(address)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => DialError::Refused,
            _ => DialError::of(error),
        })?;
    tcp.set_nodelay(true).map_err(DialError::of)?;
    Ok(tcp)
}

/// Connects to the first of these addresses that answers: RFC 8305, "Happy Eyeballs". The addresses
/// are tried in this order. The next address is tried as soon as one attempt has failed, or after
/// [`ATTEMPT_DELAY`]. Each address has a time limit of its own. There must be at least one address.
///
/// # Errors
/// [`DialError::Refused`] only if all addresses refuse. Otherwise the last error that is not a
/// refusal.
pub(super) async fn race(addresses: &[SocketAddr]) -> Result<(SocketAddr, TcpStream), DialError> {
    // With one address, which is the usual case, no task is necessary.
    if let &[address] = addresses {
        return attempt(address).await.1.map(|tcp| (address, tcp));
    }
    let mut waiting = addresses.iter().copied();
    let mut attempts = JoinSet::new();
    let mut worst = DialError::Refused;
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn(attempt(address));
        }
        let ending = attempts.join_next();
        let ended = match waiting.len() {
            0 => ending.await,
            _ => match timeout(ATTEMPT_DELAY, ending).await {
                Ok(ended) => ended,
                Err(_) => continue,
            },
        };
        match ended {
            Some(Ok((address, Ok(tcp)))) => return Ok((address, tcp)),
            Some(Ok((_, Err(DialError::Refused)))) => {}
            Some(Ok((_, Err(error)))) => worst = error,
            Some(Err(error)) => worst = DialError::Io(error.into()),
            None => return Err(worst),
        }
    }
}

async fn attempt(address: SocketAddr) -> (SocketAddr, Result<TcpStream, DialError>) {
    let connected = timeout(CONNECT_TIMEOUT, connect(address)).await;
    (address, connected.unwrap_or(Err(DialError::ConnectTimeout)))
}
