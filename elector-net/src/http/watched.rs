use std::{
    fmt,
    future::ready,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use elector_core::{
    Epoch, NodeId, Role, View,
    actor::{NodeError, NodeHandle, Status},
};
use tokio::{task::coop::unconstrained, time::timeout};

use super::{
    options::{Names, Peers},
    report::{LeaderReport, PeerStatus, StatusReport, millis, rfc3339},
};

/// A node, and what must be remembered of it between two requests.
pub(super) struct Watched {
    pub(super) node: NodeHandle,
    pub(super) cluster: String,
    names: Names,
    /// Where this node is reached.
    address: Option<String>,
    peers: Option<Box<dyn Peers>>,
    /// Drawn anew for every run, so that a reader of events notices a restart.
    pub(super) instance: u64,
    started: Instant,
    seen: Mutex<Seen>,
    tenures: AtomicU64,
}

/// What was seen last.
struct Seen {
    facts: Facts,
    since: SystemTime,
    tenure: Option<(Epoch, NodeId)>,
}

/// Whatever of a status makes it another one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Facts {
    role: Role,
    leader: Option<NodeId>,
    epoch: Epoch,
    holds: bool,
}

impl Facts {
    fn of(status: &Status) -> Self {
        Self {
            role: status.role,
            leader: status.leader,
            epoch: status.epoch,
            holds: status.holds_leadership(),
        }
    }
}

/// What a node knows at the moment of a request.
pub(super) struct Present {
    pub(super) status: Status,
    pub(super) holds: bool,
    pub(super) lease: Option<Duration>,
    since: SystemTime,
}

impl Watched {
    pub(super) fn new(
        node: NodeHandle,
        cluster: String,
        names: Names,
        address: Option<String>,
        peers: Option<Box<dyn Peers>>,
    ) -> Self {
        let status = node.status();
        let since = SystemTime::now().checked_sub(status.since.elapsed());
        let seen = Seen {
            facts: Facts::of(&status),
            since: since.unwrap_or(SystemTime::UNIX_EPOCH),
            tenure: None,
        };
        let watched = Self {
            node,
            cluster,
            names,
            address,
            peers,
            instance: RandomState::new().build_hasher().finish(),
            started: Instant::now(),
            seen: Mutex::new(seen),
            tenures: AtomicU64::new(0),
        };
        watched.count(View {
            epoch: status.epoch,
            leader: status.leader,
            role: status.role,
        });
        watched
    }

    /// Counts the tenure that a view shows, unless it is the one that was shown last.
    pub(super) fn count(&self, view: View) {
        let Some(leader) = view.leader else {
            return;
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.tenure.replace((view.epoch, leader)) != Some((view.epoch, leader)) {
            self.tenures.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn tenures(&self) -> u64 {
        self.tenures.load(Ordering::Relaxed)
    }

    /// What it knows now. Called at every event too, so that a change has the time at which it
    /// happened, not that of the first request after it.
    pub(super) fn present(&self) -> Present {
        // Looked at under the lock: of two requests, the later one to compare has looked later.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let status = self.node.status();
        // Before the facts: a lease that ends in between is then none that is held, rather than a
        // leadership without a lease.
        let lease = status.lease_remaining();
        let facts = Facts::of(&status);
        if seen.facts != facts {
            (seen.facts, seen.since) = (facts, SystemTime::now());
        }
        Present {
            status,
            holds: facts.holds,
            lease: lease.filter(|_| facts.holds),
            since: seen.since,
        }
    }

    /// Why the node does not run any more, if so.
    pub(super) async fn end(&self) -> Option<String> {
        let end = tokio::select! {
            biased;
            end = unconstrained(self.node.stopped()) => end,
            () = ready(()) => return None,
        };
        Some(reason(end))
    }

    /// Why the node does not do its work, if so: it has stopped, or its thread has not answered
    /// within this time.
    pub(super) async fn failure(&self, limit: Duration) -> Option<String> {
        if let Some(end) = self.end().await {
            return Some(end);
        }
        match timeout(limit, self.node.ping()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!(
                "the thread of the node has not answered within {limit:?}: it waits for its disk, \
                 or gets no processor; if that lasts, restart the node"
            )),
        }
    }

    pub(super) fn me(&self) -> NodeId {
        self.node.members().me()
    }

    pub(super) fn connections(&self) -> Option<Vec<PeerStatus>> {
        self.peers.as_ref().map(|peers| peers.peers())
    }

    /// Whether it reaches a majority, itself counted; only a cluster of one is known to without a
    /// word about its peers.
    pub(super) fn reaches_majority(&self) -> bool {
        let members = self.node.members();
        let connected = |peer: &&PeerStatus| peer.connected && members.contains(peer.id);
        let peers = self.connections().unwrap_or_default();
        peers.iter().filter(connected).count() + 1 >= members.majority()
    }

    pub(super) fn leader_report(&self, present: &Present) -> LeaderReport {
        let status = &present.status;
        let acts = present.holds || status.leader != Some(self.me());
        let name = status.leader.filter(|_| acts).map(&self.names);
        let address = match status.leader {
            Some(leader) if leader == self.me() => self.address.clone(),
            Some(leader) => {
                let mut peers = self.connections().unwrap_or_default().into_iter();
                peers
                    .find(|peer| peer.id == leader)
                    .and_then(|peer| peer.address)
            }
            None => None,
        };
        LeaderReport {
            name: name.unwrap_or_default(),
            last_update: rfc3339(present.since),
            node: self.me(),
            leader: status.leader,
            address,
            role: status.role,
            epoch: status.epoch,
            holds_leadership: present.holds,
            cluster: self.cluster.clone(),
            algorithm: self.node.algorithm().to_owned(),
            guarantee: self.node.guarantee(),
        }
    }

    pub(super) async fn status_report(&self) -> StatusReport {
        let stopped = self.end().await;
        let present = self.present();
        let status = &present.status;
        StatusReport {
            node: self.me(),
            name: (self.names)(self.me()),
            cluster: self.cluster.clone(),
            algorithm: self.node.algorithm().to_owned(),
            guarantee: self.node.guarantee(),
            version: super::VERSION.to_owned(),
            instance: format!("{:016x}", self.instance),
            uptime_ms: millis(self.started.elapsed()),
            stopped,
            role: status.role,
            leader: status.leader,
            leader_name: status.leader.map(&self.names),
            epoch: status.epoch,
            holds_leadership: present.holds,
            lease_remaining_ms: present.lease.map(millis),
            since: rfc3339(present.since),
            members: self.node.members().nodes().to_vec(),
            peers: self.connections(),
            work: (&status.work).into(),
            traffic: self.node.traffic().into(),
        }
    }
}

/// How a node ended, in words.
pub(super) fn reason(end: Result<(), NodeError>) -> String {
    match end {
        Err(error) => error.to_string(),
        Ok(()) => "the node was shut down".to_owned(),
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched")
            .field("cluster", &self.cluster)
            .field("node", &self.me())
            .finish_non_exhaustive()
    }
}
