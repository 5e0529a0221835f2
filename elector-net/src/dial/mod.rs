mod addresses;
mod error;
mod failure;
mod lookup;
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
use elector_core::{ElectionAlgorithm, Moment, actor};
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
    context::{HANDSHAKE_TIMEOUT, NodeContext},
    link::{Link, lock},
    links::Standing,
    socket::Socket,
    stream::{FirstFrame, Stream, read_frame, socket_of, write_frame},
    wire::{
        Frame, MessageWriter, QueuedMessage, ROSTERS_SINCE, codec,
        hello::{self, Answer, Greeting, NO_COMMITMENT, Versions},
        write_addresses, write_ping,
    },
};

pub(crate) use error::SAME_TLS;
pub(crate) use lookup::Lookup;

use addresses::Addresses;
use error::DialError;
use race::{connect, race};

/// The maximum number of immediate tries after a connection has broken. A process that dies closes
/// its sockets one by one, so the first tries may reach a listener that is about to be closed.
const IMMEDIATE_TRIES: u32 = 8;

/// How long the dialler waits for a proof of the peer's death after a connection has broken. The
/// kernel closes the sockets of a killed process a little before its watcher, which sends the
/// proof, can see that the process has ended.
const PROOF_TIMEOUT: Duration = Duration::from_millis(2);

/// The assumed round-trip time to a peer before the first measurement.
const DEFAULT_ROUND_TRIP: Duration = Duration::from_millis(25);

/// If a lookup of the peer's name takes longer than this, it is reported as the reason why there is
/// no connection. The dialler still waits for the answer.
const LOOKUP_REPORT_TIMEOUT: Duration = Duration::from_secs(3);

/// The maximum number of messages in one write.
const MAX_BATCH: usize = 64;

/// The maximum length of a frame that an acceptor sends after the handshake, in bytes. Acceptors
/// send only pongs, the answers to pings.
const MAX_PONG_BYTES: usize = 64;

/// A connection on which the peer has admitted this node, and the version of the protocol on it.
type Admitted = (Stream, u16);

/// Keeps this node's own connection to one peer open. The node sends to the peer on this connection
/// only.
///
/// A broken connection is not a proof that the peer has failed: a device on the way may have cut
/// it. If the process of the peer has ended, the proof of this may follow within milliseconds. Then
/// an election begins, and it needs the processor more than an attempt to connect does. So if the
/// peer has a watcher, which sends this proof, the dialler first waits for the proof. Without a
/// proof, the dialler connects again. If the connection is refused, or another life of the peer
/// answers, the algorithm gets a suspicion. This second connection takes one more round trip. But
/// with it, a leader that is alive is not suspected when its connections break.
pub(crate) struct Dialer<A: ElectionAlgorithm> {
    context: Arc<NodeContext<A>>,
    link: Arc<Link>,
    queue: mpsc::Receiver<QueuedMessage>,
    backoff: Backoff,
    /// The addresses at which to dial. Immediate tries use the address at which the peer has last
    /// admitted this node, and ask no name server. `None` if no address of the peer is known yet.
    addresses: Option<Addresses>,
    /// How many attempts have failed since the last success. This number selects which of the
    /// peer's addresses is tried next.
    failures: usize,
    /// The address at which the peer has last admitted this node: `host:port`.
    admitted_at: Option<String>,
}

impl<A: ElectionAlgorithm> Dialer<A> {
    pub(crate) fn new(
        context: Arc<NodeContext<A>>,
        link: Arc<Link>,
        queue: mpsc::Receiver<QueuedMessage>,
    ) -> Self {
        Self {
            context,
            link,
            queue,
            backoff: Backoff::new(),
            addresses: None,
            failures: 0,
            admitted_at: None,
        }
    }

