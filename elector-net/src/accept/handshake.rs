use std::{net::IpAddr, sync::Arc};

use elector_core::{ElectionAlgorithm, NodeId};
use tokio::{net::TcpStream, time::timeout};

use super::peer::receive;
use crate::{
    context::{HANDSHAKE_TIMEOUT, NodeContext},
    dial::SAME_TLS,
    link::Link,
    random::random,
    socket::Socket,
    stream::{FirstFrame, Stream, read_frame, write_frame},
    tls::{Certificate, TlsError},
    wire::{
        hello::{self, Answer, Greeting, Hello, Versions},
        rejection::Rejection,
    },
};

/// A connection on which the peer has described itself in a hello that this node accepts. So this
/// node can run an election with the peer.
pub(super) struct IdentifiedPeer {
    pub(super) link: Arc<Link>,
    pub(super) hello: Hello,
    /// The version of the protocol on this connection, which decides the format of its frames.
    pub(super) version: u16,
    pub(super) stream: Stream,
}

/// Finds out which peer an incoming connection belongs to. This function does not run on the node's
/// thread. If the connection belongs to a peer, the function passes it on to the node's thread.
pub(super) async fn handshake<A: ElectionAlgorithm>(
    context: Arc<NodeContext<A>>,
    tcp: TcpStream,
    from: IpAddr,
) {
    // If this call fails, the kernel delays small answers. There is no other effect.
    let _ = tcp.set_nodelay(true);
    let identification = async {
        match start_tls(&context, Socket::new(tcp)).await {
            Ok(Some((stream, certificate))) => {
                identify(&context, stream, certificate, from.to_canonical()).await
            }
            Ok(None) => Ok(None),
            Err(rejected) => Err(rejected),
        }
    };
    let identified = timeout(HANDSHAKE_TIMEOUT, identification).await;
    match identified.unwrap_or(Err(Rejection::Silent.into())) {
        Ok(Some(peer)) => {
            let receiving = receive(Arc::clone(&context), peer, from);
            context.spawn(receiving);
        }
        // The other side closed the connection. A port scanner does this. A peer does this, too, if
        // it only wants to know which process answers.
        Ok(None) => {}
        Err(RejectedConnection {
            rejection,
            reason,
            claimed,
        }) => {
            let peer = match claimed {
                Some(node) => context.links.of(node),
                // The other side did not send its id. If this node expects exactly one peer at this
                // address, the rejection counts as one of that peer.
                None if !rejection.is_temporary() => context.links.only_at(from),
                None => None,
            };
            context.reject(from, &rejection, &reason, peer.as_deref());
        }
    }
}

/// The reason why a connection is not admitted, and the text for this node's log.
struct RejectedConnection {
    rejection: Box<Rejection>,
    reason: String,
    /// The node that the other side claims to be.
    claimed: Option<NodeId>,
}

impl From<Rejection> for RejectedConnection {
    fn from(rejection: Rejection) -> Self {
        Self {
            reason: rejection.to_string(),
            rejection: Box::new(rejection),
            claimed: None,
        }
    }
}

impl RejectedConnection {
    fn with_reason(rejection: Rejection, reason: String) -> Self {
        Self {
            reason,
            ..rejection.into()
        }
    }

    /// Rejects a connection on which this hello, the description of the other side, was received.
    /// The rejection itself contains only values of this node, so the text for the log adds the
    /// values of the other side.
    fn of(rejection: Rejection, hello: &Hello) -> Self {
        let reason = match &rejection {
            Rejection::Cluster(own) => format!(
                "the other side belongs to the cluster {:?}, and this node to {own:?}: correct the \
                 address, or the cluster's name",
                hello.cluster
            ),
            Rejection::Algorithm(own) => format!(
                "the other side runs {:?}, and this node {own:?}: all nodes of a cluster must run \
                 the same algorithm",
                hello.algorithm
            ),
            other => other.to_string(),
        };
        Self {
            claimed: Some(hello.from),
            ..Self::with_reason(rejection, reason)
        }
    }
}

/// A connection on which the handshake can begin. If it is encrypted, it has the certificate of the
/// other side.
type Started = (Stream, Option<Certificate>);

/// Starts TLS if this node has TLS. Returns `Ok(None)` if the other side closed the connection.
async fn start_tls<A: ElectionAlgorithm>(
    context: &NodeContext<A>,
    socket: Socket,
) -> Result<Option<Started>, RejectedConnection> {
    let Some(tls) = &context.tls else {
        return Ok(Some((Stream::Left(socket), None)));
    };
    match tls.accept(socket).await {
        Ok(accepted) => {
            let certificate = accepted.certificate();
            let stream = Stream::Right(Box::new(accepted.into_stream()));
            Ok(Some((stream, Some(certificate))))
        }
        Err(TlsError::Closed | TlsError::Connection(_)) => Ok(None),
        Err(error) => Err(RejectedConnection::with_reason(
            Rejection::Tls,
            error.to_string(),
        )),
    }
}

/// Sends the greeting (a nonce and the versions of the protocol), and reads and checks the hello,
/// in which the other side describes itself. Returns `Ok(None)` if the other side closed the
/// connection.
async fn identify<A: ElectionAlgorithm>(
    context: &Arc<NodeContext<A>>,
    mut stream: Stream,
    certificate: Option<Certificate>,
    from: IpAddr,
) -> Result<Option<IdentifiedPeer>, RejectedConnection> {
    let greeting = Greeting {
        versions: Versions::of(A::CHANGES_MEMBERS),
        nonce: random(),
    };
    if write_frame(&mut stream, &greeting.write()).await.is_err() {
        return Ok(None);
    }
    let bytes = match read_frame(&mut stream, hello::MAX_BYTES).await {
        Ok(FirstFrame::Frame(bytes)) => bytes,
        Ok(FirstFrame::Tls) => {
            let reason = format!("the other side uses TLS, and this node does not: {SAME_TLS}");
            return Err(RejectedConnection::with_reason(Rejection::Garbage, reason));
        }
        Ok(FirstFrame::TooLong) => return Err(Rejection::Garbage.into()),
        Err(_) => return Ok(None),
    };
    let hello =
        Hello::read(&bytes, greeting.versions, greeting.nonce).map_err(RejectedConnection::from);
    let checked = hello.and_then(|(version, hello)| {
        let link = context.check(&hello, version).and_then(|()| {
            // The certificate proves which node the other side is. The id in the hello, in which
            // the other side describes itself, is only a claim.
            match certificate.is_none_or(|certificate| certificate.names(hello.from)) {
                true => {
                    // `link_to` begins to dial a peer that has no link (shared state of its
                    // connections) yet, so the address of such a peer must be known before. The
                    // address of a peer with a link may be replaced only after this connection is
                    // admitted.
                    if context.links.of(hello.from).is_none() {
                        context.learn_address(hello.from, &hello.address, from);
                    }
                    context.link_to(hello.from).ok_or(Rejection::TooManyNodes)
                }
                false => Err(Rejection::Certificate(hello.from)),
            }
        });
        match link {
            Ok(link) => Ok((link, hello, version)),
            Err(rejection) => Err(RejectedConnection::of(rejection, &hello)),
        }
    });
    match checked {
        Ok((link, hello, version)) => Ok(Some(IdentifiedPeer {
            link,
            hello,
            version,
            stream,
        })),
        Err(rejected) => {
            // If the answer cannot be written, the other side has closed the connection. The
            // connection counts as rejected all the same.
            let answer = Answer::Rejected((*rejected.rejection).clone());
            let _ = write_frame(&mut stream, &answer.write()).await;
            Err(rejected)
        }
    }
}
