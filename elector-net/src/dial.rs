use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use elector_core::{ElectionAlgorithm, actor};
use thiserror::Error;
use tokio::{
    io::{AsyncWriteExt, ReadHalf, WriteHalf, split},
    net::{TcpStream, lookup_host},
    sync::mpsc,
    time::{self, MissedTickBehavior, timeout},
};
use tokio_stream::StreamExt;
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};

use crate::{
    backoff::Backoff,
    link::Link,
    socket::Socket,
    station::{HANDSHAKE, Station},
    stream::{Stream, read_frame, write_frame},
    tls::TlsError,
    wire::{
        Frame, codec,
        hello::{self, Answer, Greeting},
        pinging,
        refusal::Refusal,
    },
};

/// How often a connection that has just broken is tried again at once. A process that dies closes
/// its sockets one by one: the first tries may reach a listener that is about to go.
const TRIES_AT_ONCE: u32 = 8;

/// A round trip that nobody has measured yet.
const SLOW: Duration = Duration::from_millis(25);

/// How many messages go into one write.
const MOST_AT_ONCE: usize = 64;

/// The longest frame that an acceptor sends: a pong.
const MOST_ANSWER: usize = 64;

/// Keeps this node's own connection to one peer, on which all it says to it goes.
///
/// A broken connection is no proof that the peer is gone: somebody on the way may have cut it. So
/// it is made anew at once. If nobody listens there any more (the connection is refused), or
/// another life of the peer answers, the algorithm is told; that takes one more round trip, and on
/// it rests that a living leader keeps its lease.
pub(crate) struct Dialer<A: ElectionAlgorithm> {
    station: Arc<Station<A>>,
    link: Arc<Link>,
    queue: mpsc::Receiver<Bytes>,
    backoff: Backoff,
    /// Where it was reached last: tried first, without asking a name server, when every
    /// microsecond counts.
    known: Option<SocketAddr>,
}

/// Why there is no connection.
#[derive(Debug, Error)]
enum DialError {
    #[error("nobody listens there")]
    NobodyThere,
    #[error("the connection broke before it was answered")]
    Broken,
    #[error("it took too long")]
    TooLong,
    #[error(
        "it lets connect, and says nothing: it hangs, or it speaks TLS and this node does not: set up \
         TLS on all nodes or on none"
    )]
    Mute,
    #[error("the name {0:?} is not known")]
    Unknown(String, #[source] Option<io::Error>),
    #[error("{0}")]
    Io(#[source] io::Error),
    #[error("{0}")]
    Refused(Refusal),
    /// It answers, and this node does not accept what it is.
    #[error("{0}")]
    Unacceptable(Refusal),
    #[error("the peer's disk cannot be remembered")]
    NotRemembered,
    #[error(transparent)]
    Tls(TlsError),
    #[error(
        "what answers there is no node of elector, or one that speaks TLS: set up TLS on all nodes \
         or on none, and look at the address"
    )]
    NoNode,
}

impl<A: ElectionAlgorithm> Dialer<A> {
    pub(crate) fn new(
        station: Arc<Station<A>>,
        link: Arc<Link>,
        queue: mpsc::Receiver<Bytes>,
    ) -> Self {
        Self {
            station,
            link,
            queue,
            backoff: Backoff::new(),
            known: None,
        }
    }

    pub(crate) async fn work(mut self) {
        let mut tries_at_once = 0_u32;
        loop {
            let life = self.link.life();
            match self.connect(tries_at_once > 0).await {
                Ok(stream) => {
                    self.backoff.reset();
                    self.converse(stream).await;
                    tries_at_once = TRIES_AT_ONCE;
                    continue;
                }
                Err(DialError::NobodyThere) => {
                    // Unless it has come back meanwhile, and been met.
                    if self.link.life() == life {
                        self.station.suspect(&self.link);
                    }
                }
                Err(DialError::Broken) if tries_at_once > 0 => {
                    tries_at_once -= 1;
                    continue;
                }
                Err(error) => self.complain(&error),
            }
            tries_at_once = 0;
            let pause = self.backoff.next();
            // Its own connection coming in says that it is there.
            let _ = timeout(pause, self.link.alive.notified()).await;
        }
    }

