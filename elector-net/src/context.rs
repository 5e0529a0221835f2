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

/// The time limit for a handshake, on either side.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(1);

/// The maximum number of different rejections that are logged here. A rejection is identified by
/// its address and its kind.
const MAX_LOGGED_REJECTIONS: usize = 256;

/// The state that all network tasks of one node share.
pub(crate) struct NodeContext<A: ElectionAlgorithm> {
    pub(crate) members: Membership,
    /// This node's own hello. `to` and `lock_claim` get their values for each connection.
    pub(crate) hello: Hello,
    /// The lineage of the cluster. A node that joins takes that of the cluster.
    pub(crate) lineage: Mutex<[u8; 16]>,
    /// Whether this node has taken the founders of its cluster from a peer.
    pub(crate) has_joined: AtomicBool,
    pub(crate) addresses: Arc<AddressBook>,
    pub(crate) lookup: Lookup,
    /// Stores the disk ids of peers.
    pub(crate) record: Option<RecordHandle>,
    pub(crate) inbox: Inbox<A>,
    pub(crate) links: Arc<PeerLinks>,
    pub(crate) tls: Option<Tls>,
    pub(crate) timing: Timing,
    pub(crate) detection: Detection,
    pub(crate) trust_refused: bool,
    /// The proof for peers that this life has ended; `None` if the node has no watcher.
    pub(crate) death_proof: Option<DeathProof>,
    /// A lock that is held until this node, and everything that acts on its behalf, has ended.
    pub(crate) life_lock: Option<LifeLock>,
    /// A connection that is silent for this long is closed and made again.
    pub(crate) idle_timeout: Duration,
    pub(crate) shutdown: CancellationToken,
    /// The runtime of the node's thread.
    pub(crate) runtime: Handle,
    /// The address and the kind of each rejection that was logged here.
    pub(crate) logged_rejections: Mutex<BTreeSet<(IpAddr, usize)>>,
    /// The nodes that came back with another disk, and that were logged.
    pub(crate) logged_disks: Mutex<BTreeSet<(NodeId, DiskId)>>,
}

impl<A: ElectionAlgorithm> NodeContext<A> {
    pub(crate) fn me(&self) -> NodeId {
        self.members.me()
    }

    /// Handles a peer that refuses connections, or that answers in another life.
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
    /// algorithm if the peer was marked down before.
    ///
    /// In most algorithms two followers exchange no messages, so the algorithm cannot notice by
    /// itself that a peer is reachable again. When a leader dies, the other nodes campaign one
    /// after the other, and a node does not wait for peers that it suspects. So without the
    /// notification, two nodes that suspect each other would campaign at the same time.
    pub(crate) fn received(&self, link: &Link) {
        if link.received() {
            self.inbox.returned(link.node);
        }
    }

    /// Notifies the algorithm that messages can be sent to a peer, if this node does not vote. Such
    /// a node looks for its cluster, and must not wait for its next attempt.
    pub(crate) fn report_reachable(&self, link: &Link) {
        let votes = matches!(self.links.standing(self.me()), Standing::Voter(_));
        if A::CHANGES_MEMBERS && !votes {
            self.inbox.returned(link.node);
        }
    }

    /// Handles the life that a peer has named in a handshake.
    pub(crate) fn learn_life(&self, link: &Link, life: u64, claim: LockClaim) {
        match link.learn_life(life, claim, self.detection.ceiling) {
            LifeChange::Unchanged => return,
            LifeChange::Unproved => self.suspect(link),
            LifeChange::Proved => self.inbox.died(link.node),
        }
        let text = "its process has ended, and a new one was started";
        link.record_failure(Direction::Out, Reason::new(ReasonKind::NotRunning, text));
    }

    /// Handles the report of a watcher that this life of a peer has ended. [`Link::prove_dead`]
    /// says when the algorithm is notified.
    pub(crate) fn prove_dead(&self, link: &Link, life: u64) {
        if link.prove_dead(life, self.detection.ceiling) {
            self.inbox.died(link.node);
            let text = "its process has ended";
            link.record_failure(Direction::Out, Reason::new(ReasonKind::NotRunning, text));
        }
    }

    /// Gives the watcher a copy of this connection, on which this node sends.
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

    /// Returns this node's hello to the peer `to`.
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

    /// Returns this node's answer to a peer that it admits on a connection with this version.
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

    /// Checks that this node can run an election with the node that has sent this hello, on a
    /// connection with this version.
    ///
    /// # Errors
    /// Returns the reason why it cannot.
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

    /// Takes the address that a peer has named, on a connection from the host `from`.
    pub(crate) fn learn_address(&self, node: NodeId, named: &str, from: IpAddr) {
        let is_new = A::CHANGES_MEMBERS && self.addresses.named_by(node, named, from);
        if let Some(link) = self.links.of(node).filter(|_| is_new) {
            link.alive.notify_one();
        }
    }

    /// Returns the link to a peer. Makes a link if necessary, and begins to dial the peer. Returns
    /// `None` if there are too many links.
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
    /// support another leader, although two machines with different clocks count the two durations.
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

    /// Counts a connection that was rejected, and reports the rejection. If the connection belongs
    /// to `peer`, and this peer is unreachable, the rejection becomes a reason of the peer's
    /// outage, and is logged with that outage. Otherwise this method logs the rejection, once for
    /// each address and kind. `reason` is the text of the rejection, or a more detailed text.
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

    /// Counts a connection that was closed to make room: it had waited longest for the end of its
    /// handshake.
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
