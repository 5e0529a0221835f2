use std::{io, net::SocketAddr, time::Duration};

use tokio::{net::TcpStream, task::JoinSet, time::timeout};

use super::error::DialError;

/// How long one address may take to answer.
const LIMIT: Duration = Duration::from_secs(1);

/// How long an address is waited for before the next one is tried beside it: the "Connection
/// Attempt Delay" of RFC 8305, section 5.
const STAGGER: Duration = Duration::from_millis(250);

/// A connection to this address.
pub(super) async fn open(address: SocketAddr) -> Result<TcpStream, DialError> {
    let tcp = TcpStream::connect(address)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => DialError::NobodyThere,
            _ => DialError::of(error),
        })?;
    tcp.set_nodelay(true).map_err(DialError::of)?;
    Ok(tcp)
}

/// A connection to the first of these addresses that answers: RFC 8305, "Happy Eyeballs". They are
/// tried in this order, the next one as soon as one has failed or has been silent for [`STAGGER`];
/// each has a time limit of its own. There must be at least one.
///
/// # Errors
/// [`DialError::NobodyThere`] only if all addresses refuse; else the last other error.
pub(super) async fn race(addresses: &[SocketAddr]) -> Result<(SocketAddr, TcpStream), DialError> {
    // The usual case needs no task.
    if let &[address] = addresses {
        return attempt(address).await.1.map(|tcp| (address, tcp));
    }
    let mut waiting = addresses.iter().copied();
    let mut attempts = JoinSet::new();
    let mut worst = DialError::NobodyThere;
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn(attempt(address));
        }
        let ending = attempts.join_next();
        let ended = match waiting.len() {
            0 => ending.await,
            _ => match timeout(STAGGER, ending).await {
                Ok(ended) => ended,
                Err(_) => continue,
            },
        };
        match ended {
            Some(Ok((address, Ok(tcp)))) => return Ok((address, tcp)),
            Some(Ok((_, Err(DialError::NobodyThere)))) => {}
            Some(Ok((_, Err(error)))) => worst = error,
            Some(Err(error)) => worst = DialError::Io(error.into()),
            None => return Err(worst),
        }
    }
}

async fn attempt(address: SocketAddr) -> (SocketAddr, Result<TcpStream, DialError>) {
    let opened = timeout(LIMIT, open(address)).await;
    (address, opened.unwrap_or(Err(DialError::TooLong)))
}
