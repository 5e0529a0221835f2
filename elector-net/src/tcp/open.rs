use std::{
    net::{SocketAddr, TcpListener},
    os::fd::{AsFd as _, RawFd},
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use async_trait::async_trait;
use elector_core::{
    Configuration as _, DiskId, ElectionAlgorithm, Membership, NodeId,
    actor::{BoxError, Inbox, Links, Transport},
};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{Listen, Tcp, links::TcpLinks};
use crate::{
    accept::Acceptor,
    address_book::{AddressBook, is_address},
    context::NodeContext,
    error::NetError,
    farewell::DeathProof,
    links::PeerLinks,
    lock_proof::LockClaim,
    outage::log_outages,
    random::random,
    record::Ids,
    silence::detect_silence,
    tls::Tls,
    wire::{
        NodeList, fingerprint,
        hello::{Commitment, Hello, NO_COMMITMENT},
    },
};

/// What happens when a node opens its transport: it listens, and dials its peers.
impl<A: ElectionAlgorithm> Tcp<A> {
    /// Binds the listening socket, if it is not bound yet.
    async fn bind(&mut self, me: NodeId) -> Result<TcpListener, NetError> {
        let listener = match std::mem::replace(&mut self.listen, Listen::Own) {
            Listen::On(listener) => {
                listener.set_nonblocking(true).map_err(NetError::Socket)?;
                listener
            }
            Listen::At(address) => self.bind_to(&address).await?,
            Listen::Own => self.bind_to(self.own_listen_address(me)?).await?,
        };
        let bound = listener.local_addr().map_err(NetError::Socket)?;
        self.check_listen(bound)?;
        Ok(closed_first(listener))
    }

    async fn bind_to(&self, address: &str) -> Result<TcpListener, NetError> {
        let found = self.find(address).await?;
        let listener = tokio::net::TcpListener::bind(found).await;
        let listener = listener.and_then(tokio::net::TcpListener::into_std);
        listener.map_err(|error| NetError::Listen {
            address: found,
            error,
        })
    }

    /// Returns the list of nodes and the disk id that this node's hello contains. The hello is the
    /// frame of a handshake in which a dialler describes itself.
    fn list_and_disk(&self, members: &Membership) -> Result<(NodeList, DiskId), NetError> {
        let Some(record) = &self.record else {
            let list = NodeList::new(members.nodes(), 1, [0; 16]);
            return Ok((list, DiskId::NONE));
        };
        let roster = record.roster().ok_or(NetError::NotLoaded)?;
        if !A::CHANGES_MEMBERS && roster.nodes != members.nodes() {
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
        let (list, disk) = self.list_and_disk(members)?;
        Ok(Hello {
            cluster: self.cluster.clone(),
            algorithm: A::NAME.to_owned(),
            options: fingerprint::of_options(&self.config),
            list,
            from: members.me(),
            to: members.me(), // `NodeContext::hello_to` sets this field.
            life: random() | 1,
            disk,
            death_commitment,
            lock_claim: LockClaim::default(), // `NodeContext::hello_to` sets this field.
            lease_us: micros(timing.lease),
            silence_us: micros(silence),
            address: self.advertised.clone().unwrap_or_default(),
            joins: false,         // `NodeContext::hello_to` sets this field.
            founders: Vec::new(), // `NodeContext::hello_to` sets this field.
            settled: false,       // `NodeContext::hello_to` sets this field.
        })
    }

    /// Returns the address that this node names to its peers as its own, if
    /// [`advertise`](Self::advertise) has set none.
    fn own_address(&self, me: NodeId, listening: SocketAddr) -> String {
        let configured = self.address(me).ok().map(str::to_owned);
        configured.unwrap_or_else(|| match &self.listen {
            Listen::At(address) if is_address(address) && !listening.ip().is_unspecified() => {
                address.clone()
            }
            _ if listening.ip().is_unspecified() => format!(":{}", listening.port()),
            _ => listening.to_string(),
        })
    }

    /// Creates the address book, which has the addresses of other nodes. If the members are fixed,
    /// also checks that each peer has an address.
    fn book(&self, members: &Membership) -> Result<AddressBook, NetError> {
        if !A::CHANGES_MEMBERS {
            for peer in members.peers() {
                self.address(peer)?;
            }
        }
        Ok(AddressBook::new(&self.peers, self.address_file.clone()))
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
        let addresses = Arc::new(self.book(members)?);
        let links = Arc::new(PeerLinks::new(members.len(), A::CHANGES_MEMBERS));
        let death_proof = self.watcher.take().map(DeathProof::draw);
        let death_proof = death_proof.transpose().map_err(NetError::Socket)?;
        let commitment = death_proof.as_ref().map(DeathProof::commitment);
        let listener = self.bind(members.me()).await?;
        let listening = listener.local_addr().map_err(NetError::Socket)?;
        let own = self.own_address(members.me(), listening);
        let own = self.advertised.get_or_insert(own).clone();
        let hello = self.hello(members, commitment.unwrap_or(NO_COMMITMENT))?;
        let book = Arc::clone(&addresses);
        let tls = self.tls.clone();
        self.monitor
            .begin(Arc::clone(&links), book, (listening, own), tls);
        if let Some(doing) = self.before_listening.take() {
            doing(listener.as_fd()).map_err(NetError::Socket)?;
        }
        let shutdown = CancellationToken::new();
        let ceiling = self.detection.ceiling;
        let context = Arc::new(NodeContext {
            members: members.clone(),
            lineage: Mutex::new(hello.list.lineage),
            has_joined: AtomicBool::new(false),
            hello,
            addresses: Arc::clone(&addresses),
            lookup: self.lookup,
            record: self.record,
            inbox,
            links,
            tls: self.tls,
            timing: *self.config.timing(),
            detection: self.detection,
            trust_refused: self.trust_refused,
            death_proof,
            life_lock: self.life,
            idle_timeout: (4 * ceiling).max(Duration::from_secs(1)),
            shutdown: shutdown.clone(),
            runtime: Handle::current(),
            logged_rejections: Mutex::default(),
            logged_disks: Mutex::default(),
        });
        context.tls.iter().for_each(Tls::watch);
        tracing::info!(node = members.me().0, %listening, tls = context.tls.is_some(), "listening");
        let shutdown = shutdown.drop_guard();
        let acceptor = Acceptor::start(Arc::clone(&context), listener).await;
        acceptor.map_err(NetError::Socket)?;
        for peer in members.peers() {
            context.link_to(peer);
        }
        context.spawn(detect_silence(Arc::clone(&context)));
        context.spawn(log_outages(Arc::clone(&context)));
        if A::CHANGES_MEMBERS {
            context.spawn(addresses.keep(context.me()));
        }
        Ok(Box::new(TcpLinks::new(context, shutdown)))
    }
}

/// The minimum descriptor number of the listening socket. The connections of a node usually have
/// lower numbers, so Linux closes the listening socket first when the process is killed.
const LISTENER_FD_MIN: RawFd = 512;

/// Gives the listening socket a high descriptor number. Linux closes the files of a killed process
/// from the highest number down. So the listening socket is closed before a peer sees its
/// connection break, and the first new connection of the peer is refused.
fn closed_first(listener: TcpListener) -> TcpListener {
    match rustix::io::fcntl_dupfd_cloexec(&listener, LISTENER_FD_MIN) {
        Ok(high) => TcpListener::from(high),
        // The limit of open files may not allow this number. Then a peer may connect once or twice
        // to the dying process before it is refused.
        Err(_) => listener,
    }
}
