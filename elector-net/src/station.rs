use std::{
    collections::BTreeSet,
    fmt,
    future::Future,
    net::IpAddr,
    os::fd::AsFd,
    sync::{Arc, Mutex},
    time::Duration,
};

use elector_core::{
    ElectionAlgorithm, Membership, NodeId, Timing,
    actor::{self, Inbox},
};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::{
    detector::Detection,
    farewell::Testament,
    link::{Link, Met, Told, lock},
    links::Links,
    outage::{Direction, Kind, Reason},
    record::{AdmitError, DiskId, LifeLock, LockId, RecordHandle},
    stream::Stream,
    successor::Hold,
    tls::Tls,
    wire::{
        hello::{Answer, Hello, VERSIONS},
        refusal::Refusal,
    },
};

/// How long a stranger may take until it is let in, and a peer to let this node in.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(1);

/// How many different strangers' refusals are logged, at most.
const MOST_LOGGED: usize = 256;

/// What all tasks of one node's network share.
pub(crate) struct Station<A: ElectionAlgorithm> {
    pub(crate) members: Membership,
    /// What this node says of itself; `to` is filled in for each peer.
    pub(crate) hello: Hello,
    /// Where the disks of peers are remembered.
    pub(crate) record: Option<RecordHandle>,
    pub(crate) inbox: Inbox<A>,
    pub(crate) links: Arc<Links>,
    pub(crate) tls: Option<Tls>,
    pub(crate) timing: Timing,
    pub(crate) detection: Detection,
    pub(crate) trust_refused: bool,
    /// Who proves that this life is over, if the hello has a commitment.
    pub(crate) testament: Option<Testament>,
    /// Held until this node, and all that acts for it, has ended.
    pub(crate) life: Option<LifeLock>,
    /// After how long a silence a connection is taken for dead, and made anew.
    pub(crate) stale: Duration,
    pub(crate) closing: CancellationToken,
    /// The runtime on the node's thread.
    pub(crate) node: Handle,
    /// The refusals of strangers that were logged.
    pub(crate) logged: Mutex<BTreeSet<(IpAddr, usize)>>,
}

impl<A: ElectionAlgorithm> Station<A> {
    pub(crate) fn me(&self) -> NodeId {
        self.members.me()
    }

    /// A peer refuses connections, or another life of it answers.
    pub(crate) fn suspect(&self, link: &Link) {
        if self.trust_refused {
            if link.tell(Told::Free) {
                self.inbox.died(link.node);
            }
        } else if link.tell(Told::Suspected) {
            self.inbox.suspect(link.node);
        }
    }

    /// A sign of life of a peer. In most algorithms two followers say nothing to each other, so
    /// that the algorithm would not hear of it by itself that a peer is back; and two nodes that
    /// take each other for gone campaign at the same time when their leader dies.
    pub(crate) fn heard(&self, link: &Link) {
        if link.heard() {
            self.inbox.returned(link.node);
        }
    }

    /// The answer of a peer to a ping that was sent at `sent`.
    pub(crate) fn answered(&self, link: &Link, sent: u64) {
        if link.answered(sent) {
            self.inbox.returned(link.node);
        }
    }

    /// A peer that has been let in, or lets this node in, says that this is its life.
    pub(crate) fn meet(&self, link: &Link, life: u64, hold: Hold) {
        match link.meet(life, hold, self.detection.ceiling) {
            Met::Again => return,
            Met::Another => self.suspect(link),
            Met::Proof => self.inbox.died(link.node),
        }
        let text = "its process has ended, and another one has been started";
        link.fail(Direction::Out, Reason::new(Kind::Gone, text));
    }

    /// The companion of this life of a peer has proved that it is over. See [`Link::bury`] for when
    /// that is told.
    pub(crate) fn bury(&self, link: &Link, life: u64) {
        if link.bury(life, self.detection.ceiling) {
            self.inbox.died(link.node);
            link.fail(
                Direction::Out,
                Reason::new(Kind::Gone, "its process has ended"),
            );
        }
    }

    /// Lets the companion have this connection, on which this node speaks.
    pub(crate) fn accompany(&self, stream: &Stream) {
        let Some(testament) = &self.testament else {
            return;
        };
        if let Err(error) = testament.keep(stream.socket().as_fd()) {
            tracing::debug!(node = self.me().0, %error, "the companion does not keep a connection");
        }
    }

