mod complain;
mod error;
mod lookup;
mod names;
mod race;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use elector_core::{ElectionAlgorithm, actor};
use tokio::{
    io::{AsyncWriteExt, ReadHalf, WriteHalf, split},
    net::TcpStream,
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
    stream::{First, Stream, read_frame, write_frame},
    wire::{
        Frame, codec,
        hello::{self, Answer, Greeting, NO_COMMITMENT},
        pinging,
    },
};

pub(crate) use error::BOTH_SIDES;
pub(crate) use lookup::Lookup;

use error::DialError;
use names::Names;
use race::{open, race};

/// How often a connection that has just broken is tried again at once. A process that dies closes
/// its sockets one by one: the first tries may reach a listener that is about to go.
const TRIES_AT_ONCE: u32 = 8;

/// How long a proof of death is waited for when a connection breaks. The kernel closes the sockets
/// of a process that was killed a little before its companion can see that it has ended.
const PROOF: Duration = Duration::from_millis(2);

/// A round trip that nobody has measured yet.
const SLOW: Duration = Duration::from_millis(25);

/// How long a lookup may take before that is the reason why there is no connection. It is waited
/// for all the same.
const UNANSWERED: Duration = Duration::from_secs(3);

/// How many messages go into one write.
const MOST_AT_ONCE: usize = 64;

/// The longest frame that an acceptor sends: a pong.
const MOST_ANSWER: usize = 64;

/// Keeps this node's own connection to one peer, on which all it says to it goes.
///
/// A broken connection is no proof that the peer is gone: a device on the way may have cut it. A
/// proof that the peer's process has ended may follow within milliseconds, and then an election
/// needs the processor more than an attempt to connect does. Without a proof the connection is made
/// anew. If the connection is refused, or another life of the peer answers, the algorithm gets a
/// suspicion. That takes one more round trip, and it is why a living leader keeps its lease when
/// its connections break.
pub(crate) struct Dialer<A: ElectionAlgorithm> {
    station: Arc<Station<A>>,
    link: Arc<Link>,
    queue: mpsc::Receiver<Bytes>,
    backoff: Backoff,
    /// Where to dial. The address at which the peer was met last is tried without asking a name
    /// server when every microsecond counts.
    names: Names,
}