    /// A connection on which the peer has said welcome.
    async fn connect(&mut self, at_once: bool) -> Result<Stream, DialError> {
        let known = self.known.filter(|_| at_once);
        // Who asks for a connection in the very moment in which a process that dies closes its
        // listening socket may get no answer at all, and the kernel asks again only after its
        // retransmission timeout. So a try at once is soon given up, for the next one.
        let (limit, error) = match known {
            Some(_) => (self.soon(), DialError::Broken),
            None => (HANDSHAKE, DialError::TooLong),
        };
        let connecting = async {
            match known {
                Some(address) => open(address).await,
                None => self.reach().await,
            }
        };
        let tcp = timeout(limit, connecting).await;
        let tcp = tcp.map_err(|_| error)??;
        let let_in = timeout(HANDSHAKE, self.be_let_in(tcp)).await;
        let_in.map_err(|_| DialError::Mute)?
    }

    /// How long an answer takes that is on its way.
    fn soon(&self) -> Duration {
        let (_, round_trip, _) = self.link.measured();
        round_trip.unwrap_or(SLOW) * 4 + Duration::from_millis(1)
    }

    /// Tries all addresses of the peer in turn. Names are looked up each time, for they may move.
    async fn reach(&mut self) -> Result<TcpStream, DialError> {
        let name = &self.link.address;
        let unknown = |error| DialError::Unknown(name.clone(), error);
        let found = lookup_host(name.as_str()).await;
        let mut worst = None;
        for address in found.map_err(|error| unknown(Some(error)))? {
            match open(address).await {
                Ok(tcp) => {
                    self.known = Some(address);
                    return Ok(tcp);
                }
                // It is gone only if nobody is at any of its addresses.
                Err(DialError::NobodyThere) => {
                    worst.get_or_insert(DialError::NobodyThere);
                }
                Err(error) => worst = Some(error),
            }
        }
        Err(worst.unwrap_or_else(|| unknown(None)))
    }

    async fn be_let_in(&self, tcp: TcpStream) -> Result<Stream, DialError> {
        let socket = Socket::new(tcp);
        let mut stream = match &self.station.tls {
            None => Stream::Plain(socket),
            Some(tls) => {
                let stream = tls
                    .connect(socket, self.link.node)
                    .await
                    .map_err(encrypted)?;
                Stream::Encrypted(Box::new(stream))
            }
        };
        let greeting = read(&mut stream).await?;
        let Some((Greeting { versions, number }, [])) = Greeting::read(&greeting) else {
            return Err(DialError::NoNode);
        };
        hello::VERSIONS
            .common(versions)
            .map_err(DialError::Refused)?;
        let hello = self.station.hello_to(self.link.node).write(number);
        let hello =
            hello.ok_or_else(|| DialError::Io(io::Error::other("the hello is too long")))?;
        write_frame(&mut stream, &hello).await.map_err(broken)?;
        match Answer::read(&read(&mut stream).await?) {
            Some(Answer::Welcome { life, disk, .. }) => {
                let admitted = self.station.admit(self.link.node, disk).await;
                admitted.map_err(|refusal| match refusal {
                    Some(refusal) => DialError::Unacceptable(refusal),
                    None => DialError::NotRemembered,
                })?;
                if self.link.meet(life) {
                    self.station.suspect(&self.link);
                }
                Ok(stream)
            }
            Some(Answer::Refused(refusal)) => Err(DialError::Refused(refusal)),
            None => Err(DialError::NoNode),
        }
    }

