use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use elector_core::ElectionAlgorithm;
use tokio::{
    io::{AsyncWriteExt, split},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
    time::timeout,
};
use tokio_stream::StreamExt;
use tokio_util::{codec::FramedRead, sync::CancellationToken};

use crate::{
    farewell::{Ended, Farewell},
    link::Link,
    random::random,
    socket::Socket,
    station::{HANDSHAKE, Station},
    stream::{Stream, read_frame, write_frame},
    tls::{Certificate, TlsError},
    wire::{
        Frame, MOST_BYTES, codec,
        hello::{self, Answer, Greeting, Hello, NO_COMMITMENT},
        ponging,
        refusal::Refusal,
    },
};

/// How many connections may wait to be let in. One more, and the one that waits longest is dropped:
/// a peer is let in within milliseconds, so whoever floods the door drops its own.
const MOST_PENDING: usize = 64;

/// How many more connections are looked at in a second, beyond a first [`MOST_PENDING`]. A TLS
/// handshake takes this thread some tenths of a millisecond, and it has heartbeats to send.
const A_SECOND: f64 = 500.0;

/// How long the door stays closed when the operating system has no more sockets to give.
const SHORT_OF_SOCKETS: Duration = Duration::from_millis(20);

/// Lets peers in, and reads what they say.
pub(crate) struct Doorkeeper<A: ElectionAlgorithm> {
    station: Arc<Station<A>>,
    pending: VecDeque<AbortHandle>,
    /// How many connections may be looked at now, as of the last one.
    allowance: f64,
    last: Instant,
}

impl<A: ElectionAlgorithm> Doorkeeper<A> {
    pub(crate) fn new(station: Arc<Station<A>>) -> Self {
        Self {
            station,
            pending: VecDeque::new(),
            allowance: MOST_PENDING as f64,
            last: Instant::now(),
        }
    }

    pub(crate) async fn work(mut self, listener: TcpListener) {
        let mut complained = false;
        loop {
            match listener.accept().await {
                Ok((tcp, from)) => self.pend(tcp, from),
                // Nobody of this process can help it; those that are connected go on.
                Err(error) => {
                    if !complained {
                        tracing::error!(node = %self.station.me(), %error, "cannot accept");
                    }
                    complained = true;
                    tokio::time::sleep(SHORT_OF_SOCKETS).await;
                }
            }
        }
    }

    /// Whether another connection may be looked at.
    fn may_come_in(&mut self) -> bool {
        let now = Instant::now();
        let earned = now.duration_since(self.last).as_secs_f64() * A_SECOND;
        self.last = now;
        self.allowance = (self.allowance + earned).min(MOST_PENDING as f64);
        let may = self.allowance >= 1.0;
        if may {
            self.allowance -= 1.0;
        }
        may
    }

    fn pend(&mut self, tcp: TcpStream, from: SocketAddr) {
        if !self.may_come_in() {
            // Closed as it is dropped; a peer tries again.
            return self.station.refuse(from.ip(), &Refusal::Busy, None);
        }
        self.pending.retain(|pending| !pending.is_finished());
        if self.pending.len() >= MOST_PENDING
            && let Some(longest) = self.pending.pop_front()
        {
            longest.abort();
            self.station.refuse(from.ip(), &Refusal::Busy, None);
        }
        let station = Arc::clone(&self.station);
        let admission = admit(station, tcp, from.ip());
        self.pending.push_back(self.station.spawn(admission));
    }
}

/// A peer that was let in.
struct Admitted {
    link: Arc<Link>,
    hello: Hello,
    stream: Stream,
    closing: CancellationToken,
}

async fn admit<A: ElectionAlgorithm>(station: Arc<Station<A>>, tcp: TcpStream, from: IpAddr) {
    // Without it answers are late, and nothing else.
    let _ = tcp.set_nodelay(true);
    let socket = Socket::new(tcp);
    let admission = async {
        let (stream, certificate) = match &station.tls {
            None => (Stream::Plain(socket), None),
            Some(tls) => match tls.accept(socket).await {
                Ok(accepted) => {
                    let certificate = accepted.certificate();
                    let stream = Stream::Encrypted(Box::new(accepted.into_stream()));
                    (stream, Some(certificate))
                }
                // It hung up.
                Err(TlsError::Closed | TlsError::Connection(_)) => return Ok(None),
                Err(error) => {
                    station.refuse(from, &Refusal::Tls, Some(&error));
                    return Ok(None);
                }
            },
        };
        handshake(&station, stream, certificate).await
    };
    match timeout(HANDSHAKE, admission)
        .await
        .unwrap_or(Err(Refusal::Silent))
    {
        Ok(Some(admitted)) => {
            let reader = read(Arc::clone(&station), admitted);
            station.spawn(reader);
        }
        // It hung up, as a port scanner does, or a peer that only wanted to know who is there.
        Ok(None) => {}
        Err(refusal) => station.refuse(from, &refusal, None),
    }
}

