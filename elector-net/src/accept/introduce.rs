use std::{net::IpAddr, sync::Arc};

use elector_core::ElectionAlgorithm;
use tokio::{net::TcpStream, time::timeout};

use super::peer::receive;
use crate::{
    link::Link,
    random::random,
    socket::Socket,
    station::{HANDSHAKE, Station},
    stream::{Stream, read_frame, write_frame},
    tls::{Certificate, TlsError},
    wire::{
        hello::{self, Answer, Greeting, Hello},
        refusal::Refusal,
    },
};

/// A connection that has said whose it is, and this node can run an election with that peer.
pub(super) struct Introduced {
    pub(super) link: Arc<Link>,
    pub(super) hello: Hello,
    pub(super) stream: Stream,
}

/// Finds out whose a connection is, off the node's thread, and passes it on to that if it is a
/// peer's.
pub(super) async fn introduce<A: ElectionAlgorithm>(
    station: Arc<Station<A>>,
    tcp: TcpStream,
    from: IpAddr,
) {
    // Without it answers are late, and nothing else.
    let _ = tcp.set_nodelay(true);
    let introduction = async {
        match encrypted(&station, Socket::new(tcp), from).await {
            Some((stream, certificate)) => ask(&station, stream, certificate).await,
            None => Ok(None),
        }
    };
    let introduced = timeout(HANDSHAKE, introduction).await;
    match introduced.unwrap_or(Err(Refusal::Silent)) {
        Ok(Some(introduced)) => {
            let receiving = receive(Arc::clone(&station), introduced, from);
            station.spawn(receiving);
        }
        // It hung up, as a port scanner does, or a peer that only wanted to know who is there.
        Ok(None) => {}
        Err(refusal) => station.refuse(from, &refusal, None),
    }
}

/// The connection under TLS, if this node has TLS; `None` if there is no use for it.
async fn encrypted<A: ElectionAlgorithm>(
    station: &Station<A>,
    socket: Socket,
    from: IpAddr,
) -> Option<(Stream, Option<Certificate>)> {
    let Some(tls) = &station.tls else {
        return Some((Stream::Plain(socket), None));
    };
    match tls.accept(socket).await {
        Ok(accepted) => {
            let certificate = accepted.certificate();
            let stream = Stream::Encrypted(Box::new(accepted.into_stream()));
            Some((stream, Some(certificate)))
        }
        // It hung up.
        Err(TlsError::Closed | TlsError::Connection(_)) => None,
        Err(error) => {
            station.refuse(from, &Refusal::Tls, Some(&error));
            None
        }
    }
}

/// `Ok(None)` if the other side hung up.
async fn ask<A: ElectionAlgorithm>(
    station: &Station<A>,
    mut stream: Stream,
    certificate: Option<Certificate>,
) -> Result<Option<Introduced>, Refusal> {
    let greeting = Greeting {
        versions: hello::VERSIONS,
        number: random(),
    };
    if write_frame(&mut stream, &greeting.write()).await.is_err() {
        return Ok(None);
    }
    let bytes = match read_frame(&mut stream, hello::MOST_BYTES).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(Refusal::Garbage),
        Err(_) => return Ok(None),
    };
    let checked = Hello::read(&bytes, greeting.number)
        .and_then(|hello| station.check(&hello).map(|link| (Arc::clone(link), hello)))
        .and_then(|(link, hello)| {
            // Who it is says the certificate, and not the hello.
            if certificate.is_some_and(|certificate| !certificate.names(hello.from)) {
                return Err(Refusal::Certificate(hello.from));
            }
            Ok((link, hello))
        });
    match checked {
        Ok((link, hello)) => Ok(Some(Introduced {
            link,
            hello,
            stream,
        })),
        Err(refusal) => {
            // If that cannot be said, it hung up, and is refused all the same.
            let answer = Answer::Refused(refusal.clone());
            let _ = write_frame(&mut stream, &answer.write()).await;
            Err(refusal)
        }
    }
}