    fn complain(&self, error: &DialError) {
        let (node, peer, address) = (self.station.me(), self.link.node, &self.link.address);
        match error {
            DialError::Refused(refusal) => {
                self.station.links.count(refusal);
                if self.link.is_news(refusal) {
                    tracing::error!(
                        %node, %peer, %address, reason = %refusal,
                        "this peer refuses this node: of this node it says"
                    );
                }
            }
            DialError::Unacceptable(refusal) => {
                self.station.links.count(refusal);
                if self.link.is_news(refusal) {
                    tracing::error!(
                        %node, %peer, %address, reason = %refusal,
                        "this node does not speak to what answers there: of it this node says"
                    );
                }
            }
            DialError::Tls(told) => {
                self.station.links.count(&Refusal::Tls);
                if self.link.is_news(&Refusal::Tls) {
                    tracing::error!(%node, %peer, %address, error = %told, "no TLS with this peer");
                }
            }
            DialError::Mute => {
                self.station.links.count(&Refusal::Silent);
                if self.link.is_news(&Refusal::Silent) {
                    tracing::warn!(%node, %peer, %address, %error, "no connection");
                }
            }
            DialError::NoNode => {
                self.station.links.count(&Refusal::Garbage);
                if self.link.is_news(&Refusal::Garbage) {
                    tracing::error!(%node, %peer, %address, %error, "no connection");
                }
            }
            _ => tracing::debug!(%node, %peer, %address, %error, "no connection"),
        }
    }

    /// Says what is to be said, until the connection breaks.
    async fn converse(&mut self, stream: Stream) {
        self.link.heard();
        self.link.set_up(true);
        self.station.accompany(&stream);
        let (reading, writing) = split(stream);
        let ended = self.talk(FramedRead::new(reading, codec(MOST_ANSWER)), writing);
        let error = ended.await.err();
        self.link.set_up(false);
        tracing::debug!(
            node = %self.station.me(), peer = %self.link.node, ?error, "the connection has ended"
        );
        // What waits is of the past by the time there is another connection. So is its own
        // connection that came in meanwhile: if it is refused now, a second try at once would only
        // be in the way of the election.
        while self.queue.try_recv().is_ok() {}
        pin!(self.link.alive.notified()).enable();
    }

    async fn talk(
        &mut self,
        mut answers: FramedRead<ReadHalf<Stream>, LengthDelimitedCodec>,
        mut writing: WriteHalf<Stream>,
    ) -> io::Result<()> {
        let stale = self.station.stale;
        let mut pings = time::interval(self.station.detection.ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silence = pin!(time::sleep(stale));
        let mut out = BytesMut::new();
        loop {
            tokio::select! {
                biased;
                answer = answers.next() => {
                    let body = answer.ok_or(io::ErrorKind::UnexpectedEof)??;
                    let Some(Frame::Pong(sent)) = Frame::read(&body) else {
                        return Err(io::ErrorKind::InvalidData.into());
                    };
                    self.link.answered(sent);
                    silence.as_mut().reset(time::Instant::now() + stale);
                    continue;
                }
                message = self.queue.recv() => {
                    let Some(message) = message else {
                        return Ok(()); // The node has stopped.
                    };
                    out.extend_from_slice(&message);
                    for _ in 1..MOST_AT_ONCE {
                        match self.queue.try_recv() {
                            Ok(message) => out.extend_from_slice(&message),
                            Err(_) => break,
                        }
                    }
                }
                _ = pings.tick() => pinging(actor::now().nanos(), &mut out),
                () = &mut silence => return Err(io::ErrorKind::TimedOut.into()),
            }
            let written = async {
                writing.write_all(&out).await?;
                writing.flush().await
            };
            timeout(stale, written)
                .await
                .map_err(|_| io::ErrorKind::TimedOut)??;
            out.clear();
        }
    }
}

async fn open(address: SocketAddr) -> Result<TcpStream, DialError> {
    let tcp = TcpStream::connect(address)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => DialError::NobodyThere,
            _ => broken(error),
        })?;
    tcp.set_nodelay(true).map_err(broken)?;
    Ok(tcp)
}

async fn read(stream: &mut Stream) -> Result<Bytes, DialError> {
    let frame = read_frame(stream, hello::MOST_BYTES)
        .await
        .map_err(broken)?;
    frame.ok_or(DialError::NoNode)
}

/// What an error of the operating system, or of the TLS on top, means.
fn broken(error: io::Error) -> DialError {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected
        | io::ErrorKind::UnexpectedEof => DialError::Broken,
        // TLS tells at the first read that the acceptor has refused the certificate.
        io::ErrorKind::InvalidData => encrypted(TlsError::from(error)),
        _ => DialError::Io(error),
    }
}

fn encrypted(error: TlsError) -> DialError {
    match error {
        TlsError::Connection(error) => broken(error),
        TlsError::Closed => DialError::Broken,
        error => DialError::Tls(error),
    }
}
