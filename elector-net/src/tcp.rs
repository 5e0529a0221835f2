mod checks;

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener},
    os::fd::{AsFd, BorrowedFd, RawFd},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use elector_core::{
    Configuration, ElectionAlgorithm, Membership, NodeId,
    actor::{BoxError, Dropped, Inbox, Links, Peer, Transport},
};
use tokio::{
    runtime::Handle,
    sync::mpsc::{self, error::TrySendError},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    accept::Doorkeeper,
    detector::Detection,
    dial::{Dialer, Lookup},
    error::NetError,
    farewell::{Companion, Farewell, Testament},
    link::Link,
    links::Links as Peers,
    monitor::Monitor,
    outage::report,
    random::random,
    record::{DiskId, Ids, LifeLock, RecordHandle},
    station::Station,
    successor::Hold,
    tls::Tls,
    watch::watch,
    wire::{
        NodeList, encode_message, fingerprint,
        hello::{Commitment, Hello, NO_COMMITMENT},
    },
};

/// How many messages to one peer may wait to be written.
const MOST_QUEUED: usize = 1024;

/// Connects a node with its peers over TCP: the [`Transport`] for real clusters.
///
/// Each node dials each peer and says on that connection what it has to say to it; so between two
/// nodes there are two connections. All of it runs on the node's own thread: a message that
/// arrives is handled without another thread being woken. Only whose a new connection is, a second
/// thread finds out, for strangers ask for handshakes, too. Connections from the addresses of peers
/// (where they are dialled, and where they came from last) have a budget of their own; of those
/// from all other addresses a few are looked at in a second, and the rest are closed.
///
/// # What the algorithm is told
///
/// It is told that a peer died when the peer's [companion](Self::companion) says so, which is a
/// proof. It is told to suspect a peer when its connection has broken *and* the next one is
/// refused, or another life of it answers there; and that a peer is silent when it has been so for
/// longer than [`Detection`] bears. A connection that merely breaks is made anew.
pub struct Tcp<A: ElectionAlgorithm> {
    cluster: String,
    peers: Vec<Peer>,
    config: A::Config,
    listen: Listen,
    tls: Option<Tls>,
    plaintext: bool,
    detection: Detection,
    trust_refused: bool,
    companion: Option<Companion>,
    life: Option<LifeLock>,
    monitor: Monitor,
    record: Option<RecordHandle>,
    before_listening: Option<BeforeListening>,
    lookup: Lookup,
}