impl<A: ElectionAlgorithm> Dialer<A> {
    pub(crate) fn new(
        station: Arc<Station<A>>,
        link: Arc<Link>,
        queue: mpsc::Receiver<Bytes>,
        lookup: Lookup,
    ) -> Self {
        let names = Names::new(station.me(), link.node, &link.address, lookup);
        Self {
            station,
            link,
            queue,
            backoff: Backoff::new(),
            names,
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
                    if !self.is_proved_dead().await {
                        tries_at_once = TRIES_AT_ONCE;
                        continue;
                    }
                }
                Err(DialError::Broken) if tries_at_once > 0 => {
                    tries_at_once -= 1;
                    continue;
                }
                Err(error) => {
                    // Unless it has come back meanwhile, and been met.
                    if matches!(error, DialError::NobodyThere) && self.link.life() == life {
                        self.station.suspect(&self.link);
                    }
                    self.complain(&error);
                }
            }
            tries_at_once = 0;
            let pause = self.backoff.next();
            // Its own connection coming in says that it is there.
            let _ = timeout(pause, self.link.alive.notified()).await;
        }
    }

    /// Returns `true` if there is a proof that the process of the peer has ended. Does not wait for
    /// one if the peer has no companion that could give it, or if a refused connection is trusted.
    async fn is_proved_dead(&self) -> bool {
        let may_come = self.link.has_companion.load(Ordering::Relaxed);
        may_come && !self.station.trust_refused && self.link.is_proved_dead_within(PROOF).await
    }

    /// A connection on which the peer has said welcome.
    async fn connect(&mut self, at_once: bool) -> Result<Stream, DialError> {
        match self.names.good().filter(|_| at_once) {
            Some(address) => {
                // Who asks for a connection in the very moment in which a process that dies closes
                // its listening socket may get no answer at all, and the kernel asks again only
                // after its retransmission timeout. So a try at once is soon given up, for the next
                // one.
                let tcp = timeout(self.soon(), open(address)).await;
                self.introduce(tcp.map_err(|_| DialError::Broken)??).await
            }
            None => {
                let (address, tcp) = self.reach().await?;
                let stream = self.introduce(tcp).await;
                match &stream {
                    Ok(_) => self.names.worked(address),
                    Err(_) => self.names.failed(address),
                }
                stream
            }
        }
    }

    /// How long an answer takes that is on its way.
    fn soon(&self) -> Duration {
        let (_, round_trip, _) = self.link.measured();
        round_trip.unwrap_or(SLOW) * 4 + Duration::from_millis(1)
    }

    /// Tries all addresses of the peer. To find them takes as long as it takes.
    async fn reach(&mut self) -> Result<(SocketAddr, TcpStream), DialError> {
        let name = bare(&self.link.address);
        // Nothing is lost when it is asked again.
        let found = loop {
            match timeout(UNANSWERED, self.names.find()).await {
                Ok(found) => break found,
                Err(_) => self.complain(&DialError::Unanswered(name.to_owned())),
            }
        };
        let found = found.map_err(|error| DialError::Unknown(name.to_owned(), error))?;
        self.link.places.dialled_at(&found.addresses);
        match race(&found.addresses).await {
            // The peer may have moved: others refuse now where it was.
            Err(DialError::NobodyThere) if !found.is_current => {
                Err(DialError::NobodyAtOld(name.to_owned()))
            }
            raced => raced,
        }
    }

    async fn introduce(&self, tcp: TcpStream) -> Result<Stream, DialError> {
        let let_in = timeout(HANDSHAKE, self.be_let_in(tcp)).await;
        let_in.map_err(|_| DialError::Mute)?
    }

    async fn be_let_in(&self, tcp: TcpStream) -> Result<Stream, DialError> {
        let socket = Socket::new(tcp);
        let mut stream = match &self.station.tls {
            None => Stream::Plain(socket),
            Some(tls) => {
                let stream = tls
                    .connect(socket, self.link.node)
                    .await
                    .map_err(DialError::of_tls)?;
                Stream::Encrypted(Box::new(stream))
            }
        };
        let greeting = read(&mut stream).await?;
        let Some((Greeting { versions, number }, [])) = Greeting::read(&greeting) else {
            return Err(DialError::NoNode);
        };
        hello::VERSIONS
            .common(versions)
            .map_err(DialError::Unacceptable)?;
        let hello = self.station.hello_to(self.link.node).write(number);
        let hello =
            hello.ok_or_else(|| DialError::Io(io::Error::other("the hello is too long")))?;
        write_frame(&mut stream, &hello)
            .await
            .map_err(DialError::of)?;
        match Answer::read(&read(&mut stream).await?) {
            Some(Answer::Welcome {
                life,
                disk,
                hold,
                death_commitment,
                ..
            }) => {
                let admitted = self.station.admit(self.link.node, disk).await;
                admitted.map_err(|refusal| match refusal {
                    Some(refusal) => DialError::Unacceptable(refusal),
                    None => DialError::NotRemembered,
                })?;
                self.station.meet(&self.link, life, hold);
                let has_companion = death_commitment != NO_COMMITMENT;
                self.link
                    .has_companion
                    .store(has_companion, Ordering::Relaxed);
                Ok(stream)
            }
            Some(Answer::Refused(refusal)) => Err(DialError::Refused(refusal)),
            None => Err(DialError::NoNode),
        }
    }

    /// Says what is to be said, until the connection breaks.
    async fn converse(&mut self, stream: Stream) {
        self.station.heard(&self.link);
        self.link.set_up(true);
        self.station.accompany(&stream);
        let (reading, writing) = split(stream);
        let ended = self.talk(FramedRead::new(reading, codec(MOST_ANSWER)), writing);
        let error = ended.await.err();
        self.link.set_up(false);
        tracing::debug!(
            node = self.station.me().0, peer = %self.link.node, ?error, "the connection has ended"
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
                    self.station.answered(&self.link, sent);
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

async fn read(stream: &mut Stream) -> Result<Bytes, DialError> {
    let first = read_frame(stream, hello::MOST_BYTES).await;
    match first.map_err(DialError::of)? {
        First::Frame(bytes) => Ok(bytes),
        First::Tls => Err(DialError::SpeaksTls),
        First::TooLong => Err(DialError::NoNode),
    }
}

/// The name in `host:port`.
fn bare(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}
