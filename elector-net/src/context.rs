mod cluster;

use std::{
    collections::BTreeSet,
    fmt,
    future::Future,
    net::IpAddr,
    os::fd::AsFd,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use elector_core::{
    DiskId, ElectionAlgorithm, Membership, NodeId, Timing,
    actor::{self, Inbox},
};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::{
    address_book::AddressBook,
    detector::Detection,
    dial::{Dialer, Lookup},
    farewell::DeathProof,
    link::{LifeChange, Link, Mark, lock},
    links::{PeerLinks, Standing},
    lock_proof::LockClaim,
    outage::{Direction, Reason, ReasonKind},
    record::{LifeLock, LockId, RecordHandle},
    socket::Socket,
    tls::Tls,
    wire::{
        hello::{Answer, Hello},
        rejection::Rejection,
    },
};

/// The time limit for the handshake of a connection. The node that dials and the node that accepts
/// both use it.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(1);

/// The maximum number of log lines of a node about rejected connections, apart from the lines about
/// outages of peers. A node logs one line for each address of a rejected side and each kind of
/// [`Rejection`]. The same number limits the lines about changed disks.
const MAX_LOGGED_REJECTIONS: usize = 256;

/// The state that all network tasks of one node share.
pub(crate) struct NodeContext<A: ElectionAlgorithm> {
    pub(crate) members: Membership,
    /// The hello of this node: the frame of a handshake in which a dialler describes itself.
    /// [`hello_to`](Self::hello_to) completes it for each connection.
    pub(crate) hello: Hello,
    /// The lineage of the cluster: zero, or the random number that `elector recover` has drawn.
    /// Nodes of different lineages reject each other. A node that joins a running cluster takes the
    /// lineage of that cluster.
    pub(crate) lineage: Mutex<[u8; 16]>,
    /// Whether this node has taken the founders of its cluster from a peer. The founders are the
    /// nodes of the first start, each with its first disk.
    pub(crate) has_joined: AtomicBool,
    pub(crate) addresses: Arc<AddressBook>,
    pub(crate) lookup: Lookup,
    /// The node's durable record, which stores the disk ids of peers; `None` if the node has no
    /// record.
    pub(crate) record: Option<RecordHandle>,
    pub(crate) inbox: Inbox<A>,
    pub(crate) links: Arc<PeerLinks>,
    pub(crate) tls: Option<Tls>,
    pub(crate) timing: Timing,
    pub(crate) detection: Detection,
    pub(crate) trust_refused: bool,
    /// What proves to peers that this process has ended: a secret, and the watcher that sends the
    /// secret to them. `None` if the node has no watcher.
    pub(crate) death_proof: Option<DeathProof>,
    /// A lock that the kernel releases when this process, and every other process that acts on
    /// behalf of this node, has ended. `None` if the node has no such lock.
    pub(crate) life_lock: Option<LifeLock>,
    /// If nothing arrives on a connection for this long, the node closes it. The node that dialled
    /// it connects again.
    pub(crate) idle_timeout: Duration,
    pub(crate) shutdown: CancellationToken,
    /// The runtime of the node's thread.
    pub(crate) runtime: Handle,
    /// For each rejection that was logged by itself, and not with the outage of a peer: the address
    /// of the rejected side, and the kind of the rejection. Such a rejection is not logged again.
    pub(crate) logged_rejections: Mutex<BTreeSet<(IpAddr, usize)>>,
    /// Each node that was logged because it came back with another disk, and the id of that disk.
    pub(crate) logged_disks: Mutex<BTreeSet<(NodeId, DiskId)>>,
}

impl<A: ElectionAlgorithm> NodeContext<A> {
    pub(crate) fn me(&self) -> NodeId {
        self.members.me()
    }

    /// Handles a peer that refuses connections, or at whose address another life answers, which is
    /// another process of the same node. Reports the peer's death to the algorithm if the settings
    /// trust a refused connection as a proof. Otherwise, reports a suspicion.
    pub(crate) fn suspect(&self, link: &Link) {
        if self.trust_refused {
            if link.mark(Mark::Released) {
                self.inbox.died(link.node);
            }
        } else if link.mark(Mark::Suspected) {
            self.inbox.suspect(link.node);
        }
    }

    /// Handles a handshake, a message or a pong, which shows that a peer is alive. Notifies the
    /// algorithm if the peer was marked down before, which means taken for failed.
    ///
    /// In most algorithms two followers exchange no messages, so the algorithm cannot notice by
    /// itself that a peer is reachable again. When a leader dies, the other nodes campaign in turn,
    /// and a node does not wait for the turn of a peer that it suspects. So without the
    /// notification, two nodes that suspect each other would campaign at the same time.
    pub(crate) fn received(&self, link: &Link) {
        if link.received() {
            self.inbox.returned(link.node);
        }
    }

    /// Notifies the algorithm that messages can be sent to a peer, if this node does not vote. A
    /// node without a vote asks its peers at intervals for the list of members. After the
    /// notification, it asks this peer at once.
    pub(crate) fn report_reachable(&self, link: &Link) {
        let votes = matches!(self.links.standing(self.me()), Standing::Voter(_));
        if A::CHANGES_MEMBERS && !votes {
            self.inbox.returned(link.node);
        }
    }

    /// Handles the life that a peer has named in a handshake, where a life is one process of the
    /// peer. If the life is another one than before, reports a death or a suspicion to the
    /// algorithm.
    pub(crate) fn learn_life(&self, link: &Link, life: u64, claim: LockClaim) {
        match link.learn_life(life, claim, self.detection.ceiling) {
            LifeChange::Unchanged => return,
            LifeChange::Unproved => self.suspect(link),
            LifeChange::Proved => self.inbox.died(link.node),
        }
        let text = "its process has ended, and a new one was started";
        link.record_failure(Direction::Out, Reason::new(ReasonKind::NotRunning, text));
    }

    /// Handles the report of a peer's watcher that this life of the peer, which is one process, has
    /// ended. [`Link::prove_dead`] says when the algorithm must be notified.
    pub(crate) fn prove_dead(&self, link: &Link, life: u64) {
        if link.prove_dead(life, self.detection.ceiling) {
            self.inbox.died(link.node);
            let text = "its process has ended";
            link.record_failure(Direction::Out, Reason::new(ReasonKind::NotRunning, text));
        }
    }

    /// Gives this node's watcher, which is another process, a copy of a connection on which this
    /// node sends to a peer. When this process has ended, the watcher writes the proof of death on
    /// the copy.
    pub(crate) fn entrust(&self, connection: &Socket) {
        let Some(death_proof) = &self.death_proof else {
            return;
        };
        if let Err(error) = death_proof.keep(connection.as_fd()) {
            tracing::debug!(
                node = self.me().0, %error,
                "watcher did not take a connection: no proof of death will be sent on it"
            );
        }
    }

    /// Runs a task on the node's thread, until the node stops.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        let running = async move {
            // The result is `None` if the node stopped before the end of the task.
            let _ = shutdown.run_until_cancelled_owned(task).await;
        };
        self.runtime.spawn(running);
    }

    /// Returns the hello, the frame of a handshake that describes this node, for a connection to
    /// the peer `to`.
    pub(crate) fn hello_to(&self, to: NodeId) -> Hello {
        let mut hello = Hello {
            to,
            lock_claim: self.lock_claim(),
            joins: self.joins(),
            ..self.hello.clone()
        };
        hello.list.lineage = *lock(&self.lineage);
        (hello.founders, hello.settled) = (self.founders(), self.is_settled());
        hello
    }

    /// Returns the answer to a peer that has described itself in its hello, and that this node
    /// admits. `version` is the version of the protocol on this connection.
    pub(crate) fn welcome(&self, version: u16) -> Answer {
        Answer::Welcome {
            version,
            life: self.hello.life,
            disk: self.hello.disk,
            death_commitment: self.hello.death_commitment,
            lock_claim: self.lock_claim(),
        }
    }

    fn lock_claim(&self) -> LockClaim {
        LockClaim {
            lock: self.life_lock.as_ref().map_or(LockId::NONE, LifeLock::id),
            clock_ns: actor::now().nanos(),
        }
    }

    /// Checks that this node can run an election with the node that describes itself in this hello,
    /// on a connection with this version of the protocol.
    ///
    /// # Errors
    /// Returns the reason why this node cannot run an election with that node.
    pub(crate) fn check(&self, hello: &Hello, version: u16) -> Result<(), Rejection> {
        let own = &self.hello;
        if hello.cluster != own.cluster {
            return Err(Rejection::Cluster(own.cluster.clone()));
        }
        if hello.algorithm != own.algorithm {
            return Err(Rejection::Algorithm(own.algorithm.clone()));
        }
        if hello.to != self.me() {
            return Err(Rejection::WrongNode(hello.to));
        }
        self.check_list(hello, version)?;
        if hello.from == self.me() || !A::CHANGES_MEMBERS && self.links.of(hello.from).is_none() {
            return Err(Rejection::NotAPeer(hello.from));
        }
        if hello.options != own.options {
            return Err(Rejection::Options);
        }
        self.check_timing(hello)
    }

    /// Stores the address that a peer has named as its own, on a connection from the host `from`.
    /// If the address is new, wakes the task that dials the peer.
    pub(crate) fn learn_address(&self, node: NodeId, named: &str, from: IpAddr) {
        let is_new = A::CHANGES_MEMBERS && self.addresses.named_by(node, named, from);
        if let Some(link) = self.links.of(node).filter(|_| is_new) {
            link.alive.notify_one();
        }
    }

    /// Returns the link to a peer, which is the shared state of the connections with it. If the
    /// peer has no link yet, creates one and begins to dial the peer. Returns `None` if the number
    /// of links is at its limit.
    pub(crate) fn link_to(self: &Arc<Self>, node: NodeId) -> Option<Arc<Link>> {
        let new = || Link::new(node, self.detection);
        match self.links.add(new, node) {
            Some((link, queued)) => {
                let dialer = Dialer::new(Arc::clone(self), Arc::clone(&link), queued);
                self.spawn(dialer.run());
                Some(link)
            }
            None => self.links.of(node),
        }
    }

    /// Checks the durations of a peer. The lease of a leader must end before its followers may
    /// support another leader. The leader counts the lease by its own clock. A follower counts its
    /// silence, the time for which it supports no other leader, by its own clock. So the lease of
    /// this node must be shorter than the silence of the peer, and the lease of the peer must be
    /// shorter than the silence of this node.
    fn check_timing(&self, hello: &Hello) -> Result<(), Rejection> {
        let own = &self.hello;
        for (lease_us, silence_us) in [
            (hello.lease_us, own.silence_us),
            (own.lease_us, hello.silence_us),
        ] {
            if lease_us >= silence_us {
                return Err(Rejection::Timing {
                    lease_us,
                    silence_us,
                });
            }
        }
        Ok(())
    }

    /// Counts a rejected connection from the address `from`, and logs the rejection. If the
    /// connection belongs to `peer`, and this peer is unreachable, the rejection becomes a reason
    /// of the peer's outage, and is logged with that outage. Otherwise this method logs the
    /// rejection by itself, once for each address and kind of rejection. `reason` is the text of
    /// the rejection, or a more detailed text.
    pub(crate) fn reject(
        &self,
        from: IpAddr,
        rejection: &Rejection,
        reason: &dyn fmt::Display,
        peer: Option<&Link>,
    ) {
        self.links.count(rejection);
        if let Some(link) = peer {
            let origin = match link.known_addresses.contains(from) {
                true => String::new(),
                false => format!(" (it connected from {from})"),
            };
            let text = format!("this node rejects node {}{origin}: {reason}", link.node);
            let reason = Reason::new(ReasonKind::rejecting(rejection), text);
            if link.record_failure(Direction::In, reason) {
                return;
            }
        }
        if self.is_first_report(from, rejection) {
            tracing::warn!(
                node = self.me().0, %from, %reason,
                "connection rejected (further ones of this kind from this address are only counted)"
            );
        }
    }

    /// Counts and logs a connection that this node closed to make room for a newer one. Of all
    /// connections whose handshake had not ended, this one was the oldest.
    pub(crate) fn crowd_out(&self, from: IpAddr, rejection: &Rejection) {
        self.links.count(rejection);
        if self.is_first_report(from, rejection) {
            tracing::warn!(
                node = self.me().0, %from, reason = %rejection,
                "connection closed before its handshake ended, to make room for a newer one \
                 (further ones of this kind from this address are only counted)"
            );
        }
    }

    fn is_first_report(&self, from: IpAddr, rejection: &Rejection) -> bool {
        let mut logged = lock(&self.logged_rejections);
        logged.len() < MAX_LOGGED_REJECTIONS && logged.insert((from, rejection.index()))
    }
}