/// What is done with the socket before it is listened on.
type BeforeListening = Box<dyn FnOnce(BorrowedFd<'_>) -> io::Result<()> + Send + Sync>;

enum Listen {
    /// On the node's own address among the peers.
    Own,
    At(String),
    On(TcpListener),
}

impl<A: ElectionAlgorithm> Tcp<A> {
    /// The network of a node of the cluster `cluster`. `peers` are all nodes with their addresses,
    /// this one among them, and `config` is that of the algorithm.
    #[must_use]
    pub fn new(cluster: impl Into<String>, peers: Vec<Peer>, config: A::Config) -> Self {
        Self {
            cluster: cluster.into(),
            peers,
            listen: Listen::Own,
            tls: None,
            plaintext: false,
            detection: Detection::of(config.timing()),
            config,
            trust_refused: false,
            companion: None,
            life: None,
            monitor: Monitor::default(),
            record: None,
            before_listening: None,
            lookup: Lookup::default(),
        }
    }

    /// Listens here, `host:port`, rather than on the node's own address among the peers: where
    /// that is the address of a gateway, or to listen on all interfaces (`0.0.0.0:7100`).
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = Listen::At(address.into());
        self
    }

    /// Listens on this socket, which is bound already.
    #[must_use]
    pub fn listen_on(mut self, listener: TcpListener) -> Self {
        self.listen = Listen::On(listener);
        self
    }

    /// Encrypts all connections, and lets in only whom a certificate names.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Listens where other machines can reach it although there is no TLS: whoever reaches the port
    /// can pose as a peer, and vote. Only for networks in which everybody is trusted.
    #[must_use]
    pub fn plaintext_beyond_loopback(mut self, allowed: bool) -> Self {
        self.plaintext = allowed;
        self
    }

    /// When a peer's silence counts. Default: [`Detection::of`] the timing.
    #[must_use]
    pub fn detection(mut self, detection: Detection) -> Self {
        self.detection = detection;
        self
    }

    /// Takes a refused connection, or another life that answers, for a proof that the process has
    /// ended ([`Input::Died`](elector_core::Input::Died)): the next leader is elected at once, and
    /// not when the lease has ended. Default: `false`.
    ///
    /// A proxy that is restarted, or a firewall that rejects, refuses in the name of a leader that
    /// lives. Then two nodes hold a lease at once. Only for networks where nothing between the
    /// nodes can answer for them.
    #[must_use]
    pub fn trust_refused(mut self, trust: bool) -> Self {
        self.trust_refused = trust;
        self
    }

    /// Has another process prove to peers that the node's process has ended: they elect the next
    /// leader at once then, and otherwise when the lease has ended. Default: none.
    ///
    /// `keep` gives that process a copy of a connection, and the [`Farewell`] that it is to write
    /// there. It is called with each connection on which the node speaks to a peer, and must not
    /// wait. The node shuts the connection down (`shutdown(2)`) when it has no more use for it; the
    /// copy is to be closed then. If `keep` fails, no proof will come over this connection.
    ///
    /// Everything rests on this: the farewell is written only when the process of the node *and all
    /// that acts on behalf of its leadership* have ended, as the kernel says by a pidfd. The end of
    /// a pipe, a failed call or a node that says nothing are not that. The heir of a process
    /// (`elector_heir::entrust`) and the guardian of `elector run` are such processes.
    #[must_use]
    pub fn companion(
        mut self,
        keep: impl Fn(&Farewell, BorrowedFd<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.companion = Some(Box::new(keep));
        self
    }

    /// Lets peers take the next life of this node for a proof that this one is over, if it has the
    /// same lock: where the companion ended together with the node, and the node is started again
    /// before its lease has ended. Default: none, and a new life proves nothing.
    ///
    /// Everything rests on this: as long as anything acts on behalf of this node's leadership, a
    /// process has the lock. [`LifeLock::inherit`] is for what acts in other processes.
    #[must_use]
    pub fn life(mut self, lock: Option<LifeLock>) -> Self {
        self.life = lock;
        self
    }

    /// Looks names up in this way, for clusters whose names the operating system does not know.
    /// Default: as the operating system does.
    ///
    /// `find` is given an address of the list of peers, or that to listen on, unless it is an IP
    /// address and a port: `host:port`, as it was written. It may wait: it is called on a thread of
    /// its own, once at a time for each peer. A peer is dialled at all addresses that are found, in
    /// this order, and the first that answers is taken. If a later lookup fails or takes long, the
    /// peer is dialled where it was before.
    #[must_use]
    pub fn resolver(
        mut self,
        find: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        self.lookup = Lookup::new(find);
        self
    }

    /// Does this with the listening socket before anybody is let in, and does not start if it
    /// fails. For another process that shall keep it: as long as that does, whoever dials this node
    /// after its process ended waits, and nobody is told that it is gone.
    #[must_use]
    pub fn before_listening(
        mut self,
        doing: impl FnOnce(BorrowedFd<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.before_listening = Some(Box::new(doing));
        self
    }

    /// Tells peers which list of nodes and which disk the node's record names, and remembers theirs
    /// in it. Without it the list is of the first generation, and peers cannot tell this node from
    /// another one of its id.
    #[must_use]
    pub fn record(mut self, record: RecordHandle) -> Self {
        self.record = Some(record);
        self
    }

    /// Looks at the connections, now and when the node runs.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// Binds the socket, unless that was done already.
    async fn bind(&mut self, me: NodeId) -> Result<TcpListener, NetError> {
        let listener = match std::mem::replace(&mut self.listen, Listen::Own) {
            Listen::On(listener) => {
                listener.set_nonblocking(true).map_err(NetError::Socket)?;
                listener
            }
            Listen::At(address) => self.bind_to(&address).await?,
            Listen::Own => self.bind_to(self.address(me)?).await?,
        };
        let bound = listener.local_addr().map_err(NetError::Socket)?;
        self.may_listen(bound)?;
        Ok(closed_first(listener))
    }

    async fn bind_to(&self, address: &str) -> Result<TcpListener, NetError> {
        let found = self.find(address).await?;
        let listener = tokio::net::TcpListener::bind(found).await;
        let listener = listener.and_then(tokio::net::TcpListener::into_std);
        listener.map_err(|source| NetError::Listen {
            address: found,
            source,
        })
    }

    /// What is told of the list of nodes, and of the disk.
    fn listed(&self, members: &Membership) -> Result<(NodeList, DiskId), NetError> {
        let Some(record) = &self.record else {
            let list = NodeList::new(members.nodes(), 1, [0; 16]);
            return Ok((list, DiskId::NONE));
        };
        let roster = record.roster().ok_or(NetError::NotLoaded)?;
        if roster.nodes != members.nodes() {
            return Err(NetError::OtherNodes {
                given: Ids(members.nodes()).to_string(),
                recorded: Ids(&roster.nodes).to_string(),
            });
        }
        let list = NodeList::new(&roster.nodes, roster.generation, roster.lineage);
        Ok((list, roster.disk))
    }

    fn hello(&self, members: &Membership, death_commitment: Commitment) -> Result<Hello, NetError> {
        let timing = self.config.timing();
        let silence = timing.election_min.min(self.detection.floor);
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let (list, disk) = self.listed(members)?;
        Ok(Hello {
            cluster: self.cluster.clone(),
            algorithm: A::NAME.to_owned(),
            options: fingerprint::of_options(&self.config),
            list,
            from: members.me(),
            to: members.me(),
            life: random() | 1,
            disk,
            death_commitment,
            hold: Hold::default(), // Said anew each time.
            lease_us: micros(timing.lease),
            silence_us: micros(silence),
        })
    }

    fn links(&self, members: &Membership) -> Result<Peers, NetError> {
        let links = members.peers().map(|peer| {
            let address = self.address(peer)?.to_owned();
            Ok(Link::new(peer, address, self.detection))
        });
        Ok(Peers::new(links.collect::<Result<Vec<_>, NetError>>()?))
    }
}

#[async_trait]
impl<A: ElectionAlgorithm> Transport<A> for Tcp<A> {
    async fn open(
        mut self: Box<Self>,
        members: &Membership,
        inbox: Inbox<A>,
    ) -> Result<Box<dyn Links<A>>, BoxError> {
        self.validate()?;
        let links = Arc::new(self.links(members)?);
        let testament = self.companion.take().map(Testament::draw);
        let testament = testament.transpose().map_err(NetError::Socket)?;
        let commitment = testament.as_ref().map(Testament::commitment);
        let hello = self.hello(members, commitment.unwrap_or(NO_COMMITMENT))?;
        let listener = self.bind(members.me()).await?;
        let listening = listener.local_addr().map_err(NetError::Socket)?;
        self.monitor
            .begin(Arc::clone(&links), listening, self.tls.clone());
        if let Some(doing) = self.before_listening.take() {
            doing(listener.as_fd()).map_err(NetError::Socket)?;
        }
        let closing = CancellationToken::new();
        let ceiling = self.detection.ceiling;
        let station = Arc::new(Station {
            members: members.clone(),
            hello,
            record: self.record,
            inbox,
            links,
            tls: self.tls,
            timing: *self.config.timing(),
            detection: self.detection,
            trust_refused: self.trust_refused,
            testament,
            life: self.life,
            stale: (4 * ceiling).max(Duration::from_secs(1)),
            closing: closing.clone(),
            node: Handle::current(),
            logged: Mutex::default(),
        });
        station.tls.iter().for_each(Tls::watch);
        tracing::info!(node = members.me().0, %listening, tls = station.tls.is_some(), "listening");
        let closing = closing.drop_guard();
        let door = Doorkeeper::start(Arc::clone(&station), listener).await;
        door.map_err(NetError::Socket)?;
        let queues = station.links.of.iter().map(|link| {
            let (queue, queued) = mpsc::channel(MOST_QUEUED);
            let lookup = self.lookup.clone();
            let dialer = Dialer::new(Arc::clone(&station), Arc::clone(link), queued, lookup);
            station.spawn(dialer.work());
            (Arc::clone(link), queue)
        });
        let queues = queues.collect();
        station.spawn(watch(Arc::clone(&station)));
        station.spawn(report(Arc::clone(&station)));
        Ok(Box::new(TcpLinks {
            queues,
            _closing: closing,
        }))
    }
}

/// The number that a listening socket gets, above those of all connections.
const HIGH: RawFd = 512;

/// Gives the listening socket a high number. Linux closes the files of a process that was killed
/// from the highest down: so nobody listens any more by the time that a peer sees its connection
/// break, and its next one is refused at the first try.
fn closed_first(listener: TcpListener) -> TcpListener {
    match rustix::io::fcntl_dupfd_cloexec(&listener, HIGH) {
        Ok(high) => TcpListener::from(high),
        // So many files may not be open here: a try or two more.
        Err(_) => listener,
    }
}

/// The links of a node that runs; when they are dropped, everything is closed.
struct TcpLinks {
    queues: Vec<(Arc<Link>, mpsc::Sender<Bytes>)>,
    _closing: DropGuard,
}

impl<A: ElectionAlgorithm> Links<A> for TcpLinks {
    fn send(&mut self, to: NodeId, message: A::Message) -> Result<(), Dropped> {
        let queue = self.queues.iter().find(|(link, _)| link.node == to);
        let (link, queue) = queue.ok_or(Dropped::Closed)?;
        if !link.is_up() {
            return Err(Dropped::Closed);
        }
        let frame = encode_message(&message).ok_or(Dropped::TooLarge)?;
        queue.try_send(frame).map_err(|error| match error {
            TrySendError::Full(_) => Dropped::Full,
            TrySendError::Closed(_) => Dropped::Closed,
        })
    }
}

impl<A: ElectionAlgorithm> fmt::Debug for Tcp<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tcp")
            .field("cluster", &self.cluster)
            .field("peers", &self.peers)
            .field("tls", &self.tls.is_some())
            .field("detection", &self.detection)
            .finish_non_exhaustive()
    }
}