    /// Runs a task on the node's thread, until the node stops.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let closing = self.closing.clone();
        let running = async move {
            // Cancelled: the node has stopped.
            let _ = closing.run_until_cancelled_owned(task).await;
        };
        self.node.spawn(running);
    }

    /// What this node says to the peer `to`.
    pub(crate) fn hello_to(&self, to: NodeId) -> Hello {
        Hello {
            to,
            hold: self.hold(),
            ..self.hello.clone()
        }
    }

    /// What this node says of itself to a peer that it lets in.
    pub(crate) fn welcome(&self) -> Answer {
        Answer::Welcome {
            version: VERSIONS.max,
            life: self.hello.life,
            disk: self.hello.disk,
            death_commitment: self.hello.death_commitment,
            hold: self.hold(),
        }
    }

    fn hold(&self) -> Hold {
        Hold {
            lock: self.life.as_ref().map_or(LockId::NONE, LifeLock::id),
            clock_ns: actor::now().nanos(),
        }
    }

    /// Whether a hello is that of a peer that this node can run an election with.
    pub(crate) fn check(&self, hello: &Hello) -> Result<&Arc<Link>, Refusal> {
        let mine = &self.hello;
        if hello.cluster != mine.cluster {
            return Err(Refusal::Cluster(mine.cluster.clone()));
        }
        if hello.algorithm != mine.algorithm {
            return Err(Refusal::Algorithm(mine.algorithm.clone()));
        }
        if hello.to != self.me() {
            return Err(Refusal::WrongNode(hello.to));
        }
        if !hello.list.has_nodes_of(&mine.list) {
            return Err(Refusal::Members {
                theirs: hello.list.clone(),
                ours: mine.list.clone(),
            });
        }
        if !hello.list.has_generation_of(&mine.list) {
            return Err(Refusal::Generation {
                theirs: hello.list.clone(),
                ours: mine.list.clone(),
            });
        }
        let link = self.links.of(hello.from);
        let link = link.ok_or(Refusal::NotAPeer(hello.from))?;
        if hello.options != mine.options {
            return Err(Refusal::Options);
        }
        self.check_timing(hello)?;
        Ok(link)
    }

    /// Checks the disk of a peer, and remembers it if the peer has one and was never admitted
    /// before. A peer that says no disk id is admitted as long as none is known of it.
    ///
    /// # Errors
    /// The refusal, if another disk is known; `None` if it could not be remembered.
    pub(crate) async fn admit(&self, node: NodeId, found: DiskId) -> Result<(), Option<Refusal>> {
        let Some(record) = &self.record else {
            return Ok(());
        };
        let other = |known| Refusal::Disk { node, known, found };
        match record.disk_of(node) {
            Some(known) if known == found => return Ok(()),
            Some(known) => return Err(Some(other(known))),
            None if found == DiskId::NONE => return Ok(()),
            None => {}
        }
        let record = record.clone();
        // Once in the life of a disk: not on the node's thread, which has heartbeats to send.
        let admitting = tokio::task::spawn_blocking(move || record.admit(node, found));
        let error = match admitting.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(AdmitError::Other(known))) => return Err(Some(other(known))),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!(node = self.me().0, peer = %node, error, "cannot remember the peer's disk");
        Err(None)
    }

    /// A leader's lease must have ended before its followers may turn to another, and that is
    /// counted on two machines.
    fn check_timing(&self, hello: &Hello) -> Result<(), Refusal> {
        let mine = &self.hello;
        for (lease_us, silence_us) in [
            (hello.lease_us, mine.silence_us),
            (mine.lease_us, hello.silence_us),
        ] {
            if lease_us >= silence_us {
                return Err(Refusal::Timing {
                    lease_us,
                    silence_us,
                });
            }
        }
        Ok(())
    }

    /// Counts a connection that was not let in. If it is the one of a peer that this node exchanges
    /// nothing with, that outage has a reason, which is logged. Otherwise it is logged unless the
    /// same happened before. `told` is the refusal, or what is known of it beyond that.
    pub(crate) fn refuse(
        &self,
        from: IpAddr,
        refusal: &Refusal,
        told: &dyn fmt::Display,
        peer: Option<&Link>,
    ) {
        self.links.count(refusal);
        if let Some(link) = peer {
            let place = match link.places.has(from) {
                true => String::new(),
                false => format!(" (it came from {from})"),
            };
            let text = format!("this node rejects node {}{place}: {told}", link.node);
            if link.fail(Direction::In, Reason::new(Kind::rejecting(refusal), text)) {
                return;
            }
        }
        if self.is_news(from, refusal) {
            tracing::warn!(
                node = self.me().0, %from, reason = %told,
                "refused a connection (further ones of this kind from there are only counted)"
            );
        }
    }

    /// Counts a connection that has waited longest to be let in, and was closed to make room.
    pub(crate) fn crowd_out(&self, from: IpAddr, refusal: &Refusal) {
        self.links.count(refusal);
        if self.is_news(from, refusal) {
            tracing::warn!(
                node = self.me().0, %from, reason = %refusal,
                "closed a connection that had not said whose it is, to make room for another one \
                 (further ones of this kind from there are only counted)"
            );
        }
    }

    fn is_news(&self, from: IpAddr, refusal: &Refusal) -> bool {
        let mut logged = lock(&self.logged);
        logged.len() < MOST_LOGGED && logged.insert((from, refusal.index()))
    }
}