    pub(crate) async fn run(mut self) {
        let mut immediate_tries = 0_u32;
        loop {
            self.wait_until_needed().await;
            let life = self.link.life();
            match self.connect(immediate_tries > 0).await {
                Ok((stream, version)) => {
                    self.backoff.reset();
                    self.admitted_at = self.addresses.as_ref().map(|it| it.name().to_owned());
                    self.failures = 0;
                    self.exchange(stream, version).await;
                    if !self.is_proved_dead().await {
                        immediate_tries = IMMEDIATE_TRIES;
                        continue;
                    }
                }
                Err(DialError::Broken) if immediate_tries > 0 => {
                    immediate_tries -= 1;
                    continue;
                }
                Err(error) => {
                    // If the peer's life has changed during the attempt, a new process of the peer
                    // has connected to this node, so the refusal is outdated. A refusal at an
                    // address at which the peer has never admitted this node says nothing about the
                    // peer.
                    let is_refused = matches!(error, DialError::Refused) && self.is_usual();
                    if is_refused && self.link.life() == life {
                        self.context.suspect(&self.link);
                    }
                    self.record_failure(&error);
                    self.failures += 1;
                }
            }
            immediate_tries = 0;
            let pause = self.backoff.next();
            // An incoming connection of the peer shows that the peer is alive, and ends the pause.
            let _ = timeout(pause, self.link.alive.notified()).await;
        }
    }

    /// Waits as long as the peer is no member and is not connected to this node. So a node that was
    /// removed from the members, and then stopped, is not dialled any more.
    async fn wait_until_needed(&mut self) {
        let is_needed = || {
            let standing = self.context.links.standing(self.link.node);
            standing != Standing::Observer || self.link.is_incoming_open()
        };
        if is_needed() {
            return;
        }
        lock(&self.link.outage).forget();
        while !is_needed() {
            self.link.alive.notified().await;
        }
        lock(&self.link.outage).begin(actor::now());
    }

    /// Returns `true` if a proof arrives that the process of the peer has ended. Returns `false` at
    /// once if the peer has no watcher, which would send the proof, or if the settings trust a
    /// refused connection as a proof.
    async fn is_proved_dead(&self) -> bool {
        let has_watcher = self.link.has_watcher.load(Ordering::Relaxed);
        has_watcher
            && !self.context.trust_refused
            && self.link.is_proved_dead_within(PROOF_TIMEOUT).await
    }

    /// Returns a connection on which the peer has admitted this node.
    async fn connect(&mut self, is_immediate: bool) -> Result<Admitted, DialError> {
        self.update_address()?;
        let good = self.addresses.as_ref().and_then(Addresses::good);
        match good.filter(|_| is_immediate) {
            Some(address) => {
                // If the request to connect arrives at the moment at which a dying process closes
                // its listening socket, there may be no answer. The kernel repeats the request only
                // after its retransmission timeout. So this try has a short time limit, and the
                // next try follows.
                let tcp = timeout(self.answer_timeout(), connect(address)).await;
                self.handshake(tcp.map_err(|_| DialError::Broken)??).await
            }
            None => {
                let (address, tcp) = self.reach().await?;
                let stream = self.handshake(tcp).await;
                if let Some(addresses) = &mut self.addresses {
                    match &stream {
                        Ok(_) => addresses.worked(address),
                        Err(_) => addresses.failed(address),
                    }
                }
                stream
            }
        }
    }

    /// Returns `true` if the present address is the one at which the peer has last admitted this
    /// node, or if the peer has not admitted this node yet.
    fn is_usual(&self) -> bool {
        let name = self.addresses.as_ref().map(Addresses::name);
        self.admitted_at.is_none() || self.admitted_at.as_deref() == name
    }