/// `Ok(None)` if the other side hung up.
async fn handshake<A: ElectionAlgorithm>(
    station: &Station<A>,
    mut stream: Stream,
    certificate: Option<Certificate>,
) -> Result<Option<Admitted>, Refusal> {
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
    let admitted = match checked {
        Ok((link, hello)) => match station.admit(hello.from, hello.disk).await {
            Ok(()) => {
                let fresh = 2 * station.detection.ceiling;
                let claimed = link.claim(hello.life, fresh);
                claimed.map(|closing| (link, hello, closing))
            }
            Err(Some(refusal)) => Err(refusal),
            // This side's own disk fails: the peer tries again.
            Err(None) => return Ok(None),
        },
        Err(refusal) => Err(refusal),
    };
    let (answer, admitted) = match admitted {
        Ok((link, hello, closing)) => {
            // Before anything that this life says is heard.
            if link.meet(hello.life) {
                station.suspect(&link);
            }
            link.heard();
            link.alive.notify_one();
            (station.welcome(), Ok((link, hello, closing)))
        }
        Err(refusal) => (Answer::Refused(refusal.clone()), Err(refusal)),
    };
    let answered = write_frame(&mut stream, &answer.write()).await;
    let (link, hello, closing) = admitted?;
    if answered.is_err() {
        link.left(&closing);
        return Ok(None);
    }
    Ok(Some(Admitted {
        link,
        hello,
        stream,
        closing,
    }))
}

/// Reads what a peer says, until the connection breaks or is replaced.
async fn read<A: ElectionAlgorithm>(station: Arc<Station<A>>, admitted: Admitted) {
    let Admitted {
        link,
        hello,
        stream,
        closing,
    } = admitted;
    let ended = closing.run_until_cancelled(listen(&station, &link, stream));
    if let Some(Err(error)) = ended.await {
        let proof = Ended::of(&error).filter(|Ended(farewell)| proves(farewell, &hello));
        if proof.is_some() {
            station.bury(&link, hello.life);
        } else if is_garbage(&error) {
            station.links.count(&Refusal::Garbage);
            if link.is_news(&Refusal::Garbage) {
                tracing::error!(
                    node = %station.me(), peer = %link.node,
                    "this peer sent what is no message of the algorithm: is it of another release?"
                );
            }
        }
        tracing::debug!(node = %station.me(), peer = %link.node, %error, "it does not speak any more");
    }
    link.left(&closing);
}

/// Whether this is the farewell of the life that has said this hello, on the same connection.
fn proves(farewell: &Farewell, hello: &Hello) -> bool {
    hello.death_commitment != NO_COMMITMENT && farewell.commitment() == hello.death_commitment
}

/// A farewell that is none of this life is garbage as well.
fn is_garbage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData || Ended::of(error).is_some()
}

async fn listen<A: ElectionAlgorithm>(
    station: &Station<A>,
    link: &Link,
    stream: Stream,
) -> io::Result<()> {
    let (reading, mut writing) = split(stream);
    let mut frames = FramedRead::new(reading, codec(MOST_BYTES));
    let mut out = BytesMut::new();
    loop {
        let frame = timeout(station.stale, frames.next()).await;
        let frame = frame.map_err(|_| io::ErrorKind::TimedOut)?;
        let body = frame.ok_or(io::ErrorKind::UnexpectedEof)??;
        link.heard();
        match Frame::read(&body) {
            Some(Frame::Message(bytes)) => match postcard::take_from_bytes(bytes) {
                Ok((message, [])) => {
                    // Counted by the inbox.
                    let _ = station.inbox.deliver(link.node, message);
                }
                Ok(_) | Err(_) => return Err(io::ErrorKind::InvalidData.into()),
            },
            Some(Frame::Ping(number)) => {
                ponging(number, &mut out);
                writing.write_all(&out).await?;
                writing.flush().await?;
                out.clear();
            }
            Some(Frame::Pong(_)) | None => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}
