use std::{net::IpAddr, sync::Arc};

use elector_core::{ElectionAlgorithm, NodeId};
use tokio::{net::TcpStream, time::timeout};

use super::peer::receive;
use crate::{
    dial::BOTH_SIDES,
    link::Link,
    random::random,
    socket::Socket,
    station::{HANDSHAKE, Station},
    stream::{First, Stream, read_frame, write_frame},
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
        match encrypted(&station, Socket::new(tcp)).await {
            Ok(Some((stream, certificate))) => ask(&station, stream, certificate).await,
            Ok(None) => Ok(None),
            Err(rejection) => Err(rejection),
        }
    };
    let introduced = timeout(HANDSHAKE, introduction).await;
    match introduced.unwrap_or(Err(Refusal::Silent.into())) {
        Ok(Some(introduced)) => {
            let receiving = receive(Arc::clone(&station), introduced, from);
            station.spawn(receiving);
        }
        // It hung up, as a port scanner does, or a peer that only wanted to know who is there.
        Ok(None) => {}
        Err(Rejection {
            refusal,
            told,
            claimed,
        }) => {
            let peer = match claimed {
                Some(node) => station.links.of(node).map(Arc::as_ref),
                // It did not say whose it is.
                None if !refusal.may_pass() => station.links.only_at(from),
                None => None,
            };
            station.refuse(from, &refusal, &told, peer);
        }
    }
}

/// Why a connection is not let in, and what this node says of it.
struct Rejection {
    refusal: Box<Refusal>,
    told: String,
    /// Whose it says that it is.
    claimed: Option<NodeId>,
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self {
            told: refusal.to_string(),
            refusal: Box::new(refusal),
            claimed: None,
        }
    }
}

impl Rejection {
    fn told(refusal: Refusal, told: String) -> Self {
        Self {
            told,
            ..refusal.into()
        }
    }

    /// Of a connection that has said this. The refusal has what this node says of itself.
    fn of(refusal: Refusal, hello: &Hello) -> Self {
        let told = match &refusal {
            Refusal::Cluster(mine) => format!(
                "it belongs to the cluster {:?}, and this node to {mine:?}: correct the address, \
                 or the cluster's name",
                hello.cluster
            ),
            Refusal::Algorithm(mine) => format!(
                "it runs {:?}, and this node {mine:?}: all nodes of a cluster must run the same \
                 algorithm",
                hello.algorithm
            ),
            other => other.to_string(),
        };
        Self {
            claimed: Some(hello.from),
            ..Self::told(refusal, told)
        }
    }
}

/// A connection, and the certificate that it has shown if it is encrypted.
type Begun = (Stream, Option<Certificate>);

/// The connection under TLS, if this node has TLS; `Ok(None)` if the other side hung up.
async fn encrypted<A: ElectionAlgorithm>(
    station: &Station<A>,
    socket: Socket,
) -> Result<Option<Begun>, Rejection> {
    let Some(tls) = &station.tls else {
        return Ok(Some((Stream::Plain(socket), None)));
    };
    match tls.accept(socket).await {
        Ok(accepted) => {
            let certificate = accepted.certificate();
            let stream = Stream::Encrypted(Box::new(accepted.into_stream()));
            Ok(Some((stream, Some(certificate))))
        }
        Err(TlsError::Closed | TlsError::Connection(_)) => Ok(None),
        Err(error) => Err(Rejection::told(Refusal::Tls, error.to_string())),
    }
}

/// `Ok(None)` if the other side hung up.
async fn ask<A: ElectionAlgorithm>(
    station: &Station<A>,
    mut stream: Stream,
    certificate: Option<Certificate>,
) -> Result<Option<Introduced>, Rejection> {
    let greeting = Greeting {
        versions: hello::VERSIONS,
        number: random(),
    };
    if write_frame(&mut stream, &greeting.write()).await.is_err() {
        return Ok(None);
    }
    let bytes = match read_frame(&mut stream, hello::MOST_BYTES).await {
        Ok(First::Frame(bytes)) => bytes,
        Ok(First::Tls) => {
            let told = format!("it speaks TLS, and this node does not: {BOTH_SIDES}");
            return Err(Rejection::told(Refusal::Garbage, told));
        }
        Ok(First::TooLong) => return Err(Refusal::Garbage.into()),
        Err(_) => return Ok(None),
    };
    let read = Hello::read(&bytes, greeting.number).map_err(Rejection::from);
    let checked = read.and_then(|hello| {
        let link = station.check(&hello).and_then(|link| {
            // Who it is says the certificate, and not the hello.
            match certificate.is_none_or(|certificate| certificate.names(hello.from)) {
                true => Ok(Arc::clone(link)),
                false => Err(Refusal::Certificate(hello.from)),
            }
        });
        match link {
            Ok(link) => Ok((link, hello)),
            Err(refusal) => Err(Rejection::of(refusal, &hello)),
        }
    });
    match checked {
        Ok((link, hello)) => Ok(Some(Introduced {
            link,
            hello,
            stream,
        })),
        Err(rejection) => {
            // If that cannot be said, it hung up, and is refused all the same.
            let answer = Answer::Refused((*rejection.refusal).clone());
            let _ = write_frame(&mut stream, &answer.write()).await;
            Err(rejection)
        }
    }
}