    /// Takes the address that is tried next from the address book.
    fn update_address(&mut self) -> Result<(), DialError> {
        let (me, node) = (self.context.me(), self.link.node);
        let mut candidates = self.context.addresses.candidates(node);
        if candidates.is_empty() {
            return Err(DialError::NoAddress);
        }
        let usual = self.admitted_at.as_ref();
        let usual = candidates.iter().position(|it| Some(it) == usual);
        let place = (usual.unwrap_or(0) + self.failures) % candidates.len();
        let address = candidates.swap_remove(place);
        let known = self.addresses.as_ref();
        if known.is_none_or(|known| known.name() != address) {
            let lookup = self.context.lookup.clone();
            self.addresses = Some(Addresses::new(me, node, &address, lookup));
        }
        Ok(())
    }

    /// Returns the time within which the answer to a request to connect arrives if the peer's
    /// machine answers.
    fn answer_timeout(&self) -> Duration {
        let round_trip = self.link.detector().round_trip();
        round_trip.unwrap_or(DEFAULT_ROUND_TRIP) * 4 + Duration::from_millis(1)
    }

    /// Connects to one of the peer's addresses. Waits for the lookup of the addresses without a
    /// time limit.
    async fn reach(&mut self) -> Result<(SocketAddr, TcpStream), DialError> {
        let Some(mut addresses) = self.addresses.take() else {
            return Err(DialError::NoAddress);
        };
        let name = host(addresses.name()).to_owned();
        let found = loop {
            // The timeout does not cancel the lookup: the next call of `find` waits for the same
            // lookup.
            match timeout(LOOKUP_REPORT_TIMEOUT, addresses.find()).await {
                Ok(found) => break found,
                Err(_) => self.record_failure(&DialError::LookupTimeout(name.clone())),
            }
        };
        self.addresses = Some(addresses);
        let found = found.map_err(|error| DialError::Unknown(name.clone(), error))?;
        self.link.known_addresses.set_dialled(&found.addresses);
        match race(&found.addresses).await {
            // The peer may have moved, and another host may have its old address and refuse. So
            // this refusal must not become a suspicion.
            Err(DialError::Refused) if !found.is_current => {
                Err(DialError::RefusedAtOldAddress(name))
            }
            raced => raced,
        }
    }

    async fn handshake(&self, tcp: TcpStream) -> Result<Admitted, DialError> {
        let admitted = timeout(HANDSHAKE_TIMEOUT, self.get_admitted(tcp)).await;
        admitted.map_err(|_| DialError::HandshakeTimeout)?
    }

    async fn get_admitted(&self, tcp: TcpStream) -> Result<Admitted, DialError> {
        let socket = Socket::new(tcp);
        let mut stream = match &self.context.tls {
            None => Stream::Left(socket),
            Some(tls) => {
                let stream = tls
                    .connect(socket, self.link.node)
                    .await
                    .map_err(DialError::of_tls)?;
                Stream::Right(Box::new(stream))
            }
        };
        let greeting = read(&mut stream).await?;
        let Some((Greeting { versions, nonce }, [])) = Greeting::read(&greeting) else {
            return Err(DialError::NotANode);
        };
        let own = Versions::of(A::CHANGES_MEMBERS);
        let version = own.common(versions).map_err(DialError::Rejecting)?;
        let hello = self.context.hello_to(self.link.node);
        let hello = hello.write(own, version, nonce);
        let hello =
            hello.ok_or_else(|| DialError::Io(io::Error::other("the hello is too long")))?;
        write_frame(&mut stream, &hello)
            .await
            .map_err(DialError::of)?;
        match Answer::read(&read(&mut stream).await?) {
            Some(Answer::Welcome {
                life,
                disk,
                lock_claim,
                death_commitment,
                ..
            }) => {
                let admitted = self.context.admit(self.link.node, disk).await;
                admitted.map_err(|rejection| match rejection {
                    Some(rejection) => DialError::Rejecting(rejection),
                    None => DialError::NotStored,
                })?;
                self.context.learn_life(&self.link, life, lock_claim);
                let has_watcher = death_commitment != NO_COMMITMENT;
                self.link.has_watcher.store(has_watcher, Ordering::Relaxed);
                Ok((stream, version))
            }
            Some(Answer::Rejected(rejection)) => Err(DialError::Rejected(rejection)),
            None => Err(DialError::NotANode),
        }
    }

    /// Sends messages and pings, until the connection breaks.
    async fn exchange(&mut self, mut stream: Stream, version: u16) {
        self.context.received(&self.link);
        self.link.outgoing_opened();
        self.context.report_reachable(&self.link);
        self.context.entrust(socket_of(&mut stream));
        let (reading, writing) = split(stream);
        let answers = FramedRead::new(reading, codec(MAX_PONG_BYTES));
        let ended = self.send(answers, writing, version);
        let error = ended.await.err();
        self.link.outgoing_closed();
        tracing::debug!(
            node = self.context.me().0, peer = %self.link.node, ?error,
            "connection to peer closed"
        );
        // Queued messages would be outdated when there is another connection, so they are dropped.
        // A stored notification of `alive` is outdated, too, and is removed here: if the peer
        // refuses connections now, the notification would end the next pause early, and a second
        // try would only delay the election.
        while self.queue.try_recv().is_ok() {}
        pin!(self.link.alive.notified()).enable();
    }

    async fn send(
        &mut self,
        mut answers: FramedRead<ReadHalf<Stream>, LengthDelimitedCodec>,
        mut writing: WriteHalf<Stream>,
        version: u16,
    ) -> io::Result<()> {
        let idle_timeout = self.context.idle_timeout;
        let mut pings = time::interval(self.context.detection.ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut idle = pin!(time::sleep(idle_timeout));
        let mut out = BytesMut::new();
        let mut messages = MessageWriter::new(version);
        let mut addresses = self.context.addresses.changes();
        // A peer of an earlier release does not know frames with addresses, and a cluster with
        // fixed members does not need them.
        let sends_addresses = A::CHANGES_MEMBERS && version >= ROSTERS_SINCE;
        addresses.mark_changed();
        loop {
            tokio::select! {
                biased;
                answer = answers.next() => {
                    let body = answer.ok_or(io::ErrorKind::UnexpectedEof)??;
                    let Some(Frame::Pong(sent_ns)) = Frame::read(&body) else {
                        return Err(io::ErrorKind::InvalidData.into());
                    };
                    self.link.pong_received(Moment::from_nanos(sent_ns));
                    self.context.received(&self.link);
                    idle.as_mut().reset(time::Instant::now() + idle_timeout);
                    continue;
                }
                message = self.queue.recv() => {
                    let Some(message) = message else {
                        return Ok(()); // The node has stopped.
                    };
                    messages.write(&message, &mut out);
                    for _ in 1..MAX_BATCH {
                        match self.queue.try_recv() {
                            Ok(message) => messages.write(&message, &mut out),
                            Err(_) => break,
                        }
                    }
                }
                Ok(()) = addresses.changed(), if sends_addresses => {
                    let all = self.context.addresses.all();
                    write_addresses(&all, &mut out);
                }
                _ = pings.tick() => write_ping(actor::now().nanos(), &mut out),
                () = &mut idle => return Err(io::ErrorKind::TimedOut.into()),
            }
            let written = async {
                writing.write_all(&out).await?;
                writing.flush().await
            };
            timeout(idle_timeout, written)
                .await
                .map_err(|_| io::ErrorKind::TimedOut)??;
            out.clear();
        }
    }
}

async fn read(stream: &mut Stream) -> Result<Bytes, DialError> {
    let first = read_frame(stream, hello::MAX_BYTES).await;
    match first.map_err(DialError::of)? {
        FirstFrame::Frame(bytes) => Ok(bytes),
        FirstFrame::Tls => Err(DialError::PeerUsesTls),
        FirstFrame::TooLong => Err(DialError::NotANode),
    }
}

/// Returns the host of `host:port`.
fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}
